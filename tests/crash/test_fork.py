"""Forks: before and after anything was used, both sides work afterwards."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from hourglass.client import Client
from hourglass.exceptions import DatabaseError
from tests.conftest import ROOT
from tests.crash.forks import work
from tests.support import forked

FORKS = 100
"""For each of the two ways."""


def run(module: str, *arguments: str, seconds: float = 60) -> str:
    """Run a program of this folder; it has to end well and say nothing on stderr."""
    quiet = ["-W", "error", "-W", "ignore:This process:DeprecationWarning"]  # forks with threads
    ended = subprocess.run(
        [sys.executable, *quiet, "-m", f"tests.crash.{module}", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@pytest.mark.deadline(200)
@pytest.mark.parametrize("when", ["before", "after"])
def test_b09_a_hundred_forks_leave_both_sides_working(tmp_path: Path, when: str) -> None:
    """B-09: before anything was used, and under load; two hundred in all."""
    assert run("forks", when, str(FORKS), str(tmp_path), seconds=180) == f"{FORKS} children\n"


@pytest.mark.parametrize("preload", ["no", "closed", "open"])
def test_b09_a_server_that_forks_its_workers_serves(tmp_path: Path, preload: str) -> None:
    """B-09: the process model of gunicorn and Celery, with and without preloading (sp #11, #385).

    The servers themselves are not run: what they do with processes is in `tests.crash.prefork`.
    """
    assert run("prefork", preload, str(tmp_path)) == "well\n"


def works_in(folder: str, number: int) -> int:
    """Work, in whatever process this is."""
    asyncio.run(work(f"sqlite:///{folder}/{os.getpid()}.db", number))
    return os.getpid()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_b09_processes_of_a_pool_work_however_they_are_started(tmp_path: Path, method: str) -> None:
    """B-09: multiprocessing; `spawn` is how uvicorn starts its workers."""
    asyncio.run(work(f"sqlite:///{tmp_path}/before.db", 0))
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        pids = set(pool.map(works_in, [str(tmp_path)] * 4, range(4)))
    assert os.getpid() not in pids
    asyncio.run(work(f"sqlite:///{tmp_path}/after.db", 0))


async def started(target: str, workflow_id: str) -> Client:
    """Start a workflow that nobody runs; the client stays connected."""
    client = await Client.connect(target)
    await client.start_workflow("Nobody", id=workflow_id, task_queue="nobody")
    return client


async def exists(target: str, *workflow_ids: str) -> None:
    async with await Client.connect(target) as client:
        for workflow_id in workflow_ids:
            await client.get_workflow_handle(workflow_id).describe()


def test_a_file_belongs_to_one_process_at_a_time_also_over_a_fork(tmp_path: Path) -> None:
    """The child is refused while the parent has the file, and has it for itself afterwards.

    Nothing that it inherited stands in the way: not its copy of the lock, and not what SQLite
    remembers of the parent's connection.
    """
    target = f"sqlite:///{tmp_path}/x.db"
    closed, still_open = os.pipe()
    refused, not_yet = os.pipe()
    client = asyncio.run(started(target, "parent"))

    def child() -> None:
        with pytest.raises(DatabaseError, match=f"x.db is in use by the process {os.getppid()}"):
            asyncio.run(Client.connect(target))
        os.write(not_yet, b".")
        os.close(still_open)
        assert os.read(closed, 1) == b""
        asyncio.run(exists(target, "parent"))
        asyncio.run(asyncio.wait_for(work(target, 1), 20))
        asyncio.run(asyncio.wait_for(close_later(target, "child"), 20))

    with forked(child):
        assert os.read(refused, 1) == b"."
        asyncio.run(client.close())
        os.close(still_open)
    for descriptor in (closed, refused, not_yet):
        os.close(descriptor)
    asyncio.run(exists(target, "parent", "child"))


async def close_later(target: str, workflow_id: str) -> None:
    client = await started(target, workflow_id)
    await client.close()


def test_a_file_is_free_when_its_process_is_killed_although_a_child_lives(tmp_path: Path) -> None:
    """A prefork master that dies leaves workers behind, which must not keep its database locked."""
    program = """
import asyncio, os, signal, sys
from tests.crash.test_fork import started
client = asyncio.run(started(sys.argv[1], "parent"))
if os.fork() == 0:
    os.read(0, 1)  # until the test is over
    os._exit(0)
os.kill(os.getpid(), signal.SIGKILL)
"""
    target = f"sqlite:///{tmp_path}/x.db"
    lives, over = os.pipe()
    killed = subprocess.run(
        [sys.executable, "-c", program, target], cwd=ROOT, stdin=lives, check=False, timeout=50
    )
    assert killed.returncode == -9
    asyncio.run(exists(target, "parent"))
    os.close(over)
    os.close(lives)


def test_a_client_that_never_connected_is_as_good_in_the_child(tmp_path: Path) -> None:
    """What an application makes at import, before its server forks: nothing native is in it."""
    client = asyncio.run(Client.connect(f"sqlite:///{tmp_path}/x.db", lazy=True))

    def child() -> None:
        async def use() -> None:
            async with client:
                await client.start_workflow("Nobody", id="x", task_queue="nobody")

        asyncio.run(use())

    with forked(child):
        pass
    asyncio.run(exists(f"sqlite:///{tmp_path}/x.db", "x"))
