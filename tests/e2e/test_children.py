"""Children and other workflows: started, awaited, signalled, cancelled, left behind."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass.client import Client, WorkflowExecutionStatus, WorkflowFailureError
from hourglass.common import WorkflowIDReusePolicy
from hourglass.exceptions import (
    ApplicationError,
    CancelledError,
    ChildWorkflowError,
    TerminatedError,
    TimeoutError,  # noqa: A004
    WorkflowAlreadyStartedError,
)
from hourglass.workflow import ChildWorkflowCancellationType, ParentClosePolicy
from tests.support import START, TASK, event_types, new_worker, unique

WAITS = ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED


@workflow.defn
class Doubles:
    @workflow.run
    async def run(self, number: int) -> int:
        if number < 0:
            raise ApplicationError("negative", type="Negative", non_retryable=True)
        return number * 2


@workflow.defn
class Listens:
    """Ends when it is told to, or is cancelled."""

    def __init__(self) -> None:
        self.word = ""

    @workflow.signal
    def tell(self, word: str) -> None:
        self.word = word

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: bool(self.word))
        return self.word


@workflow.defn
class Parent:
    @workflow.run
    async def run(self, number: int) -> Any:
        info = workflow.info()
        handle = await workflow.start_child_workflow(
            Doubles.run, number, id=f"{info.workflow_id}-child", static_summary="doubles"
        )
        return [handle.id, await handle]


async def test_a_child_starts_runs_and_returns(client: Client) -> None:
    async with new_worker(client, Parent, Doubles) as worker:
        handle = await client.start_workflow(
            Parent.run, 21, id=unique("parent"), task_queue=worker.task_queue
        )
        assert await handle.result() == [f"{handle.id}-child", 42]
        assert await event_types(handle) == [
            *START,
            "StartChildWorkflowExecutionInitiated",
            "ChildWorkflowExecutionStarted",
            *TASK,
            "ChildWorkflowExecutionCompleted",
            *TASK,
            "WorkflowExecutionCompleted",
        ]
        child = await client.get_workflow_handle(f"{handle.id}-child").describe()
        assert (child.parent_id, child.root_id) == (handle.id, handle.id)
        assert child.status is WorkflowExecutionStatus.COMPLETED


async def test_a_child_that_fails_fails_its_parent_with_its_cause(client: Client) -> None:
    async with new_worker(client, Parent, Doubles) as worker:
        handle = await client.start_workflow(
            Parent.run, -1, id=unique("parent"), task_queue=worker.task_queue
        )
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
    error = failure.value.cause
    assert isinstance(error, ChildWorkflowError)
    assert (error.workflow_id, error.workflow_type) == (f"{handle.id}-child", "Doubles")
    assert isinstance(error.cause, ApplicationError)
    assert (error.cause.type, error.cause.message) == ("Negative", "negative")


@workflow.defn
class StartsTaken:
    @workflow.run
    async def run(self, child: str) -> str:
        try:
            await workflow.start_child_workflow(
                Listens.run, id=child, id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE
            )
        except WorkflowAlreadyStartedError as error:
            return f"{error.workflow_id} {error.workflow_type}"
        return "started"


async def test_a_child_whose_id_is_taken_is_a_typed_error(client: Client) -> None:
    async with new_worker(client, StartsTaken, Listens) as worker:
        queue = worker.task_queue
        taken = await client.start_workflow(Listens.run, id=unique("taken"), task_queue=queue)
        handle = await client.start_workflow(
            StartsTaken.run, taken.id, id=unique("parent"), task_queue=queue
        )
        assert await handle.result() == f"{taken.id} Listens"
        assert await event_types(handle) == [
            *START,
            "StartChildWorkflowExecutionInitiated",
            "StartChildWorkflowExecutionFailed",
            *TASK,
            "WorkflowExecutionCompleted",
        ]
        await taken.terminate()


@workflow.defn
class TalksToChild:
    @workflow.run
    async def run(self, word: str) -> str:
        handle = await workflow.start_child_workflow(Listens.run)
        await handle.signal(Listens.tell, word)
        return await handle


async def test_a_parent_signals_its_child(client: Client) -> None:
    async with new_worker(client, TalksToChild, Listens) as worker:
        handle = await client.start_workflow(
            TalksToChild.run, "stop", id=unique("parent"), task_queue=worker.task_queue
        )
        assert await handle.result() == "stop"


@workflow.defn
class Cancels:
    """Starts a child, cancels it, and says what it saw."""

    @workflow.run
    async def run(self, kind: int) -> list[str]:
        child = f"{workflow.info().workflow_id}-child"
        handle = await workflow.start_child_workflow(
            Listens.run, id=child, cancellation_type=ChildWorkflowCancellationType(kind)
        )
        handle.cancel("enough")
        try:
            await handle
        except ChildWorkflowError as error:
            return [type(error).__name__, type(error.cause).__name__]
        return []


@pytest.mark.parametrize("kind", list(ChildWorkflowCancellationType))
async def test_every_cancellation_type_ends_the_wait(
    client: Client, kind: ChildWorkflowCancellationType
) -> None:
    async with new_worker(client, Cancels, Listens) as worker:
        handle = await client.start_workflow(
            Cancels.run, int(kind), id=unique("cancels"), task_queue=worker.task_queue
        )
        assert await handle.result() == ["ChildWorkflowError", "CancelledError"]
        events = await event_types(handle)
        asked = "RequestCancelExternalWorkflowExecutionInitiated" in events
        assert asked is (kind is not ChildWorkflowCancellationType.ABANDON)
        if kind is WAITS:
            assert "ChildWorkflowExecutionCanceled" in events


@workflow.defn
class Waits:
    @workflow.run
    async def run(self) -> str:
        return await workflow.execute_child_workflow(
            Listens.run, id=f"{workflow.info().workflow_id}-child"
        )


async def running(client: Client, workflow_id: str) -> None:
    """Wait until a workflow runs."""
    while True:
        try:
            await client.get_workflow_handle(workflow_id).describe()
        except Exception:
            await asyncio.sleep(0.02)
        else:
            return


async def test_cancelling_a_parent_cancels_its_child(client: Client) -> None:
    async with new_worker(client, Waits, Listens) as worker:
        handle = await client.start_workflow(
            Waits.run, id=unique("waits"), task_queue=worker.task_queue
        )
        await running(client, f"{handle.id}-child")
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert isinstance(failure.value.cause, CancelledError)
        with pytest.raises(WorkflowFailureError) as child:
            await client.get_workflow_handle(f"{handle.id}-child").result()
        assert isinstance(child.value.cause, CancelledError)


async def test_a_terminated_child_says_so(client: Client) -> None:
    async with new_worker(client, Waits, Listens) as worker:
        handle = await client.start_workflow(
            Waits.run, id=unique("waits"), task_queue=worker.task_queue
        )
        await running(client, f"{handle.id}-child")
        await client.get_workflow_handle(f"{handle.id}-child").terminate()
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
    error = failure.value.cause
    assert isinstance(error, ChildWorkflowError)
    assert isinstance(error.cause, TerminatedError)


@workflow.defn
class TimesOut:
    @workflow.run
    async def run(self) -> str:
        try:
            await workflow.execute_child_workflow(
                Listens.run, run_timeout=timedelta(milliseconds=500)
            )
        except ChildWorkflowError as error:
            assert isinstance(error.cause, TimeoutError)
            return "timed out"
        return ""


async def test_a_child_that_takes_too_long_says_so(client: Client) -> None:
    async with new_worker(client, TimesOut, Listens) as worker:
        result = await client.execute_workflow(
            TimesOut.run, id=unique("times-out"), task_queue=worker.task_queue
        )
    assert result == "timed out"


@workflow.defn
class LeavesBehind:
    @workflow.run
    async def run(self, policy: int) -> None:
        await workflow.start_child_workflow(
            Listens.run,
            id=f"{workflow.info().workflow_id}-child",
            parent_close_policy=ParentClosePolicy(policy),
        )


@pytest.mark.parametrize(
    ("policy", "status"),
    [
        (ParentClosePolicy.TERMINATE, WorkflowExecutionStatus.TERMINATED),
        (ParentClosePolicy.REQUEST_CANCEL, WorkflowExecutionStatus.CANCELED),
        (ParentClosePolicy.ABANDON, WorkflowExecutionStatus.COMPLETED),
    ],
)
async def test_what_becomes_of_a_child_whose_parent_ends_is_its_policys_to_say(
    client: Client, policy: ParentClosePolicy, status: WorkflowExecutionStatus
) -> None:
    async with new_worker(client, LeavesBehind, Listens) as worker:
        handle = await client.start_workflow(
            LeavesBehind.run, int(policy), id=unique("leaves"), task_queue=worker.task_queue
        )
        await handle.result()
        child = client.get_workflow_handle(f"{handle.id}-child")
        if policy is ParentClosePolicy.ABANDON:
            await child.signal(Listens.tell, "go")
            assert await child.result() == "go"
        else:
            with pytest.raises(WorkflowFailureError):
                await child.result()
        assert (await child.describe()).status is status


@workflow.defn
class Nested:
    @workflow.run
    async def run(self, depth: int) -> list[str | None]:
        info = workflow.info()
        seen = [info.root.workflow_id if info.root else None]
        if depth:
            seen += await workflow.execute_child_workflow(Nested.run, depth - 1)
        return seen


async def test_the_root_of_a_chain_of_children_is_the_first(client: Client) -> None:
    async with new_worker(client, Nested) as worker:
        handle = await client.start_workflow(
            Nested.run, 2, id=unique("nested"), task_queue=worker.task_queue
        )
        assert set(await handle.result()) <= {handle.id, None}
        assert (await handle.result())[1:] == [handle.id] * 2


# --- external workflows ----------------------------------------------------------------------


@workflow.defn
class TalksToOther:
    @workflow.run
    async def run(self, other: str, how: str) -> str:
        handle = workflow.get_external_workflow_handle_for(Listens.run, other)
        try:
            if how == "signal":
                await handle.signal(Listens.tell, "from outside")
            else:
                await handle.cancel(reason="from outside")
        except ApplicationError as error:
            return error.message
        return how


async def test_a_workflow_signals_another(client: Client) -> None:
    async with new_worker(client, TalksToOther, Listens) as worker:
        queue = worker.task_queue
        other = await client.start_workflow(Listens.run, id=unique("other"), task_queue=queue)
        handle = await client.start_workflow(
            TalksToOther.run, args=[other.id, "signal"], id=unique("talks"), task_queue=queue
        )
        assert await handle.result() == "signal"
        assert await other.result() == "from outside"
        assert await event_types(handle) == [
            *START,
            "SignalExternalWorkflowExecutionInitiated",
            "ExternalWorkflowExecutionSignaled",
            *TASK,
            "WorkflowExecutionCompleted",
        ]


async def test_a_workflow_cancels_another(client: Client) -> None:
    async with new_worker(client, TalksToOther, Listens) as worker:
        queue = worker.task_queue
        other = await client.start_workflow(Listens.run, id=unique("other"), task_queue=queue)
        handle = await client.start_workflow(
            TalksToOther.run, args=[other.id, "cancel"], id=unique("talks"), task_queue=queue
        )
        assert await handle.result() == "cancel"
        with pytest.raises(WorkflowFailureError) as failure:
            await other.result()
        assert isinstance(failure.value.cause, CancelledError)


@pytest.mark.parametrize("how", ["signal", "cancel"])
async def test_a_workflow_that_does_not_exist_is_a_typed_error(client: Client, how: str) -> None:
    async with new_worker(client, TalksToOther) as worker:
        result = await client.execute_workflow(
            TalksToOther.run,
            args=[unique("nobody"), how],
            id=unique("talks"),
            task_queue=worker.task_queue,
        )
    assert "not found" in result
