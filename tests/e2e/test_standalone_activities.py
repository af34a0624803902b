"""Activities that a client starts run, fail, are cancelled and described without a workflow."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity
from hourglass.client import (
    ActivityAlreadyStartedError,
    ActivityExecutionStatus,
    ActivityFailureError,
    ActivityHandle,
    Client,
    PendingActivityState,
)
from hourglass.common import (
    ActivityIDConflictPolicy,
    ActivityIDReusePolicy,
    Priority,
    RetryPolicy,
)
from hourglass.exceptions import (
    ApplicationError,
    CancelledError,
    OperationTimeoutError,
    TerminatedError,
    TimeoutError,  # noqa: A004
    TimeoutType,
)
from hourglass.service import RPCError, RPCStatusCode
from tests.support import new_worker, unique
from tests.support.standalone import LIMIT

SOON = RetryPolicy(initial_interval=timedelta(milliseconds=10), maximum_attempts=2)


@dataclass
class Parcel:
    weight: float
    to: str = "Ada"


@activity.defn
async def label(parcel: Parcel, count: int) -> list[Parcel]:
    return [Parcel(parcel.weight / count, parcel.to)] * count


@activity.defn
def greet(name: str) -> str:
    return f"Hello, {name}"


@activity.defn
async def nothing() -> None: ...


@activity.defn
async def look() -> list[Any]:
    info = activity.info()
    assert info.workflow_id is info.workflow_run_id is None
    assert info.workflow_type is info.workflow_namespace is None
    return [info.in_workflow, info.activity_id, info.activity_run_id, info.attempt, info.namespace]


@activity.defn
async def fail(non_retryable: bool) -> None:
    attempt = activity.info().attempt
    activity.heartbeat(f"attempt {attempt}")
    raise ApplicationError(f"no {attempt}", "why", type="No", non_retryable=non_retryable)


@activity.defn
class Doubles:
    def __call__(self, number: int) -> int:
        return number * 2


@dataclass
class Desk:
    """Activities that tell when they began, and wait until they are told to stop."""

    begun: "asyncio.Queue[activity.Info]" = field(default_factory=asyncio.Queue)
    told: "asyncio.Queue[Any]" = field(default_factory=asyncio.Queue)

    @activity.defn
    async def wait(self, how: str) -> str:
        await self.begun.put(activity.info())
        try:
            while True:
                activity.heartbeat("waiting")
                await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            await self.told.put(activity.cancellation_details())
            if how == "refuse":
                return "done all the same"
            raise

    @activity.defn
    async def silent(self) -> None:
        await self.begun.put(activity.info())
        await asyncio.sleep(3600)

    def start(
        self, client: Client, queue: str, how: str = "obey", **options: Any
    ) -> "asyncio.Future[ActivityHandle[str]]":
        given: Any = {"heartbeat_timeout": timedelta(seconds=2), **options}
        return asyncio.ensure_future(
            client.start_activity_method(
                Desk.wait,
                how,
                id=unique("desk"),
                task_queue=queue,
                start_to_close_timeout=LIMIT,
                **given,
            )
        )


async def failure_of(handle: ActivityHandle[Any]) -> BaseException:
    with pytest.raises(ActivityFailureError) as failed:
        await handle.result()
    return failed.value.cause


# --- running ---------------------------------------------------------------------------------


async def test_a_client_starts_activities_of_every_kind_and_gets_their_results(
    client: Client,
) -> None:
    activities: list[Any] = [label, greet, nothing, Doubles()]
    async with new_worker(client, activities=activities) as worker:
        here: Any = {"task_queue": worker.task_queue, "start_to_close_timeout": LIMIT}
        labels = await client.execute_activity(
            label, args=[Parcel(3.0), 2], id=unique("label"), **here
        )
        assert labels == [Parcel(1.5), Parcel(1.5)]
        assert await client.execute_activity(greet, "Ada", id=unique("g"), **here) == "Hello, Ada"
        assert await client.execute_activity(nothing, id=unique("n"), **here) is None
        assert await client.execute_activity_class(Doubles, 4, id=unique("d"), **here) == 8
        by_name = await client.execute_activity(
            "label", args=[Parcel(1), 1], id=unique("name"), result_type=list[Parcel], **here
        )
        assert by_name == [Parcel(1.0)]


async def test_a_result_waits_for_a_worker_and_for_whoever_asks(client: Client) -> None:
    queue, name = unique("queue"), unique("late")
    handle = await client.start_activity(
        greet, "Ada", id=name, task_queue=queue, schedule_to_close_timeout=LIMIT
    )
    with pytest.raises(OperationTimeoutError, match=name):
        await handle.result(rpc_timeout=timedelta(milliseconds=50))
    early = asyncio.ensure_future(handle.result())
    async with new_worker(client, activities=[greet], task_queue=queue):
        assert await early == "Hello, Ada"
    late = client.get_activity_handle(name, result_type=str)
    assert (late.id, late.run_id) == (name, None)
    assert await late.result() == "Hello, Ada"
    assert await client.get_activity_handle(name, run_id=handle.run_id).result() == "Hello, Ada"


async def test_a_standalone_activity_knows_that_it_has_no_workflow(client: Client) -> None:
    async with new_worker(client, activities=[look]) as worker:
        handle = await client.start_activity(
            look, id=unique("x"), task_queue=worker.task_queue, start_to_close_timeout=LIMIT
        )
        assert await handle.result() == [False, handle.id, handle.run_id, 1, client.namespace]


async def test_an_activity_that_nobody_started_is_not_found(client: Client) -> None:
    handle = client.get_activity_handle(unique("nobody"))
    for call in (handle.result(), handle.describe(), handle.cancel(), handle.terminate()):
        with pytest.raises(RPCError) as refused:
            await call
        assert refused.value.status is RPCStatusCode.NOT_FOUND
        assert handle.id in refused.value.message


async def test_a_start_delay_holds_the_first_attempt_back(client: Client) -> None:
    delay = timedelta(milliseconds=300)
    async with new_worker(client, activities=[look]) as worker:
        handle = await client.start_activity(
            look,
            id=unique("delayed"),
            task_queue=worker.task_queue,
            start_to_close_timeout=LIMIT,
            start_delay=delay,
        )
        await handle.result()
        described = await handle.describe()
    assert described.start_delay == delay
    assert described.execution_time == described.schedule_time + delay
    assert described.last_started_time is not None
    assert described.last_started_time >= described.execution_time


# --- ids -------------------------------------------------------------------------------------


async def test_the_id_of_a_running_activity_is_taken_unless_it_may_be_used(client: Client) -> None:
    queue, name = unique("queue"), unique("taken")
    here: Any = {"id": name, "task_queue": queue, "start_to_close_timeout": LIMIT}
    first = await client.start_activity(greet, "Ada", **here)
    with pytest.raises(ActivityAlreadyStartedError) as taken:
        await client.start_activity(greet, "Bob", **here)
    error = taken.value
    assert (error.activity_id, error.activity_type, error.run_id) == (name, "greet", first.run_id)
    same = await client.start_activity(
        greet, "Bob", id_conflict_policy=ActivityIDConflictPolicy.USE_EXISTING, **here
    )
    assert same.run_id == first.run_id
    async with new_worker(client, activities=[greet], task_queue=queue):
        assert await same.result() == "Hello, Ada"


async def test_the_id_of_a_closed_activity_is_used_again_as_its_policy_says(client: Client) -> None:
    async with new_worker(client, activities=[greet, fail]) as worker:
        here: Any = {"task_queue": worker.task_queue, "start_to_close_timeout": LIMIT}
        failed, done = unique("failed"), unique("done")
        failing = await client.start_activity(fail, True, id=failed, **here)
        await failure_of(failing)
        await client.execute_activity(greet, "Ada", id=done, **here)
        only_failed: Any = {"id_reuse_policy": ActivityIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY}
        never: Any = {"id_reuse_policy": ActivityIDReusePolicy.REJECT_DUPLICATE}
        with pytest.raises(ActivityAlreadyStartedError):
            await client.start_activity(greet, "Bob", id=done, **only_failed, **here)
        with pytest.raises(ActivityAlreadyStartedError):
            await client.start_activity(greet, "Bob", id=failed, **never, **here)
        again = await client.start_activity(greet, "Bob", id=failed, **only_failed, **here)
        assert again.run_id != failing.run_id
        assert await again.result() == "Hello, Bob"
        assert await client.execute_activity(greet, "Cat", id=done, **here) == "Hello, Cat"
        earlier = client.get_activity_handle(failed, run_id=failing.run_id)
        assert isinstance(await failure_of(earlier), ApplicationError)


async def test_a_start_is_the_same_start_however_often_it_is_sent(client: Client) -> None:
    request: Any = {
        "activity_id": unique("once"),
        "activity_type": {"name": "greet"},
        "task_queue": {"name": unique("queue")},
        "start_to_close_timeout": LIMIT,
        "request_id": unique("request"),
    }
    first = await client.connection.call("StartActivityExecution", request)
    again = await client.connection.call("StartActivityExecution", request)
    assert first["run_id"] == again["run_id"]


# --- failing ---------------------------------------------------------------------------------


async def test_attempts_that_fail_are_repeated_and_the_last_failure_is_the_cause(
    client: Client,
) -> None:
    async with new_worker(client, activities=[fail]) as worker:
        handle = await client.start_activity(
            fail,
            False,
            id=unique("fails"),
            task_queue=worker.task_queue,
            start_to_close_timeout=LIMIT,
            retry_policy=SOON,
        )
        cause = await failure_of(handle)
        assert isinstance(cause, ApplicationError)
        assert (cause.message, cause.type, list(cause.details)) == ("no 2", "No", ["why"])
        described = await handle.describe(include_outcome=True, include_last_failure=True)
    assert described.status is ActivityExecutionStatus.FAILED
    assert (described.attempt, described.run_state) == (2, None)
    assert described.close_time is not None
    outcome, last = await described.outcome_failure(), await described.last_failure()
    assert isinstance(outcome, ApplicationError)
    assert isinstance(last, ApplicationError)
    assert outcome.message == last.message == "no 2"
    assert not described.has_result()


async def test_a_failure_that_is_not_retryable_ends_it(client: Client) -> None:
    async with new_worker(client, activities=[fail]) as worker:
        handle = await client.start_activity(
            fail,
            True,
            id=unique("fails"),
            task_queue=worker.task_queue,
            start_to_close_timeout=LIMIT,
            retry_policy=RetryPolicy(),
        )
        cause = await failure_of(handle)
        assert isinstance(cause, ApplicationError)
        assert (cause.message, cause.non_retryable) == ("no 1", True)


@pytest.mark.parametrize(
    ("limits", "passed"),
    [
        ({"start_to_close_timeout": timedelta(milliseconds=500)}, TimeoutType.START_TO_CLOSE),
        (
            {"start_to_close_timeout": LIMIT, "heartbeat_timeout": timedelta(milliseconds=500)},
            TimeoutType.HEARTBEAT,
        ),
        ({"schedule_to_close_timeout": timedelta(milliseconds=500)}, TimeoutType.SCHEDULE_TO_CLOSE),
    ],
    ids=["start_to_close", "heartbeat", "schedule_to_close"],
)
async def test_an_activity_that_takes_too_long_names_the_limit(
    client: Client, limits: dict[str, timedelta], passed: TimeoutType
) -> None:
    desk = Desk()
    options: Any = {**limits, "retry_policy": RetryPolicy(maximum_attempts=1)}
    queue = unique("queue")
    handle = await client.start_activity_method(
        Desk.silent, id=unique("slow"), task_queue=queue, **options
    )
    async with new_worker(
        client,
        activities=[desk.silent],
        task_queue=queue,
        graceful_shutdown_timeout=timedelta(0),
    ):
        cause = await failure_of(handle)
        assert isinstance(cause, TimeoutError)
        assert cause.type is passed
        assert (await handle.describe()).status is ActivityExecutionStatus.TIMED_OUT


async def test_an_activity_that_no_worker_takes_names_the_limit(client: Client) -> None:
    handle = await client.start_activity(
        greet,
        "Ada",
        id=unique("alone"),
        task_queue=unique("queue"),
        schedule_to_start_timeout=timedelta(milliseconds=200),
        start_to_close_timeout=LIMIT,
    )
    cause = await failure_of(handle)
    assert isinstance(cause, TimeoutError)
    assert cause.type is TimeoutType.SCHEDULE_TO_START


# --- cancelling and terminating --------------------------------------------------------------


async def test_a_cancelled_activity_hears_of_it_and_ends_as_cancelled(client: Client) -> None:
    desk = Desk()
    async with new_worker(client, activities=[desk.wait]) as worker:
        handle = await desk.start(client, worker.task_queue)
        await desk.begun.get()
        await handle.cancel(reason="enough")
        described = await handle.describe()
        assert described.canceled_reason == "enough"
        assert isinstance(await failure_of(handle), CancelledError)
        assert (await desk.told.get()).cancel_requested
        assert (await handle.describe()).status is ActivityExecutionStatus.CANCELED


async def test_an_activity_may_complete_although_it_was_cancelled(client: Client) -> None:
    desk = Desk()
    async with new_worker(client, activities=[desk.wait]) as worker:
        handle = await desk.start(client, worker.task_queue, "refuse")
        await desk.begun.get()
        await handle.cancel()
        assert await handle.result() == "done all the same"
        assert (await handle.describe()).status is ActivityExecutionStatus.COMPLETED


async def test_an_activity_that_has_not_begun_is_cancelled_at_once(client: Client) -> None:
    handle = await Desk().start(client, unique("queue"))
    await handle.cancel(reason="enough")
    assert isinstance(await failure_of(handle), CancelledError)
    with pytest.raises(RPCError) as refused:
        await handle.terminate()
    assert refused.value.status is RPCStatusCode.FAILED_PRECONDITION


async def test_a_terminated_activity_ends_at_once_and_its_attempt_is_told(client: Client) -> None:
    desk = Desk()
    async with new_worker(client, activities=[desk.wait]) as worker:
        handle = await desk.start(client, worker.task_queue)
        await desk.begun.get()
        await handle.terminate(reason="enough")
        cause = await failure_of(handle)
        assert isinstance(cause, TerminatedError)
        assert cause.message == "enough"
        assert (await handle.describe()).status is ActivityExecutionStatus.TERMINATED
        assert (await desk.told.get()).not_found


# --- describing ------------------------------------------------------------------------------


async def test_a_description_has_what_it_was_started_with_and_what_was_asked_for(
    client: Client,
) -> None:
    desk = Desk()
    async with new_worker(client, activities=[desk.wait]) as worker:
        handle = await desk.start(
            client,
            worker.task_queue,
            retry_policy=SOON,
            priority=Priority(priority_key=2),
            schedule_to_close_timeout=2 * LIMIT,
            summary="waits",
        )
        await desk.begun.get()
        while True:
            described = await handle.describe(include_input=True, include_heartbeat_details=True)
            if described.has_heartbeat_details():
                break
        await handle.cancel()
        await failure_of(handle)
    assert (described.activity_id, described.activity_run_id) == (handle.id, handle.run_id)
    assert (described.activity_type, described.task_queue) == ("wait", worker.task_queue)
    assert (described.namespace, described.attempt) == (client.namespace, 1)
    assert described.status is ActivityExecutionStatus.RUNNING
    assert described.run_state is PendingActivityState.STARTED
    assert described.last_worker_identity == client.identity
    assert described.priority.priority_key == 2
    assert described.retry_policy is not None
    assert described.retry_policy.maximum_attempts == 2
    assert described.start_to_close_timeout == LIMIT
    assert described.schedule_to_close_timeout == 2 * LIMIT
    assert described.heartbeat_timeout == timedelta(seconds=2)
    assert described.expiration_time == described.schedule_time + 2 * LIMIT
    assert (described.close_time, described.execution_duration) == (None, None)
    assert described.last_heartbeat_time is not None
    assert await described.input() == ["obey"]
    assert await described.heartbeat_details([str]) == ["waiting"]
    assert not described.has_result()
    summary = described.raw_info["user_metadata"]["summary"]
    assert await client.data_converter.decode([summary], [str]) == ["waits"]


async def test_what_may_be_large_is_described_only_when_it_is_asked_for(client: Client) -> None:
    async with new_worker(client, activities=[greet]) as worker:
        handle = await client.start_activity(
            greet, "Ada", id=unique("x"), task_queue=worker.task_queue, start_to_close_timeout=LIMIT
        )
        await handle.result()
        short = await handle.describe()
        long = await handle.describe(include_input=True, include_outcome=True)
    assert (short.has_input(), short.has_result()) == (False, False)
    assert (await long.input(), await long.result()) == (["Ada"], "Hello, Ada")
    assert long.execution_duration is not None
    assert long.close_time is not None
    assert (long.attempt, long.status) == (1, ActivityExecutionStatus.COMPLETED)
