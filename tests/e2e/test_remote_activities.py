"""Where activities go: to this worker with its task, through the queue, or elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.exceptions import InvalidArgumentError
from tests.support import history_events, new_worker, unique

TEN = timedelta(seconds=10)


@activity.defn
async def work() -> str:
    return "remote" if not activity.info().is_local else "local"


@workflow.defn
class Both:
    @workflow.run
    async def run(self) -> list[str]:
        return [
            await workflow.execute_local_activity(work, start_to_close_timeout=TEN),
            await workflow.execute_activity(work, start_to_close_timeout=TEN),
        ]


async def who_worked(client: Client, task_queue: str) -> str:
    handle = await client.start_workflow(Both.run, id=unique("both"), task_queue=task_queue)
    assert await handle.result() == ["local", "remote"]
    [identity] = [
        event["activityTaskStartedEventAttributes"]["identity"]
        for event in await history_events(handle)
        if "activityTaskStartedEventAttributes" in event
    ]
    return str(identity)


async def test_a_worker_may_take_local_activities_only(client: Client) -> None:
    async with (
        new_worker(client, Both, activities=[work], identity="a", no_remote_activities=True) as one,
        new_worker(client, activities=[work], identity="b", task_queue=one.task_queue),
    ):
        assert await who_worked(client, one.task_queue) == "b"


@pytest.mark.parametrize(
    "options",
    [
        {"disable_eager_activity_execution": True},
        {},
    ],
    ids=["disabled", "eager"],
)
async def test_activities_are_done_whether_eager_or_not(
    client: Client, options: dict[str, Any]
) -> None:
    async with new_worker(client, Both, activities=[work], identity="a", **options) as worker:
        assert await who_worked(client, worker.task_queue) == "a"


async def test_options_about_activities_that_can_not_be_are_refused() -> None:
    client = await Client.connect("sqlite://", lazy=True)
    with pytest.raises(InvalidArgumentError, match="no_remote_activities"):
        new_worker(client, activities=[work], no_remote_activities=True)
    with pytest.raises(InvalidArgumentError, match="max_eager"):
        new_worker(client, Both, max_eager_activity_reservations_per_workflow_task=-1)
