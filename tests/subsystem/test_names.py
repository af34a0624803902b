"""Workers by name, and by the task queue that they serve."""

import asyncio

import pytest

from hourglass import Subsystem, workflow
from hourglass.client import Client
from hourglass.subsystem import events
from hourglass.subsystem.errors import AmbiguousWorkerError, WorkerNotRegisteredError
from hourglass.supervision import ChildStarted
from tests.subsystem.kit import WAIT, Heard, kill
from tests.support import new_worker


@workflow.defn
class Echo:
    @workflow.run
    async def run(self, value: str) -> str:
        return value


async def test_a_worker_is_found_by_its_task_queue_and_by_its_name(
    embedded_client: Client,
) -> None:
    async with new_worker(embedded_client, Echo) as worker:
        (name,) = Subsystem.workers()
        assert name.startswith(f"{worker.task_queue}#")
        for known in (name, worker.task_queue):
            assert Subsystem.registered(known)
            loops = await Subsystem.inner_supervisor(known).which_children()
            assert [loop.id for loop in loops] == ["workflow"]
        assert not Subsystem.registered("another queue")
        with pytest.raises(WorkerNotRegisteredError, match="another queue"):
            Subsystem.inner_supervisor("another queue")
    assert not Subsystem.registered(worker.task_queue)


async def test_a_worker_is_recycled_by_its_task_queue(
    embedded_client: Client, heard: Heard
) -> None:
    async with new_worker(embedded_client, Echo) as worker:
        fresh = await asyncio.wait_for(Subsystem.recycle(worker.task_queue), WAIT)
        await heard.came(events.WorkerRecycled, name=fresh.spec.name)
        assert await embedded_client.execute_workflow(
            Echo.run, "x", id="recycled", task_queue=worker.task_queue
        )


async def test_b17_a_worker_stopped_by_its_task_queue_stays_away(
    embedded_client: Client, heard: Heard
) -> None:
    """B-17: no cascade brings it back, and a second stop does not find it."""
    async with new_worker(embedded_client, Echo) as worker:
        await asyncio.wait_for(Subsystem.stop_worker(worker.task_queue), WAIT)
        assert not Subsystem.registered(worker.task_queue)
        await asyncio.to_thread(kill, "worker_supervisor")
        assert Subsystem.workers() == []
        with pytest.raises(WorkerNotRegisteredError, match=worker.task_queue):
            await asyncio.wait_for(Subsystem.stop_worker(worker.task_queue), WAIT)
        async with new_worker(embedded_client, Echo, task_queue=worker.task_queue):
            assert Subsystem.registered(worker.task_queue)


async def test_a_worker_stopped_by_its_task_queue_has_run_to_its_end(
    embedded_client: Client, heard: Heard
) -> None:
    """Whoever waits for it goes on, without an error."""
    worker = new_worker(embedded_client, Echo)
    running = asyncio.ensure_future(worker.run())
    await heard.came(ChildStarted, child_id="workflow")
    await Subsystem.inner_supervisor(worker.task_queue).which_children()
    await asyncio.wait_for(Subsystem.stop_worker(worker.task_queue), WAIT)
    await asyncio.wait_for(running, WAIT)
    assert worker.is_shutdown


async def test_of_several_workers_of_a_task_queue_one_has_to_be_named(
    embedded_client: Client,
) -> None:
    async with (
        new_worker(embedded_client, Echo) as worker,
        new_worker(embedded_client, Echo, task_queue=worker.task_queue),
    ):
        first, second = Subsystem.workers()
        assert Subsystem.registered(worker.task_queue)
        for act in (Subsystem.recycle, Subsystem.stop_worker, Subsystem.inner_supervisor):
            with pytest.raises(AmbiguousWorkerError, match=rf"{first}.*{second}"):
                act(worker.task_queue)
        await asyncio.wait_for(Subsystem.stop_worker(first), WAIT)
        assert Subsystem.workers() == [second]
        assert Subsystem.registered(worker.task_queue)
