"""A workflow id over its life: starting, starting again, continuing as new, describing."""

import dataclasses
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from hourglass import _bridge, exceptions, workflow
from hourglass.client import (
    Client,
    WorkflowContinuedAsNewError,
    WorkflowExecutionStatus,
    WorkflowFailureError,
)
from hourglass.common import RetryPolicy, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from hourglass.exceptions import ApplicationError, TerminatedError, WorkflowAlreadyStartedError
from hourglass.service import RPCError, RPCStatusCode
from tests.support import START, TASK, event_types, history_events, new_worker, unique


@workflow.defn
class WaitsForEnd:
    def __init__(self) -> None:
        self.ended = False

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self.ended)
        return workflow.info().run_id

    @workflow.signal
    def end(self) -> None:
        self.ended = True


@dataclasses.dataclass
class Progress:
    left: int
    done: int = 0


@workflow.defn
class CountsDown:
    @workflow.run
    async def run(self, progress: Progress) -> int:
        if progress.left:
            workflow.continue_as_new(Progress(progress.left - 1, progress.done + 1))
        return progress.done


async def test_continue_as_new_starts_a_new_run_and_results_follow_it(client: Client) -> None:
    async with new_worker(client, CountsDown) as worker:
        handle = await client.start_workflow(
            CountsDown.run, Progress(3), id=unique("can"), task_queue=worker.task_queue
        )
        assert await handle.result() == 3
        first = client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
        with pytest.raises(WorkflowContinuedAsNewError) as continued:
            await first.result(follow_runs=False)
    assert continued.value.new_execution_run_id != handle.first_execution_run_id
    assert await event_types(first) == [*START, "WorkflowExecutionContinuedAsNew"]
    latest = client.get_workflow_handle(handle.id)
    assert await event_types(latest) == [*START, "WorkflowExecutionCompleted"]
    started = (await history_events(latest))[0]["workflowExecutionStartedEventAttributes"]
    assert started["firstExecutionRunId"] == handle.first_execution_run_id


async def test_a_running_id_can_not_be_started_again(client: Client) -> None:
    async with new_worker(client, WaitsForEnd) as worker:
        handle = await client.start_workflow(
            WaitsForEnd.run, id=unique("twice"), task_queue=worker.task_queue
        )
        with pytest.raises(WorkflowAlreadyStartedError) as refused:
            await client.start_workflow(WaitsForEnd.run, id=handle.id, task_queue=worker.task_queue)
        assert refused.value.workflow_id == handle.id
        assert refused.value.run_id == handle.first_execution_run_id
        await handle.signal(WaitsForEnd.end)
        await handle.result()


async def test_use_existing_returns_the_running_run(client: Client) -> None:
    async with new_worker(client, WaitsForEnd) as worker:
        handle = await client.start_workflow(
            WaitsForEnd.run, id=unique("existing"), task_queue=worker.task_queue
        )
        again = await client.start_workflow(
            WaitsForEnd.run,
            id=handle.id,
            task_queue=worker.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        await again.signal(WaitsForEnd.end)
        assert await again.result() == handle.first_execution_run_id


async def test_terminate_existing_replaces_the_running_run(client: Client) -> None:
    async with new_worker(client, WaitsForEnd) as worker:
        old = await client.start_workflow(
            WaitsForEnd.run, id=unique("replace"), task_queue=worker.task_queue
        )
        new = await client.start_workflow(
            WaitsForEnd.run,
            id=old.id,
            task_queue=worker.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
        )
        first = client.get_workflow_handle(old.id, run_id=old.first_execution_run_id)
        with pytest.raises(WorkflowFailureError) as failure:
            await first.result()
        assert isinstance(failure.value.cause, TerminatedError)
        await new.signal(WaitsForEnd.end)
        assert await new.result() == new.first_execution_run_id


@pytest.mark.parametrize(
    ("policy", "terminated", "allowed"),
    [
        (WorkflowIDReusePolicy.ALLOW_DUPLICATE, False, True),
        (WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY, False, False),
        (WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY, True, True),
        (WorkflowIDReusePolicy.REJECT_DUPLICATE, True, False),
    ],
    ids=["allow", "failed-only-completed", "failed-only-terminated", "reject"],
)
async def test_a_closed_id_is_reused_as_its_policy_says(
    client: Client, policy: WorkflowIDReusePolicy, terminated: bool, allowed: bool
) -> None:
    async with new_worker(client, WaitsForEnd) as worker:
        workflow_id, queue = unique("reuse"), worker.task_queue
        handle = await client.start_workflow(WaitsForEnd.run, id=workflow_id, task_queue=queue)
        if terminated:
            await handle.terminate()
        else:
            await handle.signal(WaitsForEnd.end)
            await handle.result()
        if allowed:
            again = await client.start_workflow(
                WaitsForEnd.run, id=workflow_id, task_queue=queue, id_reuse_policy=policy
            )
            assert again.first_execution_run_id != handle.first_execution_run_id
            await again.terminate()
        else:
            with pytest.raises(WorkflowAlreadyStartedError):
                await client.start_workflow(
                    WaitsForEnd.run, id=workflow_id, task_queue=queue, id_reuse_policy=policy
                )


def test_one_request_id_starts_one_run(target: str) -> None:
    runtime = _bridge.Runtime()
    try:
        if target.startswith("sqlite:"):
            path = target.removeprefix("sqlite://")[1:] or None
            engine = _bridge.Engine.open(runtime, path).wait()
            client = _bridge.Client.connect(runtime, engine=engine).wait()
        else:
            client = _bridge.Client.connect(runtime, target_url=f"http://{target}").wait()
        request: dict[str, Any] = {
            "workflow_id": unique("dedupe"),
            "workflow_type": {"name": "Any"},
            "task_queue": {"name": unique("nobody")},
            "request_id": str(uuid.uuid4()),
        }
        runs = {client.start_workflow(request).wait(10) for _ in range(3)}
        assert len(runs) == 1
        with pytest.raises(_bridge.BridgeError, match=r"(?i)already") as refused:
            client.start_workflow({**request, "request_id": str(uuid.uuid4())}).wait(10)
        assert refused.value.status == RPCStatusCode.ALREADY_EXISTS
    finally:
        runtime.close()


async def test_a_start_delay_postpones_the_first_task(client: Client) -> None:
    async with new_worker(client, CountsDown) as worker:
        handle = await client.start_workflow(
            CountsDown.run,
            Progress(0),
            id=unique("delay"),
            task_queue=worker.task_queue,
            start_delay=timedelta(seconds=1),
        )
        assert await event_types(handle) == ["WorkflowExecutionStarted"]
        assert await handle.result() == 0
    events = await history_events(handle)
    started, scheduled = (datetime.fromisoformat(e["eventTime"][:19]) for e in events[:2])
    assert (scheduled - started).total_seconds() >= 1
    assert await event_types(handle) == [*START, "WorkflowExecutionCompleted"]


async def test_describe_tells_where_a_workflow_stands(client: Client) -> None:
    async with new_worker(client, WaitsForEnd) as worker:
        handle = await client.start_workflow(
            WaitsForEnd.run,
            id=unique("describe"),
            task_queue=worker.task_queue,
            memo={"note": "kept"},
        )
        running = await handle.describe()
        assert running.status == WorkflowExecutionStatus.RUNNING
        assert (running.id, running.run_id) == (handle.id, handle.first_execution_run_id)
        assert (running.workflow_type, running.task_queue) == ("WaitsForEnd", worker.task_queue)
        assert running.close_time is None
        assert await running.memo() == {"note": "kept"}
        await handle.signal(WaitsForEnd.end)
        await handle.result()
        closed = await handle.describe()
    assert closed.status == WorkflowExecutionStatus.COMPLETED
    assert closed.close_time is not None
    assert running.start_time <= closed.close_time <= datetime.now(timezone.utc)
    assert closed.history_length == len(await event_types(handle))


async def test_describing_an_unknown_workflow_is_not_found(client: Client) -> None:
    with pytest.raises(RPCError) as refused:
        await client.get_workflow_handle(unique("ghost")).describe()
    assert refused.value.status == RPCStatusCode.NOT_FOUND


async def test_history_is_paged_to_the_end(client: Client) -> None:
    async with new_worker(client, WaitsForEnd) as worker:
        handle = await client.start_workflow(
            WaitsForEnd.run, id=unique("pages"), task_queue=worker.task_queue
        )
        for _ in range(300):
            await handle.signal("noted")
        await handle.signal(WaitsForEnd.end)
        await handle.result()
    events = await history_events(handle)
    assert [int(event["eventId"]) for event in events] == list(range(1, len(events) + 1))
    assert len(events) > 300


@workflow.defn
class FailsTwice:
    @workflow.run
    async def run(self) -> int:
        attempt = workflow.info().attempt
        if attempt < 3:
            raise ApplicationError(f"attempt {attempt}")
        return attempt


async def test_a_workflow_with_a_retry_policy_runs_again(client: Client) -> None:
    async with new_worker(client, FailsTwice) as worker:
        result = await client.execute_workflow(
            FailsTwice.run,
            id=unique("workflow-retry"),
            task_queue=worker.task_queue,
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=20)),
        )
    assert result == 3


async def test_without_a_retry_policy_the_failure_is_the_result(client: Client) -> None:
    async with new_worker(client, FailsTwice) as worker:
        handle = await client.start_workflow(
            FailsTwice.run, id=unique("fail"), task_queue=worker.task_queue
        )
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
    assert isinstance(failure.value.cause, ApplicationError)
    assert failure.value.cause.message == "attempt 1"
    assert await event_types(handle) == [*START, "WorkflowExecutionFailed"]


async def test_a_run_timeout_ends_the_workflow_without_asking_it(client: Client) -> None:
    async with new_worker(client, WaitsForEnd) as worker:
        handle = await client.start_workflow(
            WaitsForEnd.run,
            id=unique("run-timeout"),
            task_queue=worker.task_queue,
            run_timeout=timedelta(seconds=1),
        )
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert isinstance(failure.value.cause, exceptions.TimeoutError)
        assert (await handle.describe()).status == WorkflowExecutionStatus.TIMED_OUT
    assert await event_types(handle) == [*START, "WorkflowExecutionTimedOut"]


class RecoversOnce:
    """Remembers, outside the workflow, that it stumbled already."""

    failed = False


@workflow.defn
class Stumbles:
    @workflow.run
    async def run(self) -> str:
        if not RecoversOnce.failed:
            RecoversOnce.failed = True
            raise RuntimeError("a bug, fixed meanwhile")
        return "recovered"


async def test_an_unexpected_exception_fails_the_task_and_it_is_tried_again(
    client: Client,
) -> None:
    RecoversOnce.failed = False
    async with new_worker(client, Stumbles) as worker:
        handle = await client.start_workflow(
            Stumbles.run, id=unique("stumble"), task_queue=worker.task_queue
        )
        assert await handle.result() == "recovered"
    types = await event_types(handle)
    assert types[:4] == [*START[:3], "WorkflowTaskFailed"]
    assert types[4:] == [*TASK, "WorkflowExecutionCompleted"]
