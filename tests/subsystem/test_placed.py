"""The subsystem under a supervisor of the program's own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hourglass import Subsystem, workflow
from hourglass.client import Client
from hourglass.subsystem import events
from hourglass.supervision import (
    AlreadyStarted,
    ChildRestarting,
    ChildSpec,
    ChildStarted,
    Crash,
    Registry,
    StartFailed,
    SupervisionLoop,
    Supervisor,
    default_loop,
)
from tests.subsystem.conftest import stopped
from tests.subsystem.kit import WAIT, Heard, kill, tree
from tests.subsystem.test_runtime import run
from tests.support import new_worker, unique


@workflow.defn
class Echo:
    @workflow.run
    async def run(self, value: str) -> str:
        return value


async def echo(client: Client, task_queue: str) -> str:
    return await client.execute_workflow(Echo.run, "x", id=unique("echo"), task_queue=task_queue)


@pytest.fixture
async def program() -> AsyncIterator[Supervisor]:
    """A tree of the program's, with the subsystem as its first child."""
    stopped()
    children = [Subsystem.child_spec(), ChildSpec("names", Registry)]
    root = Supervisor(children, strategy="rest_for_one", max_restarts=100)
    yield await asyncio.wait_for(default_loop().start(root, "program"), WAIT)
    root.stop()
    await asyncio.wait_for(root.exit, WAIT)
    assert Subsystem.tree() is None


async def test_the_subsystem_runs_under_a_supervisor_of_the_programs(
    program: Supervisor, embedded_client: Client
) -> None:
    async with new_worker(embedded_client, Echo) as worker:
        assert await echo(embedded_client, worker.task_queue) == "x"
        assert program.lookup("subsystem") is tree().root
        assert tree().root.place.parent is program


async def test_its_cascades_stay_inside_and_its_death_is_the_supervisors(
    program: Supervisor, embedded_client: Client, heard: Heard
) -> None:
    """What starts behind it is started again with it."""
    names, root = program.lookup("names"), program.lookup("subsystem")
    assert root is not None
    async with new_worker(embedded_client, Echo) as worker:
        await asyncio.to_thread(kill, "bridge_holder")
        assert program.lookup("names") is names
        assert await echo(embedded_client, worker.task_queue) == "x"
    root.stop(Crash(ValueError("a bug")))
    await heard.came(ChildRestarting, child_id="subsystem")
    await heard.came(ChildStarted, child_id="names")
    assert program.lookup("names") is not names
    async with new_worker(embedded_client, Echo) as worker:
        assert await echo(embedded_client, worker.task_queue) == "x"
    assert tree().root.place.parent is program


async def test_it_takes_the_place_of_a_tree_that_runs_by_itself(
    embedded_client: Client, heard: Heard
) -> None:
    """Workers, engines and what is in them move over."""
    async with new_worker(embedded_client, Echo) as worker:
        assert await echo(embedded_client, worker.task_queue) == "x"
        before = tree().root
        program = Supervisor([Subsystem.child_spec()])
        await asyncio.wait_for(default_loop().start(program), WAIT)
        assert not before.alive
        assert tree().root is program.lookup("subsystem")
        await heard.came(events.WorkerRegistered, 2)
        assert await echo(embedded_client, worker.task_queue) == "x"
        assert Subsystem.registered(worker.task_queue)
    program.stop()
    await asyncio.wait_for(program.exit, WAIT)


async def test_it_takes_the_place_of_a_tree_that_is_just_starting(heard: Heard) -> None:
    stopped()
    starting = Subsystem.start_link()
    program = Supervisor([Subsystem.child_spec()])
    await asyncio.wait_for(default_loop().start(program), WAIT)
    first = await asyncio.wait_for(starting, WAIT)
    assert not first.alive
    assert tree().root is program.lookup("subsystem")
    program.stop()
    await asyncio.wait_for(program.exit, WAIT)


async def test_it_runs_once(program: Supervisor) -> None:
    second = Supervisor([Subsystem.child_spec()])
    with pytest.raises(StartFailed, match="already started") as failed:
        await asyncio.wait_for(default_loop().start(second), WAIT)
    assert isinstance(failed.value.cause, StartFailed)
    assert isinstance(failed.value.cause.cause, AlreadyStarted)
    assert await asyncio.wait_for(Subsystem.start_link(), WAIT) is program.lookup("subsystem")


async def test_it_runs_on_a_loop_of_the_programs() -> None:
    stopped()
    loop = SupervisionLoop("program")
    await asyncio.wait_for(loop.start(Supervisor([Subsystem.child_spec()])), WAIT)
    async with (
        await Client.connect("sqlite://") as client,
        new_worker(client, Echo) as worker,
    ):
        assert await echo(client, worker.task_queue) == "x"
    await asyncio.wait_for(loop.stop(), WAIT)
    assert Subsystem.tree() is None


async def test_start_link_starts_it_before_its_first_use() -> None:
    stopped()
    root = await asyncio.wait_for(Subsystem.start_link(), WAIT)
    assert root is tree().root
    assert root.alive


PROGRAM = """
import asyncio
from hourglass import Subsystem, workflow
from hourglass.client import Client
from hourglass.supervision import Supervisor, default_loop
from hourglass.worker import Worker

@workflow.defn
class Echo:
    @workflow.run
    async def run(self, value: str) -> str:
        return value

async def main():
    await default_loop().start(Supervisor([Subsystem.child_spec()]))
    client = await Client.connect("sqlite:///x.db")
    async with Worker(client, task_queue="q", workflows=[Echo]):
        return await client.execute_workflow(Echo.run, "x", id="x", task_queue="q")

assert asyncio.run(main()) == "x"
"""


def test_a_process_that_has_it_in_a_tree_of_its_own_leaves_silently(tmp_path: Path) -> None:
    assert run(PROGRAM, tmp_path) == ""
