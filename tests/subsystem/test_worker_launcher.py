"""What brings declared workers back (B-22)."""

import asyncio

import pytest

from hourglass import Subsystem
from hourglass.client import Client
from hourglass.exceptions import ConnectError
from hourglass.subsystem import events
from hourglass.supervision import ChildIgnored, ChildRestarting
from tests.subsystem.kit import WAIT, Heard, declaration, pids, tree


async def test_b22_a_second_run_of_the_launcher_is_success(
    embedded_client: Client, heard: Heard
) -> None:
    """B-22: what is started already stays as it is."""
    one = declaration(embedded_client)
    Subsystem.declare(one)
    await asyncio.wait_for(one.started.answer, WAIT)
    worker = tree().registry().lookup(one.spec.name)
    heard.events.clear()
    await tree().root.restart_child("worker_launcher")
    assert heard.of(ChildIgnored, child_id="worker_launcher")
    assert tree().registry().lookup(one.spec.name) is worker
    assert heard.of(ChildRestarting) == []
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
