"""Local activities: the worker runs them, retries them and keeps their limits itself."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.common import RawValue, RetryPolicy
from hourglass.exceptions import ActivityError, ApplicationError
from tests.support import AnyHandle, history_events, new_worker, unique

attempts: list[int] = []


@pytest.fixture(autouse=True)
def no_attempts() -> None:
    attempts.clear()


@activity.defn
async def fails_always() -> None:
    attempts.append(activity.info().attempt)
    delay = timedelta(milliseconds=50) if len(attempts) < 3 else None
    raise ApplicationError("no", next_retry_delay=delay)


@activity.defn
async def greets() -> str:
    return "hello"


@workflow.defn
class Retries:
    @workflow.run
    async def run(self, initial: int, factor: float) -> str:
        try:
            await workflow.execute_local_activity(
                "fails_always",
                schedule_to_close_timeout=timedelta(milliseconds=400),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(milliseconds=initial), backoff_coefficient=factor
                ),
            )
        except ActivityError as error:
            return str(error.cause)
        return "returned"


@workflow.defn
class Greets:
    @workflow.run
    async def run(self) -> Any:
        return await workflow.execute_local_activity(
            "greets", schedule_to_close_timeout=timedelta(minutes=1)
        )


@pytest.mark.parametrize(
    ("initial", "factor", "most"), [(50, 1.0, 8), (100, 2.0, 5), (60_000, 2.0, 3)]
)
async def test_schedule_to_close_holds_over_all_attempts(
    initial: int, factor: float, most: int
) -> None:
    async with (
        await Client.connect("sqlite://") as client,
        new_worker(client, Retries, activities=[fails_always]) as worker,
    ):
        result = await client.execute_workflow(
            Retries.run, args=[initial, factor], id=unique("retries"), task_queue=worker.task_queue
        )
    assert result == "no"
    assert attempts == list(range(1, len(attempts) + 1))
    assert 1 <= len(attempts) <= most


async def failed_task(handle: AnyHandle) -> str:
    """Wait until a task of the run has failed: why."""
    while True:
        for event in await history_events(handle):
            if event["eventType"] == "EVENT_TYPE_WORKFLOW_TASK_FAILED":
                failure = event["workflowTaskFailedEventAttributes"]["failure"]
                return str(failure["message"])


@pytest.mark.parametrize("activities", [[], [fails_always]])
async def test_one_that_is_not_registered_fails_the_task_until_it_is(activities: list[Any]) -> None:
    queue = unique("unregistered")
    async with await Client.connect("sqlite://") as client:
        async with new_worker(client, Greets, activities=activities, task_queue=queue):
            handle = await client.start_workflow(Greets.run, id=queue, task_queue=queue)
            reason = await failed_task(handle)
        known = "fails_always" if activities else "none"
        assert "local activity 'greets' is not registered on this worker" in reason
        assert reason.endswith(f"registered: {known}")
        async with new_worker(client, Greets, activities=[greets], task_queue=queue):
            assert await handle.result() == "hello"


async def test_a_dynamic_activity_takes_every_name_locally_too() -> None:
    @activity.defn(dynamic=True)
    async def takes_all(args: Sequence[RawValue]) -> str:
        return f"dynamic {activity.info().activity_type}"

    async with (
        await Client.connect("sqlite://") as client,
        new_worker(client, Greets, activities=[takes_all]) as worker,
    ):
        result = await client.execute_workflow(
            Greets.run, id=unique("dynamic"), task_queue=worker.task_queue
        )
    assert result == "dynamic greets"


async def test_what_is_on_record_need_not_be_registered_any_more() -> None:
    queue = unique("recorded")
    async with await Client.connect("sqlite://") as client:
        async with new_worker(client, GreetsThenWaits, activities=[greets], task_queue=queue):
            handle = await client.start_workflow(GreetsThenWaits.run, id=queue, task_queue=queue)
            assert await handle.query(GreetsThenWaits.greeting) == "hello"
        async with new_worker(client, GreetsThenWaits, task_queue=queue):
            await handle.signal(GreetsThenWaits.go)
            assert await handle.result() == "hello"


@workflow.defn
class GreetsThenWaits:
    def __init__(self) -> None:
        self.said = ""
        self.may_go = False

    @workflow.query
    def greeting(self) -> str:
        return self.said

    @workflow.signal
    def go(self) -> None:
        self.may_go = True

    @workflow.run
    async def run(self) -> str:
        self.said = await workflow.execute_local_activity(
            "greets", schedule_to_close_timeout=timedelta(minutes=1), result_type=str
        )
        await workflow.wait_condition(lambda: self.may_go)
        return self.said
