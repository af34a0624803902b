"""Every way to wait, with and without a cache, and its history replayed: all three agree.

Without a cache each workflow task runs the code from the start again, so an order that depends on
anything but history shows up as a nondeterminism error.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass._bridge import Runtime
from hourglass.client import Client
from hourglass.converter import DataConverter
from hourglass.exceptions import ActivityError
from hourglass.workflow._runtime.replay import replay
from hourglass.workflow._runtime.runner import WorkflowRunner
from tests.support import AnyHandle, history_events, new_worker, unique

LIMIT = timedelta(seconds=20)
NO_CACHE = 0


@activity.defn
async def give_back(number: int) -> int:
    await asyncio.sleep(0.01 * (number % 3))
    return number


@activity.defn
async def run_until_cancelled(number: int) -> int:
    while True:
        activity.heartbeat()
        await asyncio.sleep(0.05)


def start(number: int) -> workflow.ActivityHandle[int]:
    return workflow.start_activity(give_back, number, start_to_close_timeout=LIMIT)


def start_endless(
    kind: workflow.ActivityCancellationType = workflow.ActivityCancellationType.TRY_CANCEL,
) -> workflow.ActivityHandle[int]:
    return workflow.start_activity(
        run_until_cancelled,
        0,
        start_to_close_timeout=LIMIT,
        heartbeat_timeout=timedelta(seconds=2),
        cancellation_type=kind,
    )


async def gather() -> Any:
    return list(await asyncio.gather(*(start(number) for number in range(6))))


async def race() -> Any:
    tasks = [asyncio.create_task(_of(start(number))) for number in range(6)]
    done, pending = await workflow.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    # Some of them end while they are cancelled; a command after the requests shows what is missing.
    await workflow.sleep(0)
    await asyncio.gather(*pending, return_exceptions=True)
    return len(done) + len(pending)


async def _of(awaitable: Awaitable[int]) -> int:
    return await awaitable


async def first_done_first() -> Any:
    numbers = workflow.as_completed([_of(start(number)) for number in range(6)])
    return sorted([await number for number in numbers])


async def timeouts() -> Any:
    missed = 0
    for _ in range(3):
        try:
            await workflow.wait_condition(lambda: False, timeout=0.05)
        except asyncio.TimeoutError:
            missed += 1
    return missed


async def patches() -> Any:
    if workflow.patched("new way"):
        await workflow.sleep(0.01)
    first = (workflow.random().random(), workflow.uuid4())
    await start(1)
    return [workflow.patched("new way"), first != (workflow.random().random(), workflow.uuid4())]


async def cancels() -> Any:
    kind = workflow.ActivityCancellationType
    handles = [start_endless(kind.WAIT_CANCELLATION_COMPLETED), start_endless(kind.TRY_CANCEL)]
    await workflow.sleep(0.2)
    ended: list[str] = []
    for handle in handles:
        handle.cancel()
        try:
            await handle
        except ActivityError as error:
            ended.append(type(error.cause).__name__)
    return ended


SCENARIOS: dict[str, tuple[Callable[[], Awaitable[Any]], Any]] = {
    "gather": (gather, [0, 1, 2, 3, 4, 5]),
    "race": (race, 6),
    "first_done_first": (first_done_first, [0, 1, 2, 3, 4, 5]),
    "timeouts": (timeouts, 3),
    "patches": (patches, [True, True]),
    "cancels": (cancels, ["CancelledError", "CancelledError"]),
}

if sys.version_info >= (3, 11):

    async def group() -> Any:
        async with asyncio.TaskGroup() as tasks:
            found = [tasks.create_task(_of(start(number))) for number in range(6)]
        return [task.result() for task in found]

    async def group_that_fails() -> Any:
        async def fail() -> None:
            await workflow.sleep(0.1)
            raise ValueError

        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(5):
                    tasks.create_task(workflow.sleep(60))
                    tasks.create_task(_of(start_endless()))
                tasks.create_task(fail())
        except BaseException as error:
            return type(error).__name__

    async def scopes() -> Any:
        try:
            async with asyncio.timeout(5), asyncio.timeout(0.05):
                await workflow.sleep(60)
        except TimeoutError:
            return "timeout"

    SCENARIOS |= {
        "group": (group, [0, 1, 2, 3, 4, 5]),
        "group_that_fails": (group_that_fails, "ExceptionGroup"),
        "scopes": (scopes, "timeout"),
    }


@workflow.defn
class Waits:
    """Waits in the way it is told."""

    @workflow.run
    async def run(self, scenario: str) -> Any:
        return await SCENARIOS[scenario][0]()


async def failed_tasks(handle: AnyHandle) -> list[Any]:
    """Why workflow tasks failed, but for news that came while the workflow was ending."""
    failures = [
        event["workflowTaskFailedEventAttributes"]
        for event in await history_events(handle)
        if "workflowTaskFailedEventAttributes" in event
    ]
    return [
        failure
        for failure in failures
        if failure["cause"] != "WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND"
    ]


@pytest.mark.parametrize("cache", [1000, NO_CACHE])
async def test_every_way_to_wait_is_the_same_live_rebuilt_and_replayed(
    client: Client, cache: int
) -> None:
    """B-57, section 5: the answers of a run never change, also after eviction and rebuild."""
    worker = new_worker(
        client,
        Waits,
        activities=[give_back, run_until_cancelled],
        max_cached_workflows=cache,
    )

    async def run_one(scenario: str) -> Any:
        handle = await client.start_workflow(
            Waits.run, scenario, id=unique(scenario), task_queue=worker.task_queue
        )
        assert await handle.result() == SCENARIOS[scenario][1], scenario
        assert await failed_tasks(handle) == [], scenario
        return (await handle.fetch_history()).native

    async with worker:
        histories = await asyncio.gather(*map(run_one, SCENARIOS))
    runner = WorkflowRunner(
        [Waits], task_queue=worker.task_queue, namespace="n", data_converter=DataConverter()
    )
    runtime = Runtime()
    try:
        failures = [result.failure for result in replay(histories, runner, runtime=runtime)]
    finally:
        runtime.close()
    assert failures == [None] * len(SCENARIOS)
