"""Time that skips while a test waits for a standalone activity."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from hourglass import activity
from hourglass.client import ActivityFailureError
from hourglass.common import RetryPolicy
from hourglass.exceptions import ApplicationError
from hourglass.testing import WorkflowEnvironment
from tests.support import new_worker, unique

DAY = timedelta(days=1)


@pytest.fixture
async def env() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        yield env


@activity.defn
async def third_time_lucky(word: str) -> str:
    if activity.info().attempt < 3:
        raise ApplicationError("not yet")
    return word


async def test_retries_and_delays_of_a_standalone_activity_are_skipped(
    env: WorkflowEnvironment,
) -> None:
    begun = await env.get_current_time()
    async with new_worker(env.client, activities=[third_time_lucky]) as worker:
        result = await env.client.execute_activity(
            third_time_lucky,
            "done",
            id=unique("lucky"),
            task_queue=worker.task_queue,
            start_to_close_timeout=DAY,
            start_delay=7 * DAY,
            retry_policy=RetryPolicy(initial_interval=DAY),
        )
    assert result == "done"
    assert await env.get_current_time() - begun >= 10 * DAY


async def test_the_limit_of_a_standalone_activity_ends_its_retries(
    env: WorkflowEnvironment,
) -> None:
    async with new_worker(env.client, activities=[third_time_lucky]) as worker:
        handle = await env.client.start_activity(
            third_time_lucky,
            "done",
            id=unique("unlucky"),
            task_queue=worker.task_queue,
            schedule_to_close_timeout=2 * DAY,
            retry_policy=RetryPolicy(initial_interval=DAY),
        )
        with pytest.raises(ActivityFailureError) as failed:
            await handle.result()
    assert isinstance(failed.value.cause, ApplicationError)
    assert (await handle.describe()).attempt == 2
