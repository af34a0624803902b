"""Local activities: recorded when they have ended, retried in between, cancelled."""

import asyncio
import contextlib
import threading
from datetime import timedelta

import pytest

from hourglass import activity, workflow
from hourglass.client import Client, WorkflowFailureError
from hourglass.common import RetryPolicy
from hourglass.exceptions import ActivityError, ApplicationError, CancelledError
from hourglass.worker import Replayer
from hourglass.workflow import ActivityCancellationType
from tests.support import START, TASK, event_types, new_worker, unique

TEN = timedelta(seconds=10)


@activity.defn
async def double(number: int) -> int:
    assert activity.info().is_local
    activity.heartbeat("goes nowhere")
    return number * 2


@activity.defn
def half(number: int) -> float:
    return number / 2


@activity.defn
async def third_time() -> int:
    attempt = activity.info().attempt
    if attempt < 3:
        raise ApplicationError("not yet")
    return attempt


@activity.defn
async def refuses() -> None:
    raise ApplicationError("never", type="Never", non_retryable=True)


@workflow.defn
class Calls:
    @workflow.run
    async def run(self, number: int) -> list[float]:
        return [
            await workflow.execute_local_activity(double, number, start_to_close_timeout=TEN),
            await workflow.execute_local_activity(half, number, start_to_close_timeout=TEN),
        ]


async def test_a_local_activity_leaves_a_marker_and_nothing_else(client: Client) -> None:
    async with new_worker(client, Calls, activities=[double, half]) as worker:
        handle = await client.start_workflow(
            Calls.run, 3, id=unique("local"), task_queue=worker.task_queue
        )
        assert await handle.result() == [6, 1.5]
        assert await event_types(handle) == [
            *START,
            "MarkerRecorded",
            "MarkerRecorded",
            "WorkflowExecutionCompleted",
        ]


async def test_a_local_activity_on_record_is_not_run_again(client: Client) -> None:
    runs: list[int] = []

    @activity.defn
    async def counted() -> int:
        runs.append(1)
        return len(runs)

    @workflow.defn
    class Twice:
        @workflow.run
        async def run(self) -> list[int]:
            first = await workflow.execute_local_activity(counted, start_to_close_timeout=TEN)
            await workflow.sleep(0.05)
            second = await workflow.execute_local_activity(counted, start_to_close_timeout=TEN)
            return [first, second]

    async with new_worker(client, Twice, activities=[counted], max_cached_workflows=0) as worker:
        result = await client.execute_workflow(
            "Twice", id=unique("local"), task_queue=worker.task_queue
        )
    assert result == [1, 2]
    assert len(runs) == 2


@workflow.defn
class Retries:
    @workflow.run
    async def run(self, threshold: float) -> int:
        return await workflow.execute_local_activity(
            third_time,
            start_to_close_timeout=TEN,
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=60)),
            local_retry_threshold=timedelta(seconds=threshold),
        )


async def test_a_short_wait_before_a_retry_is_cores_own(client: Client) -> None:
    async with new_worker(client, Retries, activities=[third_time]) as worker:
        handle = await client.start_workflow(
            Retries.run, 60, id=unique("local"), task_queue=worker.task_queue
        )
        assert await handle.result() == 3
        assert await event_types(handle) == [
            *START,
            "MarkerRecorded",
            "WorkflowExecutionCompleted",
        ]


async def test_s16_a_long_wait_before_a_retry_is_a_durable_timer(client: Client) -> None:
    async with new_worker(client, Retries, activities=[third_time]) as worker:
        handle = await client.start_workflow(
            Retries.run, 0.01, id=unique("local"), task_queue=worker.task_queue
        )
        assert await handle.result() == 3
        wait = ["MarkerRecorded", "TimerStarted", "TimerFired", *TASK]
        assert await event_types(handle) == [
            *START,
            *wait,
            *wait,
            "MarkerRecorded",
            "WorkflowExecutionCompleted",
        ]


@workflow.defn
class Fails:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_local_activity(refuses, start_to_close_timeout=TEN)


async def test_a_local_activity_that_fails_says_why(client: Client) -> None:
    async with new_worker(client, Fails, activities=[refuses]) as worker:
        handle = await client.start_workflow(
            Fails.run, id=unique("local"), task_queue=worker.task_queue
        )
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
    error = failure.value.cause
    assert isinstance(error, ActivityError)
    assert error.activity_type == "refuses"
    assert isinstance(error.cause, ApplicationError)
    assert error.cause.type == "Never"


async def test_a_local_activity_longer_than_a_task_keeps_the_task_alive(client: Client) -> None:
    release = threading.Event()

    @activity.defn
    def long() -> str:
        release.wait(20)
        return "done"

    @workflow.defn
    class Long:
        @workflow.run
        async def run(self) -> str:
            return await workflow.execute_local_activity(
                long, start_to_close_timeout=timedelta(seconds=30)
            )

    async with new_worker(client, Long, activities=[long]) as worker:
        handle = await client.start_workflow(
            "Long",
            id=unique("local"),
            task_queue=worker.task_queue,
            task_timeout=timedelta(seconds=1),
        )
        while (await event_types(handle)).count("WorkflowTaskCompleted") < 2:  # noqa: ASYNC110 - no event for an event
            await asyncio.sleep(0.05)
        release.set()
        assert await handle.result() == "done"
        assert "WorkflowTaskTimedOut" not in await event_types(handle)


@activity.defn
async def hangs() -> str:
    try:
        await activity.wait_for_cancelled()
    except asyncio.CancelledError:
        raise CancelledError("honoured") from None
    return ""


@workflow.defn
class Cancels:
    @workflow.run
    async def run(self, kind: int) -> str:
        handle = workflow.start_local_activity(
            hangs,
            start_to_close_timeout=TEN,
            cancellation_type=ActivityCancellationType(kind),
        )
        await workflow.sleep(0.05)
        handle.cancel()
        try:
            return await handle
        except ActivityError as error:
            return type(error.cause).__name__


@pytest.mark.parametrize("kind", list(ActivityCancellationType))
async def test_every_cancellation_type_ends_a_local_activity(
    client: Client, kind: ActivityCancellationType
) -> None:
    async with new_worker(
        client, Cancels, activities=[hangs], graceful_shutdown_timeout=timedelta(0)
    ) as worker:
        result = await client.execute_workflow(
            Cancels.run,
            int(kind),
            id=unique("local"),
            task_queue=worker.task_queue,
            task_timeout=timedelta(seconds=1),  # an open task hides the timer for most of that
        )
    assert result == "CancelledError"


@activity.defn
async def never_asked_for() -> None:
    """Is cancelled before it is scheduled."""


@workflow.defn
class LeavesOne:
    """Ends in the task in which a local activity runs."""

    @workflow.run
    async def run(self, kind: int) -> str:
        workflow.start_local_activity(
            half, 3, start_to_close_timeout=TEN, cancellation_type=ActivityCancellationType(kind)
        )
        other = workflow.start_activity(never_asked_for, start_to_close_timeout=TEN)
        await asyncio.sleep(0)  # its first step: cancelled before, it would end at once
        other.cancel()
        with contextlib.suppress(ActivityError):
            await other
        return "ended"


@pytest.mark.parametrize("kind", list(ActivityCancellationType))
async def test_a_workflow_may_end_while_a_local_activity_runs(
    client: Client, kind: ActivityCancellationType
) -> None:
    """The activity ends at any time beside the workflow, so that many runs are needed."""
    async with new_worker(client, LeavesOne, activities=[half, never_asked_for]) as worker:
        handles = [
            await client.start_workflow(
                LeavesOne.run, int(kind), id=unique("local"), task_queue=worker.task_queue
            )
            for _ in range(40)
        ]
        assert {await handle.result() for handle in handles} == {"ended"}
        for handle in handles:
            recorded = await event_types(handle)
            assert recorded[: len(START)] == START
            assert recorded[-1] == "WorkflowExecutionCompleted"
            await Replayer(workflows=[LeavesOne]).replay_workflow(await handle.fetch_history())
