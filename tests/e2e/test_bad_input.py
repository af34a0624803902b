"""What can't be done is refused at once, with a typed error that names the culprit."""

import asyncio
import sqlite3
import subprocess
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass.client import Client, WorkflowHistory
from hourglass.exceptions import (
    ConnectError,
    DatabaseError,
    DatabaseInUseError,
    HistoryError,
    InvalidTargetError,
)
from hourglass.service import RPCError, RPCStatusCode
from tests.conftest import free_port
from tests.support import event_types, new_worker, unique

HOLD = """
import asyncio, sys
from hourglass.client import Client

async def main():
    client = await Client.connect(sys.argv[1])
    print("open", flush=True)
    sys.stdin.read()

asyncio.run(main())
"""
"""A process that holds a database open until its standard input ends."""


@workflow.defn(name="Same")
class One:
    @workflow.run
    async def run(self) -> None: ...


@workflow.defn(name="Same")
class Other:
    @workflow.run
    async def run(self) -> None: ...


@activity.defn(name="same")
async def one() -> None: ...


@activity.defn(name="same")
async def other() -> None: ...


async def test_two_workflows_with_one_name_are_refused_by_name(client: Client) -> None:
    with pytest.raises(ValueError, match="Same"):
        new_worker(client, One, Other)


async def test_two_activities_with_one_name_are_refused_by_name(client: Client) -> None:
    with pytest.raises(ValueError, match="same"):
        new_worker(client, activities=[one, other])


async def test_a_class_that_is_no_workflow_is_refused_by_name(client: Client) -> None:
    class Stranger: ...

    with pytest.raises((ValueError, TypeError), match="Stranger"):
        new_worker(client, Stranger)


async def test_a_worker_without_anything_to_do_is_refused(client: Client) -> None:
    with pytest.raises(ValueError, match=r"(?i)at least one"):
        new_worker(client)


async def test_an_argument_that_can_not_be_encoded_is_refused_before_anything_starts(
    client: Client,
) -> None:
    workflow_id = unique("unencodable")
    with pytest.raises(TypeError):
        await client.start_workflow("Any", object(), id=workflow_id, task_queue=unique("queue"))
    with pytest.raises(RPCError) as missing:
        await client.get_workflow_handle(workflow_id).describe()
    assert missing.value.status == RPCStatusCode.NOT_FOUND


async def test_an_unregistered_workflow_type_fails_its_task_and_names_itself(
    client: Client,
) -> None:
    async with new_worker(client, One) as worker:
        handle = await client.start_workflow(
            "Unregistered", id=unique("unknown"), task_queue=worker.task_queue
        )
        while "WorkflowTaskFailed" not in await event_types(handle):
            pass
        history = (await handle.fetch_history()).to_json()
        await handle.terminate()
    assert "Unregistered" in history.partition("EVENT_TYPE_WORKFLOW_TASK_FAILED")[2]


async def test_an_unknown_namespace_is_refused_by_name(target: str) -> None:
    name = unique("nowhere")
    with pytest.raises(RPCError, match=name):
        client = await Client.connect(target, namespace=name)
        await client.start_workflow("Any", id=unique("x"), task_queue="queue")


async def test_an_empty_workflow_id_or_task_queue_is_refused(client: Client) -> None:
    with pytest.raises((ValueError, RPCError)):
        await client.start_workflow("Any", id="", task_queue="queue")
    with pytest.raises((ValueError, RPCError)):
        await client.start_workflow("Any", id=unique("x"), task_queue="")


@pytest.mark.parametrize("target", ["postgres://somewhere/db", "ftp://x", "sqlite:/one-slash"])
async def test_an_unknown_target_scheme_is_refused_and_named(target: str) -> None:
    with pytest.raises(InvalidTargetError, match=target.partition(":")[0]):
        await Client.connect(target)


async def test_a_cluster_that_is_not_there_is_named_and_does_not_hang() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(ConnectError, match=address.replace(".", r"\.")):
        await Client.connect(address)


def not_a_database(path: Path) -> None:
    path.write_text("dear diary, " * 1000)


def somebody_elses_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE accounts (name TEXT)")


def from_the_future(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 9999")


def a_directory(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    "spoil", [not_a_database, somebody_elses_database, a_directory], ids=lambda f: f.__name__
)
async def test_a_database_that_is_not_ours_is_refused_and_left_alone(
    tmp_path: Path, spoil: Any
) -> None:
    path = tmp_path / "theirs.db"
    spoil(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(DatabaseError, match=r"theirs\.db"):
        await Client.connect(f"sqlite:///{path}")
    assert (path.read_bytes() if path.is_file() else b"") == before


async def test_a_database_from_a_newer_version_says_so(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    client = await Client.connect(f"sqlite:///{path}")
    await client.start_workflow("Any", id="x", task_queue="queue")
    await client.close()
    from_the_future(path)
    with pytest.raises(DatabaseError, match=r"(?i)newer.*newer\.db|newer\.db.*newer"):
        await Client.connect(f"sqlite:///{path}")


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="no-such-folder"):
        await Client.connect(f"sqlite:///{tmp_path}/no-such-folder/x.db")


def test_a_malformed_history_is_refused() -> None:
    with pytest.raises(HistoryError, match=r"(?i)nonsense|event"):
        WorkflowHistory.from_json("x", '{"events": [{"eventType": "Nonsense"}]}')


async def test_a_database_that_another_process_uses_says_so(tmp_path: Path) -> None:
    path = tmp_path / "shared.db"
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLD, f"sqlite:///{path}"), stdin=PIPE, stdout=PIPE
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"open\n"
    for wait in ("", "?wait=0.2"):
        with pytest.raises(DatabaseInUseError, match=rf"shared\.db .* process {holder.pid};"):
            await Client.connect(f"sqlite:///{path}{wait}")
    await holder.communicate(b"")
    await (await Client.connect(f"sqlite:///{path}")).close()


async def test_a_client_that_waits_gets_the_database_when_it_is_let_go(tmp_path: Path) -> None:
    """A deploy: the new process is there while the old one drains."""
    path = tmp_path / "shared.db"
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLD, f"sqlite:///{path}"), stdin=PIPE, stdout=PIPE
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"open\n"
    waiting = [
        asyncio.create_task(Client.connect(f"sqlite:///{path}?wait=30", identity=f"{number}"))
        for number in range(2)
    ]
    with pytest.raises(DatabaseInUseError):  # so the attempts of the others have been made
        await Client.connect(f"sqlite:///{path}")
    assert not any(task.done() for task in waiting)
    await holder.communicate(b"")
    for task in waiting:
        await (await task).close()


CONNECT_AS_NOBODY = """
import asyncio, os, sys
from hourglass.client import Client
from hourglass.exceptions import DatabaseError

async def main():
    async with await Client.connect("sqlite://"):
        pass  # what is imported late is imported now
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    try:
        await Client.connect(sys.argv[1])
    except DatabaseError as error:
        print(error)

asyncio.run(main())
"""


def test_a_database_that_can_not_be_written_says_so() -> None:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        command = [sys.executable, "-c", CONNECT_AS_NOBODY, f"sqlite:///{folder}/x.db"]
        child = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "x.db" in child.stdout, child.stderr
        assert list(Path(folder).iterdir()) == []
