"""Cancelling workflows and activities, and terminating: who hears of it, what is recorded."""

import asyncio
import contextlib
import time
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass.client import Client, WorkflowExecutionStatus, WorkflowFailureError
from hourglass.exceptions import ActivityError, ApplicationError, CancelledError, TerminatedError
from hourglass.service import RPCError, RPCStatusCode
from hourglass.worker import Replayer
from hourglass.workflow import ActivityCancellationType
from tests.support import START, TASK, AnyHandle, event_types, new_worker, unique

SECONDS_20 = timedelta(seconds=20)
HEARTBEAT = timedelta(seconds=2)
STARTED = 2
"""PENDING_ACTIVITY_STATE_STARTED"""


@workflow.defn
class WaitsForever:
    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)


@workflow.defn
class CleansUp:
    """Notices its cancellation, does one more step, and says so."""

    @workflow.run
    async def run(self) -> str:
        try:
            await workflow.wait_condition(lambda: False)
        except asyncio.CancelledError:
            await asyncio.shield(workflow.sleep(0.01))
            return "cleaned up"
        return "never"


async def first_task_done(handle: AnyHandle) -> None:
    """Return once the workflow has run up to its first await, and is parked there."""
    while "WorkflowTaskCompleted" not in await event_types(handle):
        pass


async def test_a_cancelled_workflow_ends_cancelled(client: Client) -> None:
    async with new_worker(client, WaitsForever) as worker:
        handle = await client.start_workflow(
            WaitsForever.run, id=unique("cancel"), task_queue=worker.task_queue
        )
        await first_task_done(handle)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert isinstance(failure.value.cause, CancelledError)
        assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED
    assert await event_types(handle) == [
        *START,
        "WorkflowExecutionCancelRequested",
        *TASK,
        "WorkflowExecutionCanceled",
    ]


async def test_a_workflow_can_catch_its_cancellation_and_finish(client: Client) -> None:
    async with new_worker(client, CleansUp) as worker:
        handle = await client.start_workflow(
            CleansUp.run, id=unique("cleanup"), task_queue=worker.task_queue
        )
        await first_task_done(handle)
        await handle.cancel()
        assert await handle.result() == "cleaned up"
    assert await event_types(handle) == [
        *START,
        "WorkflowExecutionCancelRequested",
        *TASK,
        "TimerStarted",
        "TimerFired",
        *TASK,
        "WorkflowExecutionCompleted",
    ]


async def test_a_workflow_cancelled_before_its_first_task_still_gets_to_run(client: Client) -> None:
    queue = unique("late")
    handle = await client.start_workflow(CleansUp.run, id=unique("early"), task_queue=queue)
    await handle.cancel()
    async with new_worker(client, CleansUp, task_queue=queue):
        assert await handle.result() == "cleaned up"


async def test_cancelling_a_closed_workflow_is_no_error(client: Client) -> None:
    async with new_worker(client, CleansUp) as worker:
        handle = await client.start_workflow(
            CleansUp.run, id=unique("closed"), task_queue=worker.task_queue
        )
        await handle.cancel()
        await handle.result()
        await handle.cancel()


@activity.defn
async def until_cancelled() -> str:
    """Heartbeat until cancellation comes, then report it as cancelled."""
    loop = asyncio.get_running_loop()
    try:
        while True:
            activity.heartbeat()
            ticked = loop.create_future()
            loop.call_later(0.1, ticked.set_result, None)
            await ticked
    except asyncio.CancelledError:
        activity.logger.debug("cancelled")
        raise


@activity.defn
async def ignores_cancel() -> str:
    """Swallow the cancellation and return a result."""
    loop = asyncio.get_running_loop()
    try:
        while True:
            activity.heartbeat()
            ticked = loop.create_future()
            loop.call_later(0.1, ticked.set_result, None)
            await ticked
    except asyncio.CancelledError:
        return "finished anyway"


@workflow.defn
class CancelsActivity:
    def __init__(self) -> None:
        self.go = False

    @workflow.run
    async def run(self, name: str, kind: int) -> str:
        task = workflow.start_activity(
            name,
            start_to_close_timeout=SECONDS_20,
            heartbeat_timeout=HEARTBEAT,
            cancellation_type=ActivityCancellationType(kind),
        )
        await workflow.wait_condition(lambda: self.go)
        task.cancel()
        try:
            return f"result: {await task}"
        except ActivityError as error:
            return f"error: {type(error.cause).__name__}"

    @workflow.signal
    def cancel_it(self) -> None:
        self.go = True


async def activity_started(handle: AnyHandle) -> None:
    """Return once an attempt of the workflow's activity runs at a worker."""
    while True:
        pending = (await handle.describe()).raw_description.get("pending_activities", [])
        if any(one.get("state") == STARTED for one in pending):
            return


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("until_cancelled", ActivityCancellationType.TRY_CANCEL, "error: CancelledError"),
        (
            "until_cancelled",
            ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            "error: CancelledError",
        ),
        (
            "ignores_cancel",
            ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            "result: finished anyway",
        ),
        ("ignores_cancel", ActivityCancellationType.TRY_CANCEL, "error: CancelledError"),
        ("until_cancelled", ActivityCancellationType.ABANDON, "error: CancelledError"),
    ],
    ids=["try", "wait", "wait-ignored", "try-ignored", "abandon"],
)
async def test_each_cancellation_type_of_an_activity_means_what_it_says(
    client: Client, name: str, kind: ActivityCancellationType, expected: str
) -> None:
    activities = [until_cancelled, ignores_cancel]
    async with new_worker(client, CancelsActivity, activities=activities) as worker:
        handle = await client.start_workflow(
            CancelsActivity.run,
            args=[name, int(kind)],
            id=unique("cancel-activity"),
            task_queue=worker.task_queue,
        )
        await activity_started(handle)
        await handle.signal(CancelsActivity.cancel_it)
        assert await handle.result() == expected
        types = await event_types(handle)
    assert ("ActivityTaskCancelRequested" in types) == (kind != ActivityCancellationType.ABANDON)
    waited = kind == ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
    closed = {"ActivityTaskCanceled", "ActivityTaskCompleted"} & set(types)
    assert bool(closed) == waited, types


@workflow.defn
class CancelsUnstartedActivity:
    @workflow.run
    async def run(self, queue: str) -> str:
        task = workflow.start_activity(
            "until_cancelled", task_queue=queue, start_to_close_timeout=SECONDS_20
        )
        await workflow.sleep(0.01)
        task.cancel()
        try:
            await task
        except ActivityError as error:
            return type(error.cause).__name__
        return "not cancelled"


async def test_an_activity_nobody_started_is_cancelled_at_once(client: Client) -> None:
    async with new_worker(client, CancelsUnstartedActivity) as worker:
        result = await client.execute_workflow(
            CancelsUnstartedActivity.run,
            unique("nobody"),
            id=unique("unstarted"),
            task_queue=worker.task_queue,
        )
    assert result == "CancelledError"


async def test_a_terminated_workflow_says_why_and_runs_no_more(client: Client) -> None:
    async with new_worker(client, CleansUp) as worker:
        handle = await client.start_workflow(
            CleansUp.run, id=unique("terminate"), task_queue=worker.task_queue
        )
        await first_task_done(handle)
        await handle.terminate("detail", reason="enough")
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert isinstance(failure.value.cause, TerminatedError)
        assert failure.value.cause.message == "enough"
        assert list(failure.value.cause.details) == ["detail"]
        assert (await handle.describe()).status == WorkflowExecutionStatus.TERMINATED
    assert await event_types(handle) == [*START, "WorkflowExecutionTerminated"]


async def test_terminating_twice_or_nobody_is_not_found(client: Client) -> None:
    handle = await client.start_workflow(
        "Nobody", id=unique("terminate"), task_queue=unique("nobody")
    )
    await handle.terminate()
    for victim in (handle, client.get_workflow_handle(unique("ghost"))):
        with pytest.raises(RPCError) as refused:
            await victim.terminate()
        assert refused.value.status == RPCStatusCode.NOT_FOUND


# --- cancelling and ending in one turn ---------------------------------------------------------


@activity.defn
async def hold_on() -> None:
    """Run until it is cancelled."""
    while True:
        activity.heartbeat()
        await asyncio.sleep(0.05)


@activity.defn
async def breathe() -> None:
    """Give the workflow another turn."""


@workflow.defn
class CancelsAndEnds:
    """Cancels what it started and ends in the same turn."""

    @workflow.run
    async def run(self, what: str, ending: str) -> str:
        task: asyncio.Future[Any]
        if what == "activity":
            task = workflow.start_activity(
                hold_on, start_to_close_timeout=SECONDS_20, heartbeat_timeout=HEARTBEAT
            )
        elif what == "local activity":
            task = workflow.start_local_activity(hold_on, start_to_close_timeout=SECONDS_20)
        elif what == "child":
            task = await workflow.start_child_workflow(
                WaitsForever.run, id=f"{workflow.info().workflow_id}-child"
            )
        else:
            task = asyncio.create_task(workflow.sleep(60))
        if what == "local activity":  # a timer would wait for the task's heartbeat
            await workflow.execute_local_activity(breathe, start_to_close_timeout=SECONDS_20)
        else:
            await workflow.sleep(0.01)
        task.cancel()
        if ending == "raise":
            raise ApplicationError("enough")
        if ending == "continue":
            workflow.continue_as_new(args=[what, "return"])
        return "ended"


CANCELS = {
    "activity": "ActivityTaskCancelRequested",
    "child": "RequestCancelExternalWorkflowExecutionInitiated",
    "local activity": None,
    "sleep": None,  # cancelled with its task, which has no turn any more
}


@pytest.mark.parametrize("ending", ["return", "raise", "continue"])
@pytest.mark.parametrize("what", CANCELS)
async def test_a_workflow_that_cancels_and_ends_in_one_turn_ends_then(
    client: Client, what: str, ending: str
) -> None:
    async with new_worker(
        client, CancelsAndEnds, WaitsForever, activities=[hold_on, breathe]
    ) as worker:
        began = time.monotonic()
        handle = await client.start_workflow(
            CancelsAndEnds.run, args=[what, ending], id=unique("both"), task_queue=worker.task_queue
        )
        if ending == "raise":
            with pytest.raises(WorkflowFailureError) as failure:
                await handle.result()
            assert isinstance(failure.value.cause, ApplicationError)
        else:
            assert await handle.result() == "ended"
        assert time.monotonic() - began < 15
        recorded = await event_types(handle)
        if (asked := CANCELS[what]) is not None:
            assert asked in recorded
        assert recorded[-1].startswith("WorkflowExecution")


@workflow.defn
class Abandons:
    """Lets go of an activity, and goes on until it is told to end."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    @workflow.signal
    def step(self, name: str) -> None:
        self.steps.append(name)

    @workflow.run
    async def run(self) -> list[str]:
        handle = workflow.start_activity(
            "fails-late",
            start_to_close_timeout=SECONDS_20,
            cancellation_type=ActivityCancellationType.ABANDON,
        )
        await workflow.wait_condition(lambda: "cancel" in self.steps)
        handle.cancel()
        with contextlib.suppress(ActivityError):
            await handle
        self.steps.append("abandoned")
        await workflow.wait_condition(lambda: "end" in self.steps)
        return self.steps


async def test_a_workflow_goes_on_when_an_activity_fails_that_it_has_abandoned(
    client: Client,
) -> None:
    may_fail = asyncio.Event()

    @activity.defn(name="fails-late")
    async def fails_late() -> None:
        await may_fail.wait()
        raise ApplicationError("nobody hears of it", non_retryable=True)

    async with new_worker(client, Abandons, activities=[fails_late]) as worker:
        handle = await client.start_workflow(
            Abandons.run, id=unique("abandon"), task_queue=worker.task_queue
        )
        await activity_started(handle)
        await handle.signal(Abandons.step, "cancel")
        while (await event_types(handle)).count("WorkflowTaskCompleted") < 2:
            pass
        may_fail.set()
        while "ActivityTaskFailed" not in await event_types(handle):
            pass
        await handle.signal(Abandons.step, "end")
        assert await handle.result() == ["cancel", "abandoned", "end"]
        await Replayer(workflows=[Abandons]).replay_workflow(await handle.fetch_history())
