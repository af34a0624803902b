"""Activities that leave their function and are completed from outside."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass.client import (
    AsyncActivityCancelledError,
    AsyncActivityHandle,
    Client,
    WorkflowFailureError,
)
from hourglass.common import RetryPolicy
from hourglass.exceptions import ActivityError, ApplicationError
from hourglass.service import RPCError, RPCStatusCode
from tests.support import ACTIVITY, START, TASK, AnyHandle, event_types, new_worker, unique

TOKEN = "task token"
by_token_and_ids = pytest.mark.parametrize("by", [TOKEN, "ids"])


@dataclass
class Office:
    """Where activities leave word of themselves."""

    left: "asyncio.Queue[activity.Info]" = field(default_factory=asyncio.Queue)

    @activity.defn
    async def sign(self) -> str:
        await self.left.put(activity.info())
        activity.raise_complete_async()


@workflow.defn
class Signs:
    @workflow.run
    async def run(self, attempts: int) -> Any:
        handle = workflow.start_activity_method(
            Office.sign,
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=RetryPolicy(
                initial_interval=timedelta(milliseconds=10), maximum_attempts=attempts
            ),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )
        try:
            return await handle
        except ActivityError as error:
            if isinstance(error.cause, ApplicationError):
                raise
            return [type(error.cause).__name__, *getattr(error.cause, "details", [])]


def outside(client: Client, info: activity.Info, by: str) -> AsyncActivityHandle:
    if by == "ids":
        return client.get_async_activity_handle(
            workflow_id=info.workflow_id,
            run_id=info.workflow_run_id,
            activity_id=info.activity_id,
        )
    return client.get_async_activity_handle(task_token=info.task_token)


async def start(client: Client, queue: str, attempts: int = 1) -> AnyHandle:
    return await client.start_workflow(Signs.run, attempts, id=unique("signs"), task_queue=queue)


@by_token_and_ids
async def test_an_activity_is_completed_from_outside(client: Client, by: str) -> None:
    office = Office()
    async with new_worker(client, Signs, activities=[office.sign]) as worker:
        handle = await start(client, worker.task_queue)
        signer = outside(client, await office.left.get(), by)
        await signer.heartbeat("reading")
        await signer.complete("signed")
        assert await handle.result() == "signed"
        assert await event_types(handle) == [
            *START,
            *ACTIVITY,
            *TASK,
            "WorkflowExecutionCompleted",
        ]
        with pytest.raises(RPCError) as twice:
            await signer.complete("again")
        assert twice.value.status is RPCStatusCode.NOT_FOUND


@by_token_and_ids
async def test_an_activity_is_failed_from_outside_and_tried_again(client: Client, by: str) -> None:
    office = Office()
    async with new_worker(client, Signs, activities=[office.sign]) as worker:
        handle = await start(client, worker.task_queue, attempts=2)
        first = outside(client, await office.left.get(), by)
        await first.heartbeat("page 3")
        await first.fail(ApplicationError("no pen"))
        second_info = await office.left.get()
        assert (second_info.attempt, list(second_info.heartbeat_details)) == (2, ["page 3"])
        await outside(client, second_info, by).fail(ApplicationError("no ink", type="Ink"))
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
    error = failure.value.cause
    assert isinstance(error, ActivityError)
    assert isinstance(error.cause, ApplicationError)
    assert (error.cause.message, error.cause.type) == ("no ink", "Ink")


async def test_a_failure_may_say_what_the_next_attempt_should_know(client: Client) -> None:
    """By its ids the server does not take it: Temporal's own RPC drops it there."""
    office = Office()
    async with new_worker(client, Signs, activities=[office.sign]) as worker:
        handle = await start(client, worker.task_queue, attempts=2)
        first = outside(client, await office.left.get(), TOKEN)
        await first.fail(ApplicationError("no pen"), last_heartbeat_details=["page 3"])
        second_info = await office.left.get()
        assert list(second_info.heartbeat_details) == ["page 3"]
        await outside(client, second_info, TOKEN).complete("signed")
        assert await handle.result() == "signed"


@by_token_and_ids
async def test_a_cancelled_activity_is_told_and_reports_from_outside(
    client: Client, by: str
) -> None:
    office = Office()
    async with new_worker(client, Signs, activities=[office.sign]) as worker:
        handle = await start(client, worker.task_queue)
        signer = outside(client, await office.left.get(), by)
        await handle.cancel()
        with pytest.raises(AsyncActivityCancelledError) as told:
            while True:
                await signer.heartbeat()
                await asyncio.sleep(0.02)
        assert told.value.details.cancel_requested
        await signer.report_cancellation("put the pen down")
        assert await handle.result() == ["CancelledError", "put the pen down"]


@by_token_and_ids
async def test_an_activity_nobody_waits_for_is_not_found(client: Client, by: str) -> None:
    office = Office()
    async with new_worker(client, Signs, activities=[office.sign]) as worker:
        handle = await start(client, worker.task_queue)
        signer = outside(client, await office.left.get(), by)
        await handle.terminate()
        for call in (signer.heartbeat(), signer.complete(), signer.fail(ValueError("x"))):
            with pytest.raises(RPCError) as refused:
                await call
            assert refused.value.status is RPCStatusCode.NOT_FOUND
