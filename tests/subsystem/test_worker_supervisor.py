"""A worker in the tree: it brackets its registration, and stops in order (B-24 to B-31a)."""

import asyncio

import pytest

from hourglass import Subsystem, workflow
from hourglass.client import Client
from hourglass.exceptions import ConnectError
from hourglass.subsystem import bridge_holder, events, worker_supervisor
from hourglass.subsystem.errors import AlreadyRegisteredError
from hourglass.subsystem.poll_loop import PollLoop
from hourglass.subsystem.worker_spec import Declaration
from hourglass.subsystem.worker_supervisor import SupervisedWorker
from hourglass.supervision import (
    NORMAL,
    CallTimeout,
    ChildExited,
    ChildRestarting,
    ChildStarted,
    Crash,
    ExitReason,
    Process,
    Supervisor,
)
from tests.subsystem.kit import WAIT, Gate, Heard, declaration, holder, kill, tree


@workflow.defn
class Echo:
    @workflow.run
    async def run(self, value: str) -> str:
        return value


async def started(one: Declaration) -> SupervisedWorker:
    """Start a worker that stays as it is, and return its process."""
    Subsystem.start_worker(one)
    await asyncio.wait_for(one.started.answer, WAIT)
    worker = tree().registry().lookup(one.spec.name)
    assert isinstance(worker, SupervisedWorker)
    return worker


async def loop_of(worker: SupervisedWorker, poll: str) -> Process:
    """The living loop of a poll, once the supervisor of the loops has calmed down."""
    assert worker.polls is not None
    await worker.polls.which_children()
    found = worker.polls.lookup(poll)
    assert found is not None
    return found


async def ended(process: Process, reason: ExitReason | None = None) -> ExitReason:
    """End a process, by force unless there is a reason; how it ended."""
    if reason is None:
        process.kill()
    else:
        process.stop(reason)
    return await asyncio.wait_for(process.exit, WAIT)


async def test_b24_a_stop_unregisters_first_and_the_loops_end_by_themselves(
    embedded_client: Client, heard: Heard
) -> None:
    """B-24: neither is cancelled or killed."""
    one = declaration(embedded_client)
    worker = await started(one)
    loops = [await loop_of(worker, poll) for poll in ("workflow", "activity")]
    heard.events.clear()
    await Subsystem.stop_worker(one.spec.name)
    assert [await loop.exit for loop in loops] == [NORMAL, NORMAL]
    kinds = [type(event) for event in heard.events]
    assert kinds.index(events.WorkerUnregistered) < kinds.index(ChildExited)
    assert not Subsystem.registered(one.spec.name)


async def test_b25_a_loop_that_crashes_is_restarted_alone(
    embedded_client: Client, heard: Heard
) -> None:
    """B-25: the other loop and the handle stay; there is no second registration."""
    one = declaration(embedded_client)
    worker = await started(one)
    handle = holder().handle(one.spec.name)
    dying, other = await loop_of(worker, "workflow"), await loop_of(worker, "activity")
    await ended(dying, Crash(ValueError("a bug")))
    successor = await loop_of(worker, "workflow")
    assert isinstance(successor, PollLoop)
    assert successor is not dying
    assert await loop_of(worker, "activity") is other
    assert holder().handle(one.spec.name) is handle
    assert len(heard.of(events.WorkerRegistered, name=one.spec.name)) == 1
    await Subsystem.stop_worker(one.spec.name)


async def test_b26_a_loop_that_ended_after_a_shutdown_stays_ended(
    embedded_client: Client, heard: Heard
) -> None:
    """B-26: no restart is tried or counted."""
    one = declaration(embedded_client)
    worker = await started(one)
    loop = await loop_of(worker, "activity")
    heard.events.clear()
    await asyncio.wait_for(holder().unregister(one.spec.name), WAIT)
    assert await asyncio.wait_for(loop.exit, WAIT) == NORMAL
    assert worker.polls is not None
    states = {info.id: info.state for info in await worker.polls.which_children()}
    assert states["activity"] == "stopped"
    assert heard.of(ChildRestarting) == []
    await Subsystem.stop_worker(one.spec.name)


async def test_b27_a_worker_whose_loops_can_not_start_leaves_no_handle(
    embedded_client: Client, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    """B-27: its starter gets the error."""

    def broken(*args: object) -> Supervisor:
        raise RuntimeError("no loop today")

    monkeypatch.setattr(worker_supervisor, "PollLoop", broken)
    one = declaration(embedded_client)
    Subsystem.start_worker(one)
    with pytest.raises(RuntimeError, match="no loop today"):
        await asyncio.wait_for(one.started.answer, WAIT)
    await heard.came(events.HandleReleased, name=one.spec.name)
    assert not Subsystem.registered(one.spec.name)
    assert one.handles == set()


async def test_b28_a_second_worker_that_fails_leaves_the_first_alone(
    embedded_client: Client,
) -> None:
    """B-28: it keeps its handle, and polls."""
    one = declaration(embedded_client)
    worker = await started(one)
    handle = holder().handle(one.spec.name)
    second = declaration(embedded_client, one.spec.name)
    Subsystem.start_worker(second)
    with pytest.raises(AlreadyRegisteredError, match=one.spec.name):
        await asyncio.wait_for(second.started.answer, WAIT)
    await holder().settled()
    assert holder().handle(one.spec.name) is handle
    assert worker.alive
    assert handle is not None
    assert not handle.ended["workflow"].answer.done()
    await Subsystem.stop_worker(one.spec.name)


async def test_b29_a_worker_whose_holder_is_gone_ends_quietly(
    embedded_client: Client, caplog: pytest.LogCaptureFixture, heard: Heard
) -> None:
    """B-29: the holder's own death is the only error in the log."""
    names = [one.spec.name for one in (declaration(embedded_client) for _ in range(3))]
    for name in names:
        await started(declaration(embedded_client, name))
    caplog.clear()
    await asyncio.to_thread(kill, "bridge_holder")
    errors = [line.getMessage() for line in caplog.records if line.levelname == "ERROR"]
    assert len(errors) == 1
    assert "bridge_holder" in errors[0]
    for name in names:
        await heard.came(events.HandleReleased, name=name)


async def test_b30a_when_the_loops_supervisor_crashes_the_worker_starts_afresh(
    embedded_client: Client, heard: Heard
) -> None:
    """B-30a: with a fresh registration."""
    one = declaration(embedded_client)
    worker = await started(one)
    assert worker.polls is not None
    reason = Crash(ValueError("a bug"))
    await ended(worker.polls, reason)
    assert await asyncio.wait_for(worker.exit, WAIT) == reason
    await heard.came(events.WorkerRegistered, 2, name=one.spec.name)
    assert tree().registry().lookup(one.spec.name) is not worker
    await heard.came(events.HandleReleased, name=one.spec.name)
    assert len(heard.of(ChildStarted, child_id=one.spec.name)) == 2
    await Subsystem.stop_worker(one.spec.name)


async def test_b31a_an_option_that_no_worker_has_raises_and_is_named(
    embedded_client: Client,
) -> None:
    """B-31a: it is never dropped silently."""
    one = declaration(embedded_client, max_cached_workflow=1)
    Subsystem.start_worker(one)
    with pytest.raises(TypeError, match="max_cached_workflow"):
        await asyncio.wait_for(one.started.answer, WAIT)
    assert not Subsystem.registered(one.spec.name)


async def test_a_worker_that_comes_back_tries_until_it_can_be_registered(
    embedded_client: Client, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    """Nobody waits for it then, so nobody has to be told; the log is."""
    monkeypatch.setattr(worker_supervisor, "RETRY_FIRST", 0.001)
    refusals = [0]

    async def connect() -> object:
        if refusals[0]:
            refusals[0] -= 1
            raise ConnectError("not now")
        return await embedded_client.connection.native()

    one = declaration(embedded_client, connect=connect)  # type: ignore[arg-type]
    Subsystem.declare(one)
    await asyncio.wait_for(one.started.answer, WAIT)
    refusals[0] = 3
    await asyncio.to_thread(kill, "worker_supervisor")
    await heard.came(events.WorkerRegistered, 2, name=one.spec.name)
    assert len(heard.of(events.RegistrationFailed, name=one.spec.name)) == 3
    worker = Subsystem.undeclare(one)
    assert worker is not None
    await asyncio.wait_for(worker.exit, WAIT)


async def test_a_worker_whose_registration_took_too_long_still_gets_the_handle(
    embedded_client: Client, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    """It asks again while its handle is being made, and when it is there: it is the same one's."""
    monkeypatch.setattr(worker_supervisor, "RETRY_FIRST", 0.001)
    gate = Gate(embedded_client)
    gate.opened.set()
    one = declaration(embedded_client, connect=gate)
    Subsystem.declare(one)
    await asyncio.wait_for(one.started.answer, WAIT)
    gate.opened.clear()
    with monkeypatch.context() as patch:
        patch.setattr(bridge_holder, "REGISTER_TIMEOUT", 0.001)
        await asyncio.to_thread(kill, "worker_supervisor")
        failed = await heard.came(events.RegistrationFailed, 3, name=one.spec.name)
        assert isinstance(failed.error, CallTimeout)
    gate.opened.set()
    await heard.came(events.WorkerRegistered, 2, name=one.spec.name)
    for poll in ("workflow", "activity"):
        await heard.came(ChildStarted, 2, child_id=poll)
    failures = len(heard.of(events.RegistrationFailed))
    await holder().settled()
    assert len(heard.of(events.RegistrationFailed)) == failures
    await asyncio.wait_for(Subsystem.stop_worker(one.spec.name), WAIT)
