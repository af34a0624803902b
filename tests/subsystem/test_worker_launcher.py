"""What brings declared workers back (B-22)."""

import asyncio
import logging
import threading
from typing import Any

import pytest

from hourglass import Subsystem, _bridge
from hourglass.client import Client
from hourglass.exceptions import ConnectError, StaleHandleError
from hourglass.subsystem import events
from hourglass.subsystem.bridge_holder import BridgeHolder
from hourglass.subsystem.errors import SubsystemStoppedError, WorkerNotRegisteredError
from hourglass.subsystem.tree import Tree
from hourglass.subsystem.worker_supervisor import SupervisedWorker
from hourglass.supervision import (
    ChildIgnored,
    ChildRestarting,
    ChildStarted,
    ChildStartFailed,
    Crash,
    StartFailed,
)
from tests.subsystem.kit import CHILDREN, WAIT, Gate, Heard, declaration, hold, kill, pids, tree


async def test_b22_a_second_run_of_the_launcher_is_success(
    embedded_client: Client, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    """B-22: what is started already stays as it is, and the log has no error."""
    one = declaration(embedded_client)
    Subsystem.declare(one)
    await asyncio.wait_for(one.started.answer, WAIT)
    worker = tree().registry().lookup(one.spec.name)
    heard.events.clear()
    await tree().root.restart_child("worker_launcher")
    assert heard.of(ChildIgnored, child_id="worker_launcher")
    assert tree().registry().lookup(one.spec.name) is worker
    assert heard.of(ChildRestarting) == []
    assert [line for line in caplog.records if line.levelno >= logging.WARNING] == []
    stopping = Subsystem.undeclare(one)
    assert stopping is not None
    await asyncio.wait_for(stopping.exit, WAIT)


async def test_b22_a_worker_that_can_not_connect_fails_its_start_loudly(
    embedded_client: Client, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    """B-22: whoever declares it is told, and so is the log; it is not declared any more."""

    async def connect() -> object:
        raise ConnectError("nobody there")

    one = declaration(embedded_client, connect=connect)  # type: ignore[arg-type]
    Subsystem.declare(one)
    with pytest.raises(ConnectError, match="nobody there"):
        await asyncio.wait_for(one.started.answer, WAIT)
    await heard.came(events.RegistrationFailed, name=one.spec.name)
    assert "nobody there" in caplog.text
    assert (await asyncio.to_thread(Subsystem.statistics)).declared == 0


async def test_b22_nothing_declared_starts_nothing(embedded_client: Client) -> None:
    """B-22."""
    await embedded_client.connection.native()
    assert pids()["worker_launcher"] is None
    assert (await asyncio.to_thread(Subsystem.statistics)).workers == 0


async def test_b22_launcher_and_declarer_that_start_a_worker_at_once_start_it_once(
    embedded_client: Client, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    """B-22: the second finds it there, before and after it is registered; nothing is logged."""
    one = declaration(embedded_client)
    Subsystem.declare(one)
    first, second = await asyncio.gather(
        tree().workers().start_worker(one), tree().workers().start_worker(one)
    )
    assert first is second
    await asyncio.wait_for(one.started.answer, WAIT)
    assert await tree().workers().start_worker(one) is first
    assert len(heard.of(ChildStarted, child_id=one.spec.name)) == 1
    assert heard.of(ChildStartFailed) == []
    assert [line for line in caplog.records if line.levelno >= logging.WARNING] == []
    await Subsystem.stop_worker(one.spec.name)


async def test_a_worker_that_is_started_between_its_crash_and_its_restart_is_started_once(
    embedded_client: Client, heard: Heard
) -> None:
    """A cascade's launcher may come between the two."""
    one = declaration(embedded_client)
    Subsystem.start_worker(one)
    await asyncio.wait_for(one.started.answer, WAIT)
    workers, worker = tree().workers(), tree().registry().lookup(one.spec.name)
    assert worker is not None
    busy = threading.Event()

    hold(workers, busy)
    starting = workers.start_worker(one)
    worker.stop(Crash(ValueError("a bug")))
    await asyncio.wait_for(worker.exit, WAIT)
    busy.set()
    await asyncio.wait_for(starting, WAIT)
    await heard.came(events.WorkerRegistered, 2, name=one.spec.name)
    assert heard.of(ChildStartFailed) == []
    assert len(heard.of(ChildRestarting, child_id=one.spec.name)) == 1
    await Subsystem.stop_worker(one.spec.name)


async def test_a_worker_that_is_undeclared_while_it_starts_does_not_stay(
    embedded_client: Client, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    """Before it has its name it can't be found, so it looks for itself; its starter is told."""
    init = SupervisedWorker.init

    async def late(worker: SupervisedWorker) -> None:
        Subsystem.undeclare(worker.declaration)
        await init(worker)

    monkeypatch.setattr(SupervisedWorker, "init", late)
    one = declaration(embedded_client)
    Subsystem.declare(one)
    with pytest.raises(WorkerNotRegisteredError, match="was stopped before it registered"):
        await asyncio.wait_for(one.started.answer, WAIT)
    await heard.came(ChildIgnored, child_id=one.spec.name)
    assert (await tree().workers().count_children()).active == 0
    assert Subsystem.workers() == []


async def test_a_worker_that_is_declared_in_the_middle_of_a_cascade_is_the_launchers(
    embedded_client: Client, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    """Its start fails then, for no reason of its own: its declarer hears of the launcher's."""
    await embedded_client.connection.native()

    def gone(_tree: Tree) -> BridgeHolder:
        raise SubsystemStoppedError("there is no bridge_holder right now")

    one = declaration(embedded_client)
    with monkeypatch.context() as patch:
        patch.setattr(Tree, "holder", gone)
        Subsystem.declare(one)
        await heard.came(ChildStartFailed, child_id=one.spec.name)
    await tree().root.restart_child("worker_launcher")
    await asyncio.wait_for(one.started.answer, WAIT)
    await Subsystem.stop_worker(one.spec.name)


async def test_a_worker_whose_start_fails_outside_a_cascade_tells_its_starter_why(
    embedded_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_tree: Tree) -> BridgeHolder:
        raise ValueError("a bug")

    await embedded_client.connection.native()
    one = declaration(embedded_client)
    with monkeypatch.context() as patch:
        patch.setattr(Tree, "holder", broken)
        Subsystem.declare(one)
        with pytest.raises(StartFailed, match="a bug"):
            await asyncio.wait_for(one.started.answer, WAIT)


@pytest.mark.parametrize("victim", CHILDREN[:4])
async def test_a_declared_worker_that_is_being_registered_comes_up_after_a_cascade(
    embedded_client: Client, victim: str
) -> None:
    """Its first start has not failed for that."""
    gate = Gate(embedded_client)
    one = declaration(embedded_client, connect=gate)
    Subsystem.declare(one)
    await asyncio.wait_for(gate.reached.wait(), WAIT)
    await asyncio.to_thread(kill, victim)
    gate.opened.set()
    await asyncio.wait_for(one.started.answer, WAIT)
    assert Subsystem.registered(one.spec.name)
    await Subsystem.stop_worker(one.spec.name)


@pytest.mark.parametrize("victim", CHILDREN[:4])
async def test_the_starter_of_a_dynamic_worker_is_told_when_a_cascade_ends_it(
    embedded_client: Client, victim: str
) -> None:
    gate = Gate(embedded_client)
    one = declaration(embedded_client, connect=gate)
    Subsystem.start_worker(one)
    await asyncio.wait_for(gate.reached.wait(), WAIT)
    await asyncio.to_thread(kill, victim)
    with pytest.raises(WorkerNotRegisteredError, match="ended before"):
        await asyncio.wait_for(one.started.answer, WAIT)


async def test_the_starter_of_a_worker_that_is_stopped_before_it_is_registered_is_told(
    embedded_client: Client,
) -> None:
    one = declaration(embedded_client, connect=Gate(embedded_client))
    Subsystem.start_worker(one)
    await tree().up.answer
    await tree().workers().start_worker(one)
    await asyncio.wait_for(Subsystem.stop_worker(one.spec.name), WAIT)
    with pytest.raises(WorkerNotRegisteredError, match="was stopped before"):
        await asyncio.wait_for(one.started.answer, WAIT)


async def test_a_worker_that_registers_on_a_stale_runtime_does_it_again_once(
    embedded_client: Client, heard: Heard
) -> None:
    """The stale handle is reported, and so is the second one, which fails the start."""
    leftover = await embedded_client.connection.native()
    await asyncio.to_thread(kill, "runtime")
    clients = [leftover]

    async def connect() -> _bridge.Client:
        return clients.pop() if clients else await embedded_client.connection.native()

    one = declaration(embedded_client, connect=connect)
    Subsystem.declare(one)
    await asyncio.wait_for(one.started.answer, WAIT)
    await Subsystem.stop_worker(one.spec.name)
    assert len(heard.of(events.StaleHandleUsed, call_site="worker_new/register")) == 1
    clients.extend([leftover] * 3)
    again = declaration(embedded_client, connect=connect)
    Subsystem.declare(again)
    with pytest.raises(StaleHandleError):
        await asyncio.wait_for(again.started.answer, WAIT)
    assert len(heard.of(events.StaleHandleUsed, call_site="worker_new/register")) == 3


async def test_a_runtime_that_is_closed_while_a_worker_is_validated_is_reported(
    embedded_client: Client, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    """And the worker comes up on the next one."""
    native = _bridge.Worker
    runtimes: list[_bridge.Runtime] = []

    def made(runtime: _bridge.Runtime, *args: Any, **options: Any) -> _bridge.Worker:
        worker = native(runtime, *args, **options)
        if not runtimes:
            runtimes.append(runtime)
            runtime.close(engines=False)
        return worker

    monkeypatch.setattr(_bridge, "Worker", made)
    one = declaration(embedded_client)
    Subsystem.declare(one)
    await asyncio.wait_for(one.started.answer, WAIT)
    await heard.came(events.StaleHandleUsed, call_site="worker_validate")
    await Subsystem.stop_worker(one.spec.name)
