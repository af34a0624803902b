"""Updates: calls that are validated, recorded and answered."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowAlreadyStartedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from hourglass.common import RawValue, WorkflowIDConflictPolicy
from hourglass.exceptions import ApplicationError
from hourglass.service import RPCError, RPCStatusCode
from tests.support import START, TASK, event_types, new_worker, unique


@workflow.defn
class Counter:
    def __init__(self) -> None:
        self.count = 0
        self.calls = 0
        self.over = False

    @workflow.update
    def add(self, number: int) -> int:
        self.calls += 1
        self.count += number
        return self.count

    @add.validator
    def check(self, number: int) -> None:
        if number < 0:
            raise ApplicationError("only upwards", type="Negative")

    @workflow.update
    async def add_slowly(self, number: int) -> int:
        await workflow.sleep(0.05)
        return self.add(number)

    @workflow.update
    async def wait(self) -> str:
        await workflow.wait_condition(lambda: self.over)
        return "waited"

    @workflow.update(name="fails")
    async def fail(self, message: str) -> None:
        await workflow.sleep(0.01)
        raise ApplicationError(message, "detail", type="Kind")

    @workflow.update(dynamic=True)
    async def any(self, name: str, args: Sequence[RawValue]) -> list[Any]:
        info = workflow.current_update_info()
        assert info is not None
        converter = workflow.payload_converter()
        return [name, info.id, *converter.from_payloads([arg.payload for arg in args])]

    @workflow.signal
    def end(self) -> None:
        self.over = True

    @workflow.query
    def number_of_calls(self) -> int:
        return self.calls

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(lambda: self.over)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.count


async def test_an_update_is_validated_recorded_and_answered(client: Client) -> None:
    async with new_worker(client, Counter) as worker:
        handle = await client.start_workflow(
            Counter.run, id=unique("counter"), task_queue=worker.task_queue
        )
        assert await handle.execute_update(Counter.add, 2) == 2
        assert await handle.execute_update(Counter.add_slowly, 3) == 5
        assert await handle.execute_update("other", args=[1, "x"], id="mine") == [
            "other",
            "mine",
            1,
            "x",
        ]
        await handle.signal(Counter.end)
        assert await handle.result() == 5


async def test_an_updates_events_are_the_same_on_both_engines(client: Client) -> None:
    async with new_worker(client, Counter) as worker:
        handle = await client.start_workflow(
            Counter.run, id=unique("counter"), task_queue=worker.task_queue
        )
        await handle.query(Counter.number_of_calls)
        await handle.execute_update(Counter.add, 2)
        await handle.signal(Counter.end)
        await handle.result()
        assert await event_types(handle) == [
            *START,
            *TASK,
            "WorkflowExecutionUpdateAccepted",
            "WorkflowExecutionUpdateCompleted",
            "WorkflowExecutionSignaled",
            *TASK,
            "WorkflowExecutionCompleted",
        ]


async def test_a_rejected_update_leaves_no_trace(client: Client) -> None:
    async with new_worker(client, Counter) as worker:
        handle = await client.start_workflow(
            Counter.run, id=unique("counter"), task_queue=worker.task_queue
        )
        await handle.query(Counter.number_of_calls)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update(Counter.add, -1)
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.type == "Negative"
        assert await event_types(handle) == START
        await handle.terminate()


async def test_an_accepted_update_may_fail_and_the_workflow_goes_on(client: Client) -> None:
    async with new_worker(client, Counter) as worker:
        handle = await client.start_workflow(
            Counter.run, id=unique("counter"), task_queue=worker.task_queue
        )
        update = await handle.start_update(
            Counter.fail, "no luck", wait_for_stage=WorkflowUpdateStage.ACCEPTED
        )
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await update.result()
        cause = failed.value.cause
        assert isinstance(cause, ApplicationError)
        assert (cause.message, cause.type, list(cause.details)) == ("no luck", "Kind", ["detail"])
        assert await handle.execute_update(Counter.add, 1) == 1
        await handle.terminate()


async def test_an_update_that_does_not_exist_is_rejected(client: Client) -> None:
    @workflow.defn
    class Plain:
        @workflow.run
        async def run(self) -> None:
            await workflow.wait_condition(lambda: False)

    async with new_worker(client, Plain) as worker:
        handle = await client.start_workflow(
            "Plain", id=unique("plain"), task_queue=worker.task_queue
        )
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update("nothing")
        assert "has no update 'nothing'" in str(refused.value.cause)
        await handle.terminate()


async def test_updates_with_one_id_are_one_update(client: Client) -> None:
    async with new_worker(client, Counter) as worker:
        handle = await client.start_workflow(
            Counter.run, id=unique("counter"), task_queue=worker.task_queue
        )
        answers = [await handle.execute_update(Counter.add, 2, id="once") for _ in range(3)]
        assert answers == [2, 2, 2]
        assert await handle.query(Counter.number_of_calls) == 1
        found = handle.get_update_handle_for(Counter.add, "once")
        assert await found.result() == 2
        await handle.terminate()


async def test_an_update_is_waited_for_until_it_is_accepted_or_completed(client: Client) -> None:
    async with new_worker(client, Counter) as worker:
        handle = await client.start_workflow(
            Counter.run, id=unique("counter"), task_queue=worker.task_queue
        )
        update = await handle.start_update(
            Counter.wait, wait_for_stage=WorkflowUpdateStage.ACCEPTED
        )
        assert update.workflow_id == handle.id
        assert update.workflow_run_id == handle.first_execution_run_id
        with pytest.raises(WorkflowUpdateRPCTimeoutOrCancelledError):
            await update.result(rpc_timeout=timedelta(milliseconds=200))
        with pytest.raises(WorkflowUpdateRPCTimeoutOrCancelledError):
            await handle.execute_update(
                Counter.wait, id=update.id, rpc_timeout=timedelta(milliseconds=200)
            )
        await handle.signal(Counter.end)
        assert await update.result() == "waited"
        assert await handle.result() == 0


async def test_updates_at_the_same_time_are_all_answered(client: Client) -> None:
    async with new_worker(client, Counter) as worker:
        handle = await client.start_workflow(
            Counter.run, id=unique("counter"), task_queue=worker.task_queue
        )
        calls = [handle.execute_update(Counter.add_slowly, 1) for _ in range(9)]
        assert sorted(await asyncio.gather(*calls)) == list(range(1, 10))
        await handle.signal(Counter.end)
        assert await handle.result() == 9


async def test_a_replay_runs_updates_again_with_the_same_answers(client: Client) -> None:
    async with new_worker(client, Counter, max_cached_workflows=0) as worker:
        handle = await client.start_workflow(
            Counter.run, id=unique("counter"), task_queue=worker.task_queue
        )
        assert await handle.execute_update(Counter.add, 2) == 2
        assert await handle.execute_update(Counter.add_slowly, 2) == 4
        await handle.signal(Counter.end)
        assert await handle.result() == 4


async def test_an_update_of_a_closed_workflow_is_not_found(client: Client) -> None:
    async with new_worker(client, Counter) as worker:
        handle = await client.start_workflow(
            Counter.run, id=unique("counter"), task_queue=worker.task_queue
        )
        await handle.signal(Counter.end)
        await handle.result()
        with pytest.raises(RPCError) as refused:
            await handle.execute_update(Counter.add, 1)
        assert refused.value.status is RPCStatusCode.NOT_FOUND


@workflow.defn
class EndsFirst:
    def __init__(self) -> None:
        self.over = False

    @workflow.update(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def hang(self) -> None:
        self.over = True
        await workflow.wait_condition(lambda: False)

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self.over)


async def test_an_update_that_its_workflow_leaves_behind_is_an_error(client: Client) -> None:
    async with new_worker(client, EndsFirst) as worker:
        handle = await client.start_workflow(
            EndsFirst.run, id=unique("ends"), task_queue=worker.task_queue
        )
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await handle.execute_update(EndsFirst.hang)
        assert isinstance(failed.value.cause, ApplicationError)
        assert failed.value.cause.type == "AcceptedUpdateCompletedWorkflow"


# --- update with start -----------------------------------------------------------------------


def starting(
    queue: str, workflow_id: str, policy: WorkflowIDConflictPolicy
) -> WithStartWorkflowOperation[Counter, int]:
    return WithStartWorkflowOperation(
        Counter.run, id=workflow_id, task_queue=queue, id_conflict_policy=policy
    )


async def test_an_update_with_start_starts_what_is_not_there_and_updates_it(
    client: Client,
) -> None:
    async with new_worker(client, Counter) as worker:
        workflow_id = unique("with-start")
        existing = WorkflowIDConflictPolicy.USE_EXISTING
        first = starting(worker.task_queue, workflow_id, existing)
        assert (
            await client.execute_update_with_start_workflow(
                Counter.add, 2, start_workflow_operation=first
            )
            == 2
        )
        handle = await first.workflow_handle()
        again = starting(worker.task_queue, workflow_id, existing)
        update = await client.start_update_with_start_workflow(
            Counter.add,
            3,
            start_workflow_operation=again,
            wait_for_stage=WorkflowUpdateStage.COMPLETED,
        )
        assert await update.result() == 5
        same = await again.workflow_handle()
        assert same.first_execution_run_id == handle.first_execution_run_id
        await handle.signal(Counter.end)
        assert await handle.result() == 5


async def test_an_update_with_start_refuses_a_running_workflow_if_it_shall(
    client: Client,
) -> None:
    async with new_worker(client, Counter) as worker:
        handle = await client.start_workflow(
            Counter.run, id=unique("with-start"), task_queue=worker.task_queue
        )
        operation = starting(worker.task_queue, handle.id, WorkflowIDConflictPolicy.FAIL)
        with pytest.raises(WorkflowAlreadyStartedError):
            await client.execute_update_with_start_workflow(
                Counter.add, 2, start_workflow_operation=operation
            )
        with pytest.raises(WorkflowAlreadyStartedError):
            await operation.workflow_handle()
        await handle.terminate()


async def test_an_update_with_start_that_is_rejected_has_started_the_workflow(
    client: Client,
) -> None:
    async with new_worker(client, Counter) as worker:
        operation = starting(
            worker.task_queue, unique("with-start"), WorkflowIDConflictPolicy.USE_EXISTING
        )
        with pytest.raises(WorkflowUpdateFailedError):
            await client.execute_update_with_start_workflow(
                Counter.add, -1, start_workflow_operation=operation
            )
        handle = await operation.workflow_handle()
        await handle.signal(Counter.end)
        assert await handle.result() == 0
