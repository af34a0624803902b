"""Activities that fail, time out, heartbeat: what is retried, what is told, what is recorded."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, exceptions, workflow
from hourglass.client import Client, WorkflowFailureError
from hourglass.common import RetryPolicy
from hourglass.exceptions import ActivityError, ApplicationError, CancelledError, TimeoutType
from tests.support import START, TASK, event_types, history_events, new_worker, unique

SECONDS_20 = timedelta(seconds=20)
FAST = timedelta(milliseconds=20)
calls: Counter[str] = Counter()
"""How often each workflow's activity ran: activities run in the test's own process."""


@activity.defn
async def fail_until(attempts: int) -> str:
    info = activity.info()
    if info.attempt < attempts:
        raise ApplicationError(f"attempt {info.attempt}", type="NotYet")
    return f"done on attempt {info.attempt}"


@workflow.defn
class Retrying:
    @workflow.run
    async def run(self, attempts: int, maximum: int) -> str:
        return await workflow.execute_activity(
            fail_until,
            attempts,
            start_to_close_timeout=SECONDS_20,
            retry_policy=RetryPolicy(initial_interval=FAST, maximum_attempts=maximum),
        )


async def test_a_failing_activity_is_retried_until_it_succeeds(client: Client) -> None:
    async with new_worker(client, Retrying, activities=[fail_until]) as worker:
        handle = await client.start_workflow(
            Retrying.run, args=[4, 0], id=unique("retry"), task_queue=worker.task_queue
        )
        assert await handle.result() == "done on attempt 4"
    events = await history_events(handle)
    assert await event_types(handle) == [
        *START,
        "ActivityTaskScheduled",
        "ActivityTaskStarted",
        "ActivityTaskCompleted",
        *TASK,
        "WorkflowExecutionCompleted",
    ]
    assert events[5]["activityTaskStartedEventAttributes"]["attempt"] == 4


async def test_the_last_failure_arrives_when_attempts_run_out(client: Client) -> None:
    async with new_worker(client, Retrying, activities=[fail_until]) as worker:
        handle = await client.start_workflow(
            Retrying.run, args=[9, 3], id=unique("exhaust"), task_queue=worker.task_queue
        )
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
    error = failure.value.cause
    assert isinstance(error, ActivityError)
    assert error.activity_type == "fail_until"
    cause = error.cause
    assert isinstance(cause, ApplicationError)
    assert (cause.message, cause.type) == ("attempt 3", "NotYet")
    assert await event_types(handle) == [
        *START,
        "ActivityTaskScheduled",
        "ActivityTaskStarted",
        "ActivityTaskFailed",
        *TASK,
        "WorkflowExecutionFailed",
    ]


@activity.defn
async def refuse(kind: str) -> None:
    calls[str(activity.info().workflow_id)] += 1
    if kind == "flagged":
        raise ApplicationError("no use", "detail", 7, type="Fatal", non_retryable=True)
    raise ApplicationError("listed", type="Listed")


@workflow.defn
class NonRetryable:
    @workflow.run
    async def run(self, kind: str) -> None:
        await workflow.execute_activity(
            refuse,
            kind,
            start_to_close_timeout=SECONDS_20,
            retry_policy=RetryPolicy(initial_interval=FAST, non_retryable_error_types=["Listed"]),
        )


@activity.defn
async def cancel_by_itself() -> None:
    raise CancelledError("nobody asked for it")


@workflow.defn
class Unasked:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(
            cancel_by_itself,
            start_to_close_timeout=timedelta(seconds=20),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )


async def test_an_error_that_is_not_an_applications_is_the_cause_of_one(client: Client) -> None:
    """The service takes no other failures of activities: it would wait for the timeout."""
    async with new_worker(client, Unasked, activities=[cancel_by_itself]) as worker:
        with pytest.raises(WorkflowFailureError) as failure:
            await client.execute_workflow(
                Unasked.run, id=unique("unasked"), task_queue=worker.task_queue
            )
    assert isinstance(failure.value.cause, ActivityError)
    error = failure.value.cause.cause
    assert isinstance(error, ApplicationError)
    assert (error.message, error.type) == ("nobody asked for it", "CancelledError")
    assert isinstance(error.cause, CancelledError)


@pytest.mark.parametrize(("kind", "expected"), [("flagged", "Fatal"), ("listed", "Listed")])
async def test_a_non_retryable_failure_is_not_retried(
    client: Client, kind: str, expected: str
) -> None:
    workflow_id = unique("fatal")
    async with new_worker(client, NonRetryable, activities=[refuse]) as worker:
        with pytest.raises(WorkflowFailureError) as failure:
            await client.execute_workflow(
                NonRetryable.run, kind, id=workflow_id, task_queue=worker.task_queue
            )
    assert isinstance(failure.value.cause, ActivityError)
    cause = failure.value.cause.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == expected
    if kind == "flagged":
        assert list(cause.details) == ["detail", 7]
        assert cause.non_retryable
    assert calls[workflow_id] == 1


@activity.defn
async def raise_value_error() -> None:
    raise ValueError("plain")


@workflow.defn
class CatchesFailure:
    @workflow.run
    async def run(self) -> list[str | None]:
        try:
            await workflow.execute_activity(
                raise_value_error,
                start_to_close_timeout=SECONDS_20,
                retry_policy=RetryPolicy(maximum_attempts=1),
            )
        except ActivityError as error:
            cause = error.cause
            assert isinstance(cause, ApplicationError)
            return [cause.type, cause.message]
        return []


async def test_any_exception_arrives_with_its_class_name(client: Client) -> None:
    async with new_worker(client, CatchesFailure, activities=[raise_value_error]) as worker:
        result = await client.execute_workflow(
            CatchesFailure.run, id=unique("catch"), task_queue=worker.task_queue
        )
    assert result == ["ValueError", "plain"]


@activity.defn
async def hang() -> None:
    await asyncio.Event().wait()


@activity.defn
async def heartbeat_once_then_hang() -> None:
    activity.heartbeat("alive")
    await asyncio.Event().wait()


@workflow.defn
class TimesOut:
    """Runs an activity that can't make its timeout, and tells which one it was."""

    @workflow.run
    async def run(self, name: str, queue: str | None, timeouts: dict[str, float]) -> str:
        limits: dict[str, Any] = {key: timedelta(seconds=s) for key, s in timeouts.items()}
        try:
            await workflow.execute_activity(
                name, task_queue=queue, retry_policy=RetryPolicy(maximum_attempts=1), **limits
            )
        except ActivityError as error:
            cause = error.cause
            assert isinstance(cause, exceptions.TimeoutError), repr(cause)
            assert cause.type is not None
            return cause.type.name
        return "no timeout"


@pytest.mark.parametrize(
    ("name", "timeouts", "expected"),
    [
        ("hang", {"start_to_close_timeout": 0.3}, TimeoutType.START_TO_CLOSE),
        ("hang", {"schedule_to_close_timeout": 0.3}, None),
        (
            "heartbeat_once_then_hang",
            {"start_to_close_timeout": 20, "heartbeat_timeout": 0.5},
            TimeoutType.HEARTBEAT,
        ),
        (
            "nobody_listens",
            {"start_to_close_timeout": 20, "schedule_to_start_timeout": 0.3},
            TimeoutType.SCHEDULE_TO_START,
        ),
    ],
    ids=["start-to-close", "schedule-to-close", "heartbeat", "schedule-to-start"],
)
async def test_each_timeout_of_an_activity_names_itself(
    client: Client, name: str, timeouts: dict[str, float], expected: TimeoutType | None
) -> None:
    queue = unique("nobody") if name == "nobody_listens" else None
    activities = [hang, heartbeat_once_then_hang]
    async with new_worker(client, TimesOut, activities=activities) as worker:
        handle = await client.start_workflow(
            TimesOut.run,
            args=[name, queue, timeouts],
            id=unique("timeout"),
            task_queue=worker.task_queue,
        )
        told = await handle.result()
    # A start-to-close timeout that was derived from schedule-to-close may be named either way.
    names = [expected.name] if expected else ["SCHEDULE_TO_CLOSE", "START_TO_CLOSE"]
    assert told in names
    started = [] if expected is TimeoutType.SCHEDULE_TO_START else ["ActivityTaskStarted"]
    assert await event_types(handle) == [
        *START,
        "ActivityTaskScheduled",
        *started,
        "ActivityTaskTimedOut",
        *TASK,
        "WorkflowExecutionCompleted",
    ]


@activity.defn
async def resume_from_heartbeat(limit: int) -> list[Any]:
    info = activity.info()
    seen = list(info.heartbeat_details)
    if info.attempt < limit:
        activity.heartbeat("progress", info.attempt)
        raise ApplicationError("again")
    return [info.attempt, *seen]


@workflow.defn
class Resumes:
    @workflow.run
    async def run(self) -> list[Any]:
        return await workflow.execute_activity(
            resume_from_heartbeat,
            3,
            start_to_close_timeout=SECONDS_20,
            heartbeat_timeout=timedelta(seconds=10),
            retry_policy=RetryPolicy(initial_interval=FAST),
        )


async def test_heartbeat_details_reach_the_next_attempt(client: Client) -> None:
    async with new_worker(client, Resumes, activities=[resume_from_heartbeat]) as worker:
        result = await client.execute_workflow(
            Resumes.run, id=unique("heartbeat"), task_queue=worker.task_queue
        )
    assert result == [3, "progress", 2]


@activity.defn
async def backoff_times() -> float:
    calls[str(activity.info().workflow_id)] += 1
    if activity.info().attempt < 3:
        raise ApplicationError("later")
    waited = activity.info().started_time - activity.info().scheduled_time
    return waited.total_seconds()


@workflow.defn
class BacksOff:
    @workflow.run
    async def run(self) -> float:
        return await workflow.execute_activity(
            backoff_times,
            start_to_close_timeout=SECONDS_20,
            retry_policy=RetryPolicy(
                initial_interval=timedelta(milliseconds=300), backoff_coefficient=2.0
            ),
        )


async def test_retries_wait_for_their_backoff(client: Client) -> None:
    async with new_worker(client, BacksOff, activities=[backoff_times]) as worker:
        waited = await client.execute_workflow(
            BacksOff.run, id=unique("backoff"), task_queue=worker.task_queue
        )
    assert 0.9 <= waited < 10


@workflow.defn
class UnknownActivity:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(
            "no_such_activity",
            start_to_close_timeout=SECONDS_20,
            retry_policy=RetryPolicy(maximum_attempts=1),
        )


async def test_an_unregistered_activity_fails_with_its_name(client: Client) -> None:
    async with new_worker(client, UnknownActivity, activities=[hang]) as worker:
        with pytest.raises(WorkflowFailureError) as failure:
            await client.execute_workflow(
                UnknownActivity.run, id=unique("unknown"), task_queue=worker.task_queue
            )
    assert isinstance(failure.value.cause, ActivityError)
    cause = failure.value.cause.cause
    assert isinstance(cause, ApplicationError)
    assert "no_such_activity" in cause.message
