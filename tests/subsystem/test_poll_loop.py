"""Poll loops: they may die at any moment, and no task is lost (B-18, B-30 to B-33, B-48, B-53)."""

import asyncio
import inspect
import threading
from typing import Any

import pytest

from hourglass import Subsystem, _bridge
from hourglass.client import Client
from hourglass.subsystem import events
from hourglass.subsystem.poll_loop import PollLoop
from hourglass.subsystem.worker_handle import WorkerHandle
from hourglass.supervision import NORMAL, ChildRestarting, Crash, Reply, Shutdown
from tests.subsystem.kit import WAIT, Heard, Taker, child, declaration, hold, holder, tree
from tests.subsystem.test_worker_supervisor import ended, loop_of, started
from tests.support import unique


async def run_one(client: Client, queue: str, taker: Taker, number: int) -> Any:
    """Start a workflow, take its task, complete it; its result."""
    handle = await client.start_workflow("Any", id=unique("w"), task_queue=queue)
    activation = await asyncio.to_thread(taker.next, number)
    done = _bridge.WorkflowCompletion(activation.run_id, [_bridge.CompleteWorkflowExecution(None)])
    taker.handle(activation.tag).complete_workflow(done)
    return await asyncio.wait_for(handle.result(), WAIT)


async def released(handle: WorkerHandle) -> None:
    """Release a handle, as the next holder would, so that its polls end."""
    await handle.release().answer


async def test_b18_loops_whose_holder_is_lost_wait_for_the_cascade(
    embedded_client: Client, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B-18: they neither spin nor crash, however long it takes; the cascade ends them."""
    one = declaration(embedded_client)
    worker = await started(one)
    loops = [await loop_of(worker, poll) for poll in ("workflow", "activity")]
    here, root, go = holder(), tree().root, threading.Event()
    handle = here.handle(one.spec.name)
    assert handle is not None
    asked: list[object] = []
    timers: list[float] = []
    serving = here.serving

    def counted(name: str, after: WorkerHandle | None = None) -> Reply[WorkerHandle]:
        asked.append(name)
        return serving(name, after)

    async def many_turns() -> None:
        loop = asyncio.get_running_loop()
        call_at = loop.call_at

        def spied(when: float, *args: Any, **options: Any) -> Any:
            timers.append(when)
            return call_at(when, *args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(loop, "call_at", spied)
            for _ in range(500):
                await asyncio.sleep(0)

    monkeypatch.setattr(here, "serving", counted)
    heard.events.clear()
    hold(root, go)
    here.kill()
    await asyncio.wait_for(here.exit, WAIT)
    await asyncio.wait_for(root.place.loop.run(released, handle), WAIT)
    await asyncio.wait_for(root.place.loop.run(many_turns), WAIT)
    assert all(loop.alive for loop in loops)
    assert len(asked) == len(loops)
    assert timers == []
    go.set()
    for loop in loops:
        assert isinstance(await asyncio.wait_for(loop.exit, WAIT), Shutdown | type(NORMAL))
    await root.which_children()
    restarts = [event.child_id for event in heard.of(ChildRestarting)]
    assert restarts == ["bridge_holder"]


async def test_b30_a_task_that_comes_while_the_caller_is_dead_is_not_lost(
    embedded_client: Client,
) -> None:
    """B-30: the poll itself is native, and what it brings waits in the inbox."""
    taker = Taker()
    one = declaration(embedded_client, workflows=taker)
    worker = await started(one)
    loop = await loop_of(worker, "workflow")
    loop.kill()  # and go on at once: nobody waits for its successor
    assert await run_one(embedded_client, one.spec.name, taker, 1) is None
    await asyncio.wait_for(loop.exit, WAIT)
    await Subsystem.stop_worker(one.spec.name)


async def test_b31_a_healthy_loop_lives_through_a_recycle_and_ends_when_unregistered(
    embedded_client: Client,
) -> None:
    """B-31: it gets the shutdown of the old handle, sees it is registered, and goes on."""
    taker = Taker()
    one = declaration(embedded_client, workflows=taker)
    worker = await started(one)
    loop = await loop_of(worker, "workflow")
    old = holder().handle(one.spec.name)
    assert old is not None
    await asyncio.wait_for(holder().recycle(one.spec.name), WAIT)
    assert await asyncio.wait_for(old.ended["workflow"].answer, WAIT) is None
    assert await run_one(embedded_client, one.spec.name, taker, 1) is None
    assert loop.alive
    assert await loop_of(worker, "workflow") is loop
    await asyncio.wait_for(holder().unregister(one.spec.name), WAIT)
    assert await asyncio.wait_for(loop.exit, WAIT) == NORMAL
    await Subsystem.stop_worker(one.spec.name)


async def test_b32_loops_that_die_in_a_burst_cost_the_handle_nothing(
    embedded_client: Client, heard: Heard
) -> None:
    """B-32: the seed recycles once for a burst, because its polls die with their callers. Ours
    don't, so there is nothing to recycle."""
    taker = Taker()
    one = declaration(embedded_client, workflows=taker, activities=Taker())
    worker = await started(one)
    handle = holder().handle(one.spec.name)
    for _ in range(5):
        await ended(await loop_of(worker, "workflow"))
        await ended(await loop_of(worker, "activity"))
    assert await run_one(embedded_client, one.spec.name, taker, 1) is None
    assert holder().handle(one.spec.name) is handle
    assert heard.of(events.WorkerRecycled) == []
    assert len(heard.of(events.WorkerRegistered, name=one.spec.name)) == 1
    await Subsystem.stop_worker(one.spec.name)


async def test_b33_a_loop_that_dies_as_its_poll_returns_costs_nothing(
    embedded_client: Client, heard: Heard
) -> None:
    """B-33: in the very instant a task arrives."""
    taker = Taker()
    one = declaration(embedded_client, workflows=taker)
    worker = await started(one)
    handle = await embedded_client.start_workflow("Any", id=unique("w"), task_queue=one.spec.name)
    activation = await asyncio.to_thread(taker.next)
    await ended(await loop_of(worker, "workflow"))
    done = _bridge.WorkflowCompletion(activation.run_id, [_bridge.CompleteWorkflowExecution(None)])
    taker.handle(activation.tag).complete_workflow(done)
    assert await asyncio.wait_for(handle.result(), WAIT) is None
    assert heard.of(events.WorkerRecycled) == []
    await Subsystem.stop_worker(one.spec.name)


async def test_b48_each_poll_has_a_loop_of_its_own(embedded_client: Client) -> None:
    """B-48: when both die at once, both come back."""
    one = declaration(embedded_client)
    worker = await started(one)
    before = [await loop_of(worker, poll) for poll in ("workflow", "activity")]
    for loop in before:
        loop.stop(Crash(ValueError("both")))
    for loop in before:
        await asyncio.wait_for(loop.exit, WAIT)
    after = [await loop_of(worker, poll) for poll in ("workflow", "activity")]
    assert all(loop.alive for loop in after)
    assert not set(before) & set(after)
    await Subsystem.stop_worker(one.spec.name)


async def test_b53_a_loop_waits_without_a_limit_and_every_other_call_has_one(
    embedded_client: Client, monkeypatch: Any
) -> None:
    """B-53."""
    limits: dict[str, float | None] = {}
    await embedded_client.connection.native()
    here = holder()

    def watched(method: str) -> Any:
        original = getattr(here, method)
        default = inspect.signature(original).parameters["timeout"].default

        def call(handler: Any, *args: Any, **options: Any) -> Any:
            limits[handler.__name__.strip("_")] = options.get("timeout", default)
            return original(handler, *args, **options)

        return call

    for method in ("call", "call_deferred"):
        monkeypatch.setattr(here, method, watched(method))
    one = declaration(embedded_client)
    worker = await started(one)
    await here.recycle(one.spec.name)
    await here.settled()
    assert isinstance(await loop_of(worker, "workflow"), PollLoop)
    await Subsystem.stop_worker(one.spec.name)
    unlimited = {name for name, limit in limits.items() if limit is None}
    assert unlimited == {"serving"}
    assert all(limit is None or 0 < limit <= 300 for limit in limits.values())
    assert set(limits) == {"serving", "register", "unregister", "recycle", "nothing"}
    assert child("bridge_holder") is here
