"""What earlier runs left, and what a workflow says about itself, as a service delivers it."""

import asyncio
import json
from datetime import timedelta
from typing import Any

from hourglass import workflow
from hourglass.client import Client
from hourglass.common import RawValue, RetryPolicy
from hourglass.exceptions import ApplicationError
from tests.support import new_worker, unique


@workflow.defn
class SecondTry:
    @workflow.run
    async def run(self) -> list[Any]:
        failure = workflow.get_last_failure()
        if failure is None:
            raise ApplicationError("the first try", type="First")
        return [type(failure).__name__, str(failure), workflow.has_last_completion_result()]


async def test_a_retry_knows_why_the_run_before_it_failed(client: Client) -> None:
    async with new_worker(client, SecondTry) as worker:
        result = await client.execute_workflow(
            SecondTry.run,
            id=unique("past"),
            task_queue=worker.task_queue,
            retry_policy=RetryPolicy(
                initial_interval=timedelta(milliseconds=10), maximum_attempts=2
            ),
        )
    assert result == ["ApplicationError", "First: the first try", False]


@workflow.defn
class Speaks:
    @workflow.signal(description="ends it")
    def end(self) -> None:
        self.over = True

    @workflow.run
    async def run(self) -> None:
        self.over = False
        workflow.set_current_details("waiting for the **end**")
        await workflow.wait_condition(lambda: self.over)


async def test_user_interfaces_can_ask_what_a_workflow_is(client: Client) -> None:
    async with new_worker(client, Speaks) as worker:
        handle = await client.start_workflow(
            Speaks.run, id=unique("speaks"), task_queue=worker.task_queue
        )
        answer: RawValue = await handle.query("__temporal_workflow_metadata", result_type=RawValue)
        described = json.loads(answer.payload.data)
        assert described["currentDetails"] == "waiting for the **end**"
        assert described["definition"]["signalDefinitions"] == [
            {"name": "end", "description": "ends it"}
        ]
        await handle.signal(Speaks.end)
        await asyncio.wait_for(handle.result(), 20)
