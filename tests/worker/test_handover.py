"""Workers that take over from each other lose nothing."""

import asyncio
from datetime import timedelta
from itertools import count
from pathlib import Path

from hourglass import activity, workflow
from hourglass.client import Client, WorkflowHandle
from hourglass.worker import Worker
from tests.support import event_types, unique

LIMIT = timedelta(minutes=5)


@activity.defn
async def double(number: int) -> int:
    await asyncio.sleep(0.005)
    return number * 2


@workflow.defn
class Doubling:
    @workflow.run
    async def run(self, number: int, times: int) -> int:
        for _ in range(times):
            number = await workflow.execute_activity(double, number, start_to_close_timeout=LIMIT)
        return number


async def relieve(client: Client, queue: str, done: asyncio.Event) -> int:
    """Stop and start a worker until done; how often."""
    for turn in count(1):
        async with Worker(client, task_queue=queue, workflows=[Doubling], activities=[double]):
            try:
                await asyncio.wait_for(done.wait(), 0.1)
            except asyncio.TimeoutError:
                continue
            return turn
    raise AssertionError


async def test_b30_workers_that_relieve_each_other_lose_no_task(tmp_path: Path) -> None:
    """B-30: a task that was polled by a worker which then stops is not lost.

    A lost workflow task would time out after ten seconds, a lost activity hang for five minutes:
    both would show in the histories.
    """
    client = await Client.connect(f"sqlite:///{tmp_path / 'hourglass.db'}")
    queue, done = unique("queue"), asyncio.Event()
    workers = [asyncio.create_task(relieve(client, queue, done)) for _ in range(2)]
    handles: list[WorkflowHandle[Doubling, int]] = []
    for number in range(60):
        handle = await client.start_workflow(
            Doubling.run, args=(number, 3), id=unique("w"), task_queue=queue
        )
        handles.append(handle)
        await asyncio.sleep(0.02)  # spread over many turns of the workers
    assert [await handle.result() for handle in handles] == [number * 8 for number in range(60)]
    done.set()
    assert min(await asyncio.gather(*workers)) > 3
    for handle in handles:
        events = await event_types(handle)
        assert not [event for event in events if "TimedOut" in event], events
    await client.close()


async def test_an_activity_that_is_cancelled_before_its_first_step_is_answered_for() -> None:
    """The worker stops while activities arrive: they fail at once and are tried again elsewhere."""
    client = await Client.connect("sqlite://")
    queue = unique("queue")
    handles = [
        await client.start_workflow(Doubling.run, args=(n, 1), id=unique("w"), task_queue=queue)
        for n in range(20)
    ]
    for _ in range(3):
        async with Worker(client, task_queue=queue, workflows=[Doubling], activities=[double]):
            pass
    async with Worker(client, task_queue=queue, workflows=[Doubling], activities=[double]):
        assert [await handle.result() for handle in handles] == [n * 2 for n in range(20)]
    await client.close()
