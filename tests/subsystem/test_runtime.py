"""The process's runtime: made once, made anew after a fork, gone before the interpreter is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import hourglass
from hourglass.exceptions import StaleHandleError
from hourglass.subsystem.engines import open_engine
from hourglass.subsystem.runtime import process_runtime

ENVIRONMENT = {"PYTHONPATH": str(Path(hourglass.__file__).parent.parent)}


def run(code: str, cwd: Path) -> str:
    """Run a program; it has to end well and say nothing on stderr."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=ENVIRONMENT,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_there_is_one_runtime_per_process() -> None:
    assert process_runtime() is process_runtime()
    assert process_runtime().pid == os.getpid()


async def test_one_file_has_one_engine_however_it_is_named(tmp_path: Path) -> None:
    first = await open_engine(str(tmp_path / "x.db"))
    second = await open_engine(f"{tmp_path}/../{tmp_path.name}/x.db")
    assert first.engine is second.engine
    await first.close()
    third = await open_engine(str(tmp_path / "x.db"))
    assert third.engine is second.engine
    await second.close()
    await third.close()
    again = await open_engine(str(tmp_path / "x.db"))
    assert again.engine is not first.engine
    await again.close()
    await again.close()


async def test_engines_in_memory_are_never_shared() -> None:
    first, second = await open_engine(None), await open_engine(None)
    assert first.engine is not second.engine
    await first.close()
    await second.close()


FORK = """
import asyncio, logging, os, sys
logging.getLogger("hourglass.subsystem").addHandler(logging.NullHandler())
from hourglass.client import Client
from hourglass.exceptions import StaleHandleError
from hourglass.subsystem.runtime import process_runtime

client = asyncio.run(Client.connect("sqlite://"))
epoch = process_runtime().epoch
for _ in range(3):
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(client.get_workflow_handle("x").describe())
        except StaleHandleError:
            pass
        else:
            os._exit(3)
        assert process_runtime().pid == os.getpid()
        fresh = asyncio.run(Client.connect("sqlite://"))
        asyncio.run(fresh.close())
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
assert process_runtime().epoch == epoch
asyncio.run(client.close())
print("fine")
"""


def test_b09_a_forked_child_gets_a_typed_error_and_a_fresh_runtime(tmp_path: Path) -> None:
    """B-09."""
    assert StaleHandleError.__doc__
    assert run(FORK, tmp_path) == "fine\n"


@pytest.mark.parametrize("ending", ["pass", "asyncio.run(client.close())", "sys.exit(0)"])
def test_a_process_that_opened_a_database_ends_clean(tmp_path: Path, ending: str) -> None:
    code = f"""
import asyncio, sys
from hourglass.client import Client
client = asyncio.run(Client.connect("sqlite:///x.db"))
{ending}
"""
    assert run(code, tmp_path) == ""


FORK_AROUND_WORKERS = """
import asyncio, os, sys
from hourglass import workflow
from hourglass.client import Client
from hourglass.worker import Worker

@workflow.defn
class Echo:
    @workflow.run
    async def run(self, value: str) -> str:
        return value

async def work(value):
    async with await Client.connect("sqlite://") as client:
        async with Worker(client, task_queue="q", workflows=[Echo]):
            return await client.execute_workflow(Echo.run, value, id="x", task_queue="q")

assert asyncio.run(work("parent")) == "parent"
for _ in range(3):
    child = os.fork()
    if child == 0:
        assert asyncio.run(work("child")) == "child"
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
assert asyncio.run(work("again")) == "again"
"""


def test_b09_children_of_a_process_that_ran_a_worker_run_their_own(tmp_path: Path) -> None:
    """B-09."""
    assert run(FORK_AROUND_WORKERS, tmp_path) == ""
