"""The tree: who goes with whom, and who comes back (B-13 to B-21, B-23)."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest

from hourglass import Subsystem, _bridge, activity, workflow
from hourglass.client import Client
from hourglass.exceptions import TemporalError
from hourglass.subsystem import events
from hourglass.subsystem.errors import SubsystemStoppedError, WorkerNotRegisteredError
from hourglass.subsystem.runtime import process_runtime
from hourglass.subsystem.runtime_owner import renew
from hourglass.subsystem.tree import current_tree
from hourglass.supervision import ChildExited, ChildStarted, Crash, default_loop
from hourglass.supervision.errors import IntensityExceeded
from hourglass.worker import Worker
from tests.subsystem.conftest import stopped
from tests.subsystem.kit import CHILDREN, WAIT, Heard, child, declaration, kill, pids, tree
from tests.supervision.kit import die
from tests.support import new_worker, unique


@workflow.defn
class Echo:
    @workflow.run
    async def run(self, value: str) -> str:
        return value


@workflow.defn
class Waits:
    def __init__(self) -> None:
        self.value = ""

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: bool(self.value))
        return self.value

    @workflow.signal
    def go(self, value: str) -> None:
        self.value = value


@workflow.defn
class Calls:
    @workflow.run
    async def run(self, name: str) -> Any:
        return await workflow.execute_activity(name, start_to_close_timeout=timedelta(seconds=50))


async def echo(client: Client, worker: Worker) -> str:
    return await client.execute_workflow(
        Echo.run, "x", id=unique("echo"), task_queue=worker.task_queue
    )


def changed(before: dict[str, int | None]) -> list[str]:
    """Whose process is another than before; the launcher has none."""
    after = pids()
    return [name for name in CHILDREN[:4] if before[name] != after[name]]


def order(heard: Heard, kind: type[Any]) -> list[str]:
    """The children of the tree that something happened to, in order."""
    return [event.child_id for event in heard.of(kind) if event.child_id in CHILDREN]


async def test_b13_the_holders_death_restarts_two_to_five(
    embedded_client: Client, heard: Heard
) -> None:
    """B-13: the younger stop in reverse order, all start in order; the runtime stays."""
    async with new_worker(embedded_client, Echo) as worker:
        before, epoch = pids(), process_runtime().epoch
        heard.events.clear()
        await asyncio.to_thread(kill, "bridge_holder")
        assert changed(before) == CHILDREN[1:4]
        assert order(heard, ChildExited) == [
            "bridge_holder",
            "worker_supervisor",
            "worker_registry",
        ]
        assert order(heard, ChildStarted) == CHILDREN[1:4]
        assert len(heard.of(events.RuntimeStarted)) == 0
        assert process_runtime().epoch == epoch
        assert await echo(embedded_client, worker) == "x"


async def test_b14_the_runtimes_death_replaces_everything(
    embedded_client: Client, heard: Heard
) -> None:
    """B-14: every handle of the new tree is of the new epoch; the worker goes on, also with a run
    it began before, on an engine in memory."""
    async with new_worker(embedded_client, Echo, Waits) as worker:
        waiting = await embedded_client.start_workflow(
            Waits.run, id=unique("waits"), task_queue=worker.task_queue
        )
        before, epoch = pids(), process_runtime().epoch
        assert renew(epoch, "nif_reloaded")
        await heard.came(events.RuntimeRenewal, epoch=epoch)
        await heard.came(events.RuntimeClosed, epoch=epoch)
        await heard.came(events.RuntimeStarted, epoch=epoch + 1)
        await heard.came(events.WorkerRegistered, epoch=epoch + 1)
        assert changed(before) == CHILDREN[:4]
        assert await echo(embedded_client, worker) == "x"
        await waiting.signal(Waits.go, "still here")
        assert await waiting.result() == "still here"
        statistics = await asyncio.to_thread(Subsystem.statistics)
        assert [handle.epoch for handle in statistics.handles] == [epoch + 1]


async def test_b15_after_the_registrys_death_workers_register_again(
    embedded_client: Client, heard: Heard
) -> None:
    """B-15: although the holder lived on with their handles."""
    async with new_worker(embedded_client, Echo) as worker:
        before = pids()
        heard.events.clear()
        await asyncio.to_thread(kill, "worker_registry")
        assert changed(before) == CHILDREN[2:4]
        await heard.came(events.WorkerRegistered)
        assert await echo(embedded_client, worker) == "x"
        await heard.came(events.HandleReleased)


async def test_b16_after_the_worker_supervisors_death_the_worker_is_back(
    embedded_client: Client, heard: Heard
) -> None:
    """B-16: without anybody doing anything."""
    async with new_worker(embedded_client, Echo) as worker:
        before = pids()
        heard.events.clear()
        await asyncio.to_thread(kill, "worker_supervisor")
        assert changed(before) == ["worker_supervisor"]
        await heard.came(events.WorkerRegistered)
        assert await echo(embedded_client, worker) == "x"


async def test_b17_a_dynamic_worker_does_not_come_back_until_started_again(
    embedded_client: Client, heard: Heard
) -> None:
    """B-17: the declared one does."""
    async with new_worker(embedded_client, Echo) as worker:
        dynamic = declaration(embedded_client)
        name = dynamic.spec.name
        Subsystem.start_worker(dynamic)
        await asyncio.wait_for(dynamic.started.answer, WAIT)
        assert Subsystem.registered(name)
        heard.events.clear()
        await asyncio.to_thread(kill, "bridge_holder")
        await heard.came(events.WorkerRegistered)
        assert await echo(embedded_client, worker) == "x"
        assert not Subsystem.registered(name)
        with pytest.raises(WorkerNotRegisteredError, match=name):
            await Subsystem.stop_worker(name)
        again = declaration(embedded_client, name)
        Subsystem.start_worker(again)
        await asyncio.wait_for(again.started.answer, WAIT)
        assert Subsystem.registered(name)
        await Subsystem.stop_worker(name)
        assert not Subsystem.registered(name)


async def test_b19_what_runs_when_the_holder_dies_runs_to_its_end(
    embedded_client: Client, heard: Heard
) -> None:
    """B-19: an activity and a workflow task go on over the cascade, and count as no crash. Here
    their handle drains meanwhile, so their results are not even lost."""
    reached, go = threading.Event(), threading.Event()
    calls: list[int] = []

    @activity.defn
    def slow() -> str:
        calls.append(activity.info().attempt)
        reached.set()
        go.wait(WAIT)
        return "done"

    async with new_worker(embedded_client, Calls, activities=[slow]) as worker:
        handle = await embedded_client.start_workflow(
            Calls.run, "slow", id=unique("calls"), task_queue=worker.task_queue
        )
        await asyncio.to_thread(reached.wait, WAIT)
        heard.events.clear()
        await asyncio.to_thread(kill, "bridge_holder")
        await heard.came(events.WorkerRegistered)
        go.set()
        assert await handle.result() == "done"
        assert calls == [1]
        assert heard.of(events.CompletionLost) == []
        assert [event for event in heard.of(ChildExited) if isinstance(event.reason, Crash)] == []


async def test_b19_what_runs_when_the_runtime_dies_is_reported_all_the_same(
    embedded_client: Client, heard: Heard
) -> None:
    """B-19: its handle is gone, so the service is told directly; nothing runs twice."""
    reached, go = asyncio.Event(), asyncio.Event()
    calls: list[int] = []

    @activity.defn
    async def slow() -> str:
        calls.append(activity.info().attempt)
        reached.set()
        await go.wait()
        activity.heartbeat("too late, and no failure")
        return "done"

    async with new_worker(embedded_client, Calls, activities=[slow]) as worker:
        handle = await embedded_client.start_workflow(
            Calls.run, "slow", id=unique("calls"), task_queue=worker.task_queue
        )
        await asyncio.wait_for(reached.wait(), WAIT)
        heard.events.clear()
        await asyncio.to_thread(kill, "runtime")
        await heard.came(events.WorkerRegistered)
        go.set()
        assert await handle.result() == "done"
        assert calls == [1]
        assert len(heard.of(events.CompletionRescued)) == 1


async def test_b20_a_normal_stop_is_in_reverse_order(heard: Heard) -> None:
    """B-20: the workers' handles are shut down before the runtime is."""
    async with await Client.connect("sqlite://") as client:
        one = declaration(client)
        Subsystem.start_worker(one)
        await asyncio.wait_for(one.started.answer, WAIT)
        heard.events.clear()
        stopping = Subsystem.stop()
        assert stopping is not None
        await stopping
        assert order(heard, ChildExited) == CHILDREN[3::-1]
        kinds = [type(event) for event in heard.events]
        assert kinds.index(events.HandleReleased) < kinds.index(events.RuntimeClosed)
        assert Subsystem.tree() is None


async def test_b21_too_many_restarts_stop_the_subsystem_and_say_so(heard: Heard) -> None:
    """B-21: with the last reason, and the program's worker is told; the next use starts anew."""
    stopped()
    Subsystem.configure()
    told: list[BaseException] = []

    async def tell(error: BaseException) -> None:
        told.append(error)

    try:
        async with await Client.connect("sqlite://") as client:
            worker = new_worker(client, Echo, on_fatal_error=tell)
            running = asyncio.ensure_future(worker.run())
            assert await echo(client, worker) == "x"
            root = tree().root
            for _ in range(4):
                await asyncio.to_thread(kill_if_there, "worker_registry")
            reason = await asyncio.wait_for(root.exit, WAIT)
            assert isinstance(reason, Crash)
            assert isinstance(reason.exception, IntensityExceeded)
            await heard.came(events.SubsystemFailed)
            with pytest.raises(SubsystemStoppedError):
                await running
            assert isinstance(told[0], TemporalError)
            async with new_worker(client, Echo) as second:
                assert await echo(client, second) == "x"
    finally:
        stopped()
        Subsystem.configure(max_restarts=10_000, max_seconds=1.0)


async def test_when_the_supervision_thread_dies_workers_are_told_and_the_next_use_starts_anew(
    heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    """Also those who wait for a recycle just then, and a client goes on."""
    stopped()
    async with await Client.connect("sqlite://") as client:
        worker = new_worker(client, Echo)
        running = asyncio.ensure_future(worker.run())
        assert await echo(client, worker) == "x"
        die(default_loop(), OSError("bad descriptor"))
        with pytest.raises(SubsystemStoppedError, match="bad descriptor"):
            await asyncio.wait_for(running, WAIT)
        await heard.came(events.HandleReleased)
        await heard.came(events.SubsystemFailed)
        async with new_worker(client, Echo) as second:
            assert await echo(client, second) == "x"
    assert "died: bad descriptor" in caplog.text


async def test_a_tree_that_can_not_start_tells_whoever_uses_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopped()

    def broken() -> _bridge.Runtime:
        raise RuntimeError("no threads for tokio")

    with monkeypatch.context() as patch:
        patch.setattr(_bridge, "Runtime", broken)
        with pytest.raises(SubsystemStoppedError, match="no threads for tokio"):
            await asyncio.wait_for(Subsystem.start_link(), WAIT)
        with pytest.raises(SubsystemStoppedError, match="no threads for tokio"):
            await asyncio.wait_for(Client.connect("sqlite://"), WAIT)
    async with await Client.connect("sqlite://") as client, new_worker(client, Echo) as worker:
        assert await echo(client, worker) == "x"


def kill_if_there(child_id: str) -> None:
    """The last kill may find nothing left."""
    found = current_tree()
    process = None if found is None else found.root.lookup(child_id)
    if found is None or process is None:
        return
    process.kill()
    process.exit.result(WAIT)
    try:
        found.root.which_children().result(WAIT)
    except Exception:  # noqa: BLE001, RUF100 - it gave up, which is what the test is about
        return


async def test_b23_a_launcher_with_nothing_to_do_is_present_without_a_process(
    embedded_client: Client, heard: Heard
) -> None:
    """B-23: it is run again by every cascade, and its absence counts as no crash."""
    await embedded_client.connection.native()
    drawn = Subsystem.tree()
    assert drawn is not None
    launcher = drawn.find("worker_launcher")
    assert launcher is not None
    assert (launcher.state, launcher.pid) == ("ignored", None)
    async with new_worker(embedded_client, Echo) as worker:
        heard.events.clear()
        await asyncio.to_thread(kill, "worker_supervisor")
        await heard.came(events.WorkerRegistered)  # so it ran
        assert order(heard, ChildExited) == ["worker_supervisor"]
        assert await echo(embedded_client, worker) == "x"


async def test_nothing_starts_before_it_is_used() -> None:
    stopped()
    assert Subsystem.tree() is None
    statistics = Subsystem.statistics()
    assert (statistics.running, statistics.epoch, statistics.handles) == (False, None, ())


async def test_the_tree_shows_children_workers_and_loops(embedded_client: Client) -> None:
    async with new_worker(embedded_client, Echo) as worker:
        drawn = await asyncio.to_thread(Subsystem.tree)
        assert drawn is not None
        assert [node.id for node in drawn.children] == CHILDREN
        supervisor = drawn.find("worker_supervisor")
        assert supervisor is not None
        (shown,) = supervisor.children
        assert shown.id.startswith(worker.task_queue)
        polls = shown.find("polls")
        assert polls is not None
        assert [node.id for node in polls.children] == ["workflow"]
        assert "├── runtime (running, #" in str(drawn)
        assert child("runtime").pid == drawn.children[0].pid


async def test_statistics_count_what_there_is(embedded_client: Client, heard: Heard) -> None:
    async with new_worker(embedded_client, Waits) as worker:
        handle = await embedded_client.start_workflow(
            Waits.run, id=unique("waits"), task_queue=worker.task_queue
        )
        await handle.signal("nothing")
        before = await asyncio.to_thread(Subsystem.statistics)
        assert (before.running, before.workers, before.declared) == (True, 1, 1)
        (counted,) = before.handles
        assert (counted.state, counted.polls) == ("serving", 1)
        assert counted.epoch == before.epoch
        heard.events.clear()
        await asyncio.to_thread(kill, "worker_supervisor")
        await heard.came(events.WorkerRegistered)
        after = await asyncio.to_thread(Subsystem.statistics)
        assert after.restarts == before.restarts + 1
        assert after.events["WorkerRegistered"] == before.events["WorkerRegistered"] + 1
        await handle.terminate()
