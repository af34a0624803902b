"""The owner of worker handles: who may register when, and what wins (B-34 to B-50)."""

import asyncio
import threading
from collections.abc import Awaitable
from typing import Any

import pytest

from hourglass import Subsystem, _bridge
from hourglass.client import Client
from hourglass.exceptions import ConnectError
from hourglass.subsystem import events
from hourglass.subsystem.errors import (
    AlreadyRegisteredError,
    RegistrationInFlightError,
    WorkerNotRegisteredError,
)
from hourglass.subsystem.worker_handle import WorkerHandle
from hourglass.supervision import KILLED, Process, Task, default_loop
from tests.subsystem.kit import WAIT, Gate, Heard, Taker, declaration, hold, holder, kill
from tests.support import unique


async def soon(answer: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(answer, WAIT)


async def test_b34_unregister_wins_against_a_recycle(embedded_client: Client, heard: Heard) -> None:
    """B-34: the fresh handle is shut down and thrown away, and nothing stays registered."""
    gate = Gate(embedded_client)
    one = declaration(embedded_client, connect=gate)
    gate.opened.set()
    first: WorkerHandle = await soon(holder().register(one))
    gate.opened.clear()
    gate.reached.clear()
    recycling = holder().recycle(one.spec.name)
    await soon(gate.reached.wait())
    await soon(holder().unregister(one.spec.name))
    await heard.came(events.WorkerUnregistered, name=one.spec.name)
    gate.opened.set()
    with pytest.raises(WorkerNotRegisteredError):
        await soon(recycling)
    assert not holder().registered(one.spec.name)
    await soon(first.gone.answer)
    await heard.came(events.HandleReleased, 2, name=one.spec.name)
    assert not holder().registered(one.spec.name)
    assert one.handles == set()


async def test_b35_a_recycled_handle_has_exactly_the_original_options(
    embedded_client: Client, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    """B-35."""
    made: list[dict[str, Any]] = []

    def watched(*args: Any, **options: Any) -> _bridge.Worker:
        made.append(options)
        return native(*args, **options)

    native = _bridge.Worker
    one = declaration(
        embedded_client, max_cached_workflows=3, max_outstanding_activities=2, build_id="7"
    )
    monkeypatch.setattr(_bridge, "Worker", watched)
    first = await soon(holder().register(one))
    second = await soon(holder().recycle(one.spec.name))
    await heard.came(events.WorkerRecycled, name=one.spec.name)
    assert second is not first
    assert holder().handle(one.spec.name) is second
    before, after = made
    assert before.pop("tag") != after.pop("tag")
    assert before == after
    assert before["max_cached_workflows"] == 3
    await soon(first.gone.answer)
    await soon(holder().unregister(one.spec.name))


async def test_b36_after_a_recycle_that_failed_nothing_polls_and_the_owner_restores_it(
    embedded_client: Client,
) -> None:
    """B-36: pollers are told that the worker is not registered; its owner is told to start anew."""
    gate = Gate(embedded_client)
    gate.opened.set()
    owner = await soon(default_loop().start(Task(forever)))
    one = declaration(embedded_client, connect=gate)
    first = await soon(holder().register(one, owner))
    gate.error = ConnectError("no way")
    with pytest.raises(ConnectError):
        await soon(holder().recycle(one.spec.name))
    with pytest.raises(WorkerNotRegisteredError):
        await soon(holder().serving(one.spec.name, first))
    assert holder().handle(one.spec.name) is None
    await soon(first.gone.answer)
    reason = await soon(owner.exit)
    assert reason.exception is gate.error


async def test_b36_a_queue_whose_recycle_failed_comes_back(
    embedded_client: Client, heard: Heard
) -> None:
    """B-36: its worker starts again, registers afresh, and does what was waiting."""
    taker = Taker()
    refusals = 0

    async def connect() -> _bridge.Client:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise ConnectError("no way")
        return await embedded_client.connection.native()

    one = declaration(embedded_client, workflows=taker, connect=connect)
    name = one.spec.name
    Subsystem.start_worker(one)
    await soon(one.started.answer)
    refusals = 1
    with pytest.raises(ConnectError):
        await soon(holder().recycle(name))
    handle = await embedded_client.start_workflow("Any", id=unique("w"), task_queue=name)
    await heard.came(events.WorkerRegistered, 2, name=name)
    activation = await asyncio.to_thread(taker.next)
    done = _bridge.WorkflowCompletion(activation.run_id, [_bridge.CompleteWorkflowExecution(None)])
    taker.handle(activation.tag).complete_workflow(done)
    assert await soon(handle.result()) is None
    assert Subsystem.registered(name)
    await soon(Subsystem.stop_worker(name))


async def forever(_task: Process) -> None:
    await asyncio.Event().wait()


async def test_b37_one_registration_at_a_time_and_a_new_one_after_a_failure(
    embedded_client: Client,
) -> None:
    """B-37: in flight; then already registered; after a failure another attempt is allowed."""
    gate = Gate(embedded_client)
    name = unique("queue")
    failing = declaration(embedded_client, name, connect=gate)
    registering = holder().register(failing)
    await soon(gate.reached.wait())
    with pytest.raises(RegistrationInFlightError, match=name):
        await soon(holder().register(declaration(embedded_client, name)))
    gate.error = ConnectError("no way")
    gate.opened.set()
    with pytest.raises(ConnectError):
        await soon(registering)
    await soon(holder().register(declaration(embedded_client, name)))
    with pytest.raises(AlreadyRegisteredError, match=name):
        await soon(holder().register(declaration(embedded_client, name)))
    assert holder().registered(name)
    await soon(holder().unregister(name))


async def test_b38_a_worker_is_registered_when_its_handle_is_stored(
    embedded_client: Client,
) -> None:
    """B-38: not before; and the answer comes after."""
    gate = Gate(embedded_client)
    one = declaration(embedded_client, connect=gate)
    registering = holder().register(one)
    await soon(gate.reached.wait())
    assert not holder().registered(one.spec.name)
    gate.opened.set()
    handle = await soon(registering)
    assert holder().registered(one.spec.name)
    assert holder().handle(one.spec.name) is handle
    await soon(holder().unregister(one.spec.name))


async def test_b39_unregistering_is_seen_at_once_and_answered_when_drained(
    embedded_client: Client,
) -> None:
    """B-39: here a task that is out keeps it from being drained; parked polls have returned."""
    workflows = Taker()
    one = declaration(embedded_client, workflows=workflows, activities=Taker())
    handle = await soon(holder().register(one))
    await embedded_client.start_workflow("Any", id=unique("w"), task_queue=one.spec.name)
    activation = await asyncio.to_thread(workflows.next)
    assert holder().registered(one.spec.name)
    go = threading.Event()
    hold(holder(), go)
    unregistering = holder().unregister(one.spec.name)
    assert not holder().registered(one.spec.name)
    assert holder().handle(one.spec.name) is None
    go.set()
    await soon(holder().settled())
    assert not holder().registered(one.spec.name)
    assert (unregistering.done(), handle.state) == (False, "draining")
    assert handle.slots()["workflow_tasks_in_use"] == 1
    handle.complete_workflow(_bridge.WorkflowCompletion(activation.run_id))
    await soon(unregistering)
    assert handle.state == "gone"
    assert [ended.answer.done() for ended in handle.ended.values()] == [True, True]


async def test_only_its_owner_unregisters_what_an_owner_registered(
    embedded_client: Client,
) -> None:
    """A worker that ends late leaves its successor's handle alone; without an owner, any caller
    may."""
    owner, other = [await soon(default_loop().start(Task(forever))) for _ in range(2)]
    one = declaration(embedded_client)
    handle: WorkerHandle = await soon(holder().register(one, owner))
    await soon(holder().unregister(one.spec.name, other))
    assert holder().registered(one.spec.name)
    assert holder().handle(one.spec.name) == handle
    assert not handle.gone.answer.done()
    await soon(holder().unregister(one.spec.name, owner))
    assert handle.state == "gone"
    again = await soon(holder().register(one, owner))
    await soon(holder().unregister(one.spec.name))
    assert again.state == "gone"
    for process in (owner, other):
        process.kill()
        await soon(process.exit)


async def test_b40_unregistering_what_is_not_there_is_fine(embedded_client: Client) -> None:
    """B-40."""
    await embedded_client.connection.native()
    await soon(holder().unregister("nobody"))


async def test_b41_a_slow_registration_delays_nobody_else(embedded_client: Client) -> None:
    """B-41: everything slow runs outside the mailbox."""
    gate = Gate(embedded_client)
    slow = declaration(embedded_client, connect=gate)
    registering = holder().register(slow)
    await soon(gate.reached.wait())
    workflows = Taker()
    other = declaration(embedded_client, workflows=workflows)
    handle = await soon(holder().register(other))
    await embedded_client.start_workflow("Any", id=unique("w"), task_queue=other.spec.name)
    activation = await asyncio.to_thread(workflows.next)
    handle.complete_workflow(_bridge.WorkflowCompletion(activation.run_id))
    await soon(holder().unregister(other.spec.name))
    assert not registering.done()
    gate.opened.set()
    await soon(registering)
    await soon(holder().unregister(slow.spec.name))


async def test_b45_whoever_waits_for_something_slow_that_is_killed_is_told(
    embedded_client: Client,
) -> None:
    """B-45: what runs the slow part dies, its caller fails at once; others never notice.

    (The seed's holder dies with its task supervisor. Ours has one task for each slow thing, so
    nothing else has to die.)
    """
    gate = Gate(embedded_client)
    one = declaration(embedded_client, connect=gate)
    here = holder()
    registering = here.register(one)
    await soon(gate.reached.wait())
    here._entries[one.spec.name].under_way.kill()  # type: ignore[union-attr]
    with pytest.raises(WorkerNotRegisteredError, match="killed"):
        await soon(registering)
    assert holder() is here
    gate.opened.set()
    await soon(here.register(one))
    await soon(here.unregister(one.spec.name))


async def test_b45_whoever_waits_for_a_holder_that_is_killed_is_told(
    embedded_client: Client,
) -> None:
    """B-45: nobody hangs."""
    from hourglass.supervision import Exited

    gate = Gate(embedded_client)
    registering = holder().register(declaration(embedded_client, connect=gate))
    await soon(gate.reached.wait())
    await asyncio.to_thread(kill, "bridge_holder")
    with pytest.raises(Exited):
        await soon(registering)


async def test_b46_a_stray_exit_is_logged_and_the_holder_goes_on(
    embedded_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """B-46."""
    await embedded_client.connection.native()
    here = holder()
    stranger = Task(forever)

    async def link() -> None:
        await here.start_link(stranger, "stranger")

    await soon(here.place.loop.run(link))
    stranger.kill()
    assert await soon(stranger.exit) == KILLED
    await soon(here.settled())
    assert here.alive
    assert "stranger" in caplog.text


async def test_b47_a_holder_that_stops_shuts_every_handle_down(embedded_client: Client) -> None:
    """B-47: every parked poll returns; here of a holder that is killed, too."""
    one = declaration(embedded_client)
    handle = await soon(holder().register(one))
    await asyncio.to_thread(kill, "bridge_holder")
    await soon(handle.gone.answer)
    assert await soon(handle.ended["workflow"].answer) is None
    assert await soon(handle.ended["activity"].answer) is None
    other = await soon(holder().register(declaration(embedded_client)))
    here = holder()
    here.stop()
    await soon(here.exit)
    assert other.state == "gone"


async def test_b49_a_completion_goes_to_the_handle_its_task_came_from(
    embedded_client: Client,
) -> None:
    """B-49: not to the one that serves the worker by then."""
    workflows = Taker()
    one = declaration(embedded_client, workflows=workflows)
    old = await soon(holder().register(one))
    started = await embedded_client.start_workflow("Any", id=unique("w"), task_queue=one.spec.name)
    activation = await asyncio.to_thread(workflows.next)
    assert activation.tag == old.tag
    new = await soon(holder().recycle(one.spec.name))
    assert new.tag != old.tag
    assert (old.slots()["workflow_tasks_in_use"], old.state) == (1, "draining")
    done = _bridge.WorkflowCompletion(activation.run_id, [_bridge.CompleteWorkflowExecution(None)])
    workflows.handle(activation.tag).complete_workflow(done)
    assert await soon(started.result()) is None
    await soon(old.gone.answer)
    with pytest.raises(WorkerNotRegisteredError):
        old.complete_workflow(done)
    await soon(holder().unregister(one.spec.name))


async def test_b50_unregistering_during_a_registration_leaves_no_handle(
    embedded_client: Client, heard: Heard
) -> None:
    """B-50: its caller is told, and what is made all the same is thrown away."""
    gate = Gate(embedded_client)
    one = declaration(embedded_client, connect=gate)
    registering = holder().register(one)
    await soon(gate.reached.wait())
    await soon(holder().unregister(one.spec.name))
    with pytest.raises(WorkerNotRegisteredError):
        await soon(registering)
    gate.opened.set()
    await heard.came(events.HandleReleased, name=one.spec.name)
    assert not holder().registered(one.spec.name)
    assert one.handles == set()
