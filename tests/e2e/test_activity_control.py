"""An activity hears that somebody pauses it or has it begin anew."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.common import RetryPolicy
from tests.support import AnyHandle, new_worker, unique

LIMIT = timedelta(seconds=30)


@dataclass
class Patient:
    """Beats until somebody stops it, once; tells of it, and leaves the rest to the next attempt."""

    heard: "asyncio.Queue[Any]" = field(default_factory=asyncio.Queue)

    @activity.defn
    async def wait(self) -> int:
        found = activity.info()
        if found.heartbeat_details:
            return found.attempt
        try:
            while True:
                activity.heartbeat("begun")
                await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            await self.heard.put(activity.cancellation_details())
            raise


@workflow.defn
class Waits:
    @workflow.run
    async def run(self) -> int:
        return await workflow.execute_activity_method(
            Patient.wait,
            activity_id="patient",
            start_to_close_timeout=LIMIT,
            heartbeat_timeout=timedelta(seconds=2),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=10)),
        )


@pytest.mark.parametrize("rpc", ["PauseActivity", "ResetActivity"])
async def test_an_activity_is_told_why_it_is_to_stop_and_goes_on_later(
    client: Client, rpc: str
) -> None:
    patient = Patient()
    async with new_worker(client, Waits, activities=[patient.wait]) as worker:
        handle: AnyHandle = await client.start_workflow(
            Waits.run, id=unique("waits"), task_queue=worker.task_queue
        )
        request = {"execution": {"workflow_id": handle.id}, "id": "patient"}
        while True:  # until it has told that it began
            answer = await client.connection.call(
                "DescribeWorkflowExecution", {"execution": {"workflow_id": handle.id}}
            )
            pending = answer.get("pending_activities", [])
            if any("heartbeat_details" in found for found in pending):
                break
        await client.connection.call(rpc, request)
        details = await patient.heard.get()
        assert details is not None
        assert (details.paused, details.reset) == (rpc == "PauseActivity", rpc == "ResetActivity")
        if rpc == "PauseActivity":
            await client.connection.call("UnpauseActivity", request)
        assert await handle.result() == 2
