"""A database that goes away while it is open, can't be opened, or has another name."""

import asyncio
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from hourglass import workflow
from hourglass.client import Client
from hourglass.exceptions import DatabaseError, PollError
from hourglass.worker import Worker


@workflow.defn
class Patient:
    """Waits to be told."""

    def __init__(self) -> None:
        self.done = False

    @workflow.run
    async def run(self) -> str:
        """Wait."""
        await workflow.wait_condition(lambda: self.done)
        return "done"

    @workflow.signal
    def go(self) -> None:
        """Tell it."""
        self.done = True


def beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def deleted(path: Path) -> None:
    path.unlink()


def moved(path: Path) -> None:
    path.rename(path.with_name("away.db"))


def replaced(path: Path) -> None:
    copy = path.with_name("copy.db")
    copy.write_bytes(path.read_bytes())
    copy.rename(path)


def cut(path: Path) -> None:
    os.truncate(path, 100)


def log_deleted(path: Path) -> None:
    beside(path, "-wal").unlink()


@pytest.mark.parametrize(
    "spoil", [deleted, moved, replaced, cut, log_deleted], ids=lambda f: f.__name__
)
async def test_everybody_hears_of_a_database_that_is_lost(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    path = tmp_path / "orders.db"
    client = await Client.connect(f"sqlite:///{path}")
    worker = Worker(client, task_queue="queue", workflows=[Patient])
    running = asyncio.create_task(worker.run())
    handle = await client.start_workflow(Patient.run, id="patient", task_queue="queue")
    result = asyncio.create_task(handle.result())
    await handle.query("__stack_trace")
    spoil(path)
    with pytest.raises(DatabaseError, match=r"orders\.db"):
        await handle.signal(Patient.go)
    with pytest.raises(DatabaseError, match=r"orders\.db"):
        await result
    with pytest.raises(PollError, match=r"the database .*orders\.db is lost"):
        await running
    with pytest.raises(DatabaseError, match=r"orders\.db"):
        await client.start_workflow(Patient.run, id="other", task_queue="queue")
    await client.close()


async def test_whoever_connects_after_a_loss_gets_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    lost = await Client.connect(f"sqlite:///{path}")
    path.unlink()
    with pytest.raises(DatabaseError):
        await lost.start_workflow("Any", id="any", task_queue="queue")
    for suffix in ("-wal", "-shm"):
        beside(path, suffix).unlink()
    async with await Client.connect(f"sqlite:///{path}") as client:
        await client.start_workflow("Any", id="any", task_queue="queue")
        with pytest.raises(DatabaseError):
            await lost.start_workflow("Any", id="other", task_queue="queue")
        await lost.close()
        await client.get_workflow_handle("any").describe()


async def test_a_hard_link_is_another_name_of_the_same_engine(tmp_path: Path) -> None:
    path, link = tmp_path / "orders.db", tmp_path / "link.db"
    async with await Client.connect(f"sqlite:///{path}") as client:
        link.hardlink_to(path)
        await client.start_workflow("Any", id="any", task_queue="queue")
        async with await Client.connect(f"sqlite:///{link}") as other:
            await other.get_workflow_handle("any").describe()


async def test_a_new_database_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    async with await Client.connect(f"sqlite:///{path}"):
        for suffix in ("", "-wal", "-shm", "-lock"):
            assert stat.S_IMODE(beside(path, suffix).stat().st_mode) == 0o600


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def a_directory(path: Path) -> None:
    path.mkdir()


def a_circle(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize(
    "make", [a_fifo, a_socket, a_directory, a_circle], ids=lambda f: f.__name__
)
async def test_what_is_no_file_is_refused_at_once(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "odd.db"
    make(path)
    with pytest.raises(DatabaseError, match=r"odd\.db"):
        await Client.connect(f"sqlite:///{path}")
