"""Runs whose worker lets go of them: their code ends, and acts in no run."""

import asyncio
import gc
import threading
from datetime import timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass.client import Client
from hourglass.worker._evaluator import evaluator
from tests.subsystem.kit import kill
from tests.support import AnyHandle, event_types, new_worker, unique

RUNS = 20
LIMIT = timedelta(minutes=1)
ended: list[str] = []


@pytest.fixture(autouse=True)
def nothing_ended() -> None:
    ended.clear()


@workflow.defn
class Releases:
    """Waits, and does in ``finally`` what no other run may do."""

    @workflow.run
    async def run(self) -> None:
        try:
            await workflow.sleep(3600)
        finally:
            ended.append(threading.current_thread().name)
            await workflow.execute_activity("release", start_to_close_timeout=LIMIT)


@workflow.defn
class Bystander:
    """Has the garbage collector run in the middle of its own code."""

    @workflow.run
    async def run(self) -> None:
        for _ in range(5):
            gc.collect()
            await workflow.sleep(0.001)


@workflow.defn
class NeverEnds:
    @workflow.run
    async def run(self) -> None:
        try:
            await workflow.sleep(3600)
        finally:
            ended.append("endless")
            released.wait()


released = threading.Event()


async def waiting(client: Client, queue: str, workflow: Any = Releases.run) -> list[AnyHandle]:
    """Start runs, and wait until all of them wait."""
    handles = [
        await client.start_workflow(workflow, id=unique("waits"), task_queue=queue)
        for _ in range(RUNS)
    ]
    for handle in handles:
        while "TimerStarted" not in await event_types(handle):
            pass
    return handles


async def watch_bystander(client: Client, queue: str) -> None:
    handle = await client.start_workflow(Bystander.run, id=unique("bystander"), task_queue=queue)
    await handle.result()
    types = await event_types(handle)
    assert "ActivityTaskScheduled" not in types
    assert types.count("TimerStarted") == 5


async def test_a_worker_that_stops_ends_the_code_of_its_runs_on_the_evaluator() -> None:
    async with await Client.connect("sqlite://") as client:
        async with new_worker(client, Bystander) as other:
            async with new_worker(client, Releases) as worker:
                handles = await waiting(client, worker.task_queue)
            assert ended == ["hourglass-evaluator"] * RUNS
            await watch_bystander(client, other.task_queue)
        for handle in handles:
            assert "ActivityTaskScheduled" not in await event_types(handle)


@pytest.mark.parametrize("victim", ["bridge_holder", "runtime"])
async def test_runs_of_a_handle_that_was_replaced_act_in_no_other_run(victim: str) -> None:
    async with (
        await Client.connect("sqlite://") as client,
        new_worker(client, Bystander) as other,
        new_worker(client, Releases) as worker,
    ):
        handles = await waiting(client, worker.task_queue)
        await asyncio.to_thread(kill, victim)
        while len(ended) < RUNS:  # noqa: ASYNC110 - no event tells; the deadline ends it
            await asyncio.sleep(0.01)
        await watch_bystander(client, other.task_queue)
        assert ended == ["hourglass-evaluator"] * RUNS
        for handle in handles:
            assert "ActivityTaskScheduled" not in await event_types(handle)


async def test_a_run_that_does_not_let_itself_be_evicted_does_not_keep_its_worker() -> None:
    """The others are evicted all the same."""
    released.clear()
    before = evaluator().thread
    async with await Client.connect("sqlite://") as client:
        budget = timedelta(milliseconds=200)
        async with new_worker(client, NeverEnds, deadlock_timeout=budget) as worker:
            await client.start_workflow(
                NeverEnds.run, id=unique("endless"), task_queue=worker.task_queue
            )
            await waiting(client, worker.task_queue, NeverEnds.run)
            released_later = asyncio.get_running_loop().run_in_executor(None, let_go_of_all)
        await released_later
        assert ended == ["endless"] * (RUNS + 1)
    assert evaluator().thread is not before


def let_go_of_all() -> None:
    while not ended:
        pass
    first = evaluator().thread
    while evaluator().thread is first:
        pass
    released.set()
