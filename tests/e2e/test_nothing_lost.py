"""Cancellations that history swallows, meddling queries, and updates that leave no trace: live."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from hourglass.exceptions import ApplicationError, CancelledError
from hourglass.worker import Replayer
from tests.support import AnyHandle, event_types, new_worker, unique

SECONDS_20 = timedelta(seconds=20)
WAIT = workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED


async def replay(handle: AnyHandle, *workflows: type) -> None:
    """Replay the run's history; raises what does not fit."""
    await Replayer(workflows=workflows).replay_workflow(await handle.fetch_history())


async def recorded(handle: AnyHandle, wanted: str, count: int = 1) -> None:
    """Return once the history has so many events of this type."""
    while (await event_types(handle)).count(wanted) < count:
        pass


@activity.defn
async def stubborn() -> str:
    """End well in spite of a cancellation."""
    try:
        while True:
            activity.heartbeat()
            await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        return "done all the same"


@activity.defn
async def fails() -> None:
    raise ApplicationError("as it is told", non_retryable=True)


@workflow.defn
class Waits:
    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)


async def work() -> str:
    return await workflow.execute_activity(
        stubborn,
        start_to_close_timeout=SECONDS_20,
        heartbeat_timeout=timedelta(seconds=1),
        cancellation_type=WAIT,
    )


@workflow.defn
class Swallows:
    """Has its cancellation swallowed by what it waits for."""

    @workflow.run
    async def run(self, how: str) -> str:
        if how == "loop":
            while True:
                await work()
        if how == "start":
            await workflow.start_child_workflow(
                Waits.run,
                id=f"{workflow.info().workflow_id}-child",
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            )
            await workflow.wait_condition(lambda: False)
        if how == "group" and sys.version_info >= (3, 11):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(work())
                tasks.create_task(work())
        return "never"


@pytest.mark.parametrize("how", ["loop", "group"] if sys.version_info >= (3, 11) else ["loop"])
async def test_a_cancelled_workflow_ends_whatever_its_activities_make_of_it(
    client: Client, how: str
) -> None:
    async with new_worker(client, Swallows, activities=[stubborn]) as worker:
        handle = await client.start_workflow(
            Swallows.run, how, id=unique("swallow"), task_queue=worker.task_queue
        )
        await recorded(handle, "ActivityTaskScheduled", 2 if how == "group" else 1)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert isinstance(failure.value.cause, CancelledError)
        await replay(handle, Swallows)


async def test_cancellations_during_the_start_of_a_child_end_the_parent(client: Client) -> None:
    """At fifteen moments: before the start is asked for, on its way, and after."""
    async with new_worker(client, Swallows, Waits) as worker:
        handles: list[AnyHandle] = []
        for number in range(15):
            handle: AnyHandle = await client.start_workflow(
                Swallows.run, "start", id=unique("start"), task_queue=worker.task_queue
            )
            handles.append(handle)
            if number >= 5:
                await recorded(handle, "StartChildWorkflowExecutionInitiated")
            await handle.cancel()
        for handle in handles:
            with pytest.raises(WorkflowFailureError) as failure:
                await handle.result()
            assert isinstance(failure.value.cause, CancelledError)
            await replay(handle, Swallows)


if sys.version_info >= (3, 11):

    @workflow.defn
    class Groups:
        @workflow.run
        async def run(self) -> None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(work())
                tasks.create_task(
                    workflow.execute_activity(fails, start_to_close_timeout=SECONDS_20)
                )

    async def test_a_task_group_with_a_failed_member_fails_its_workflow(client: Client) -> None:
        async with new_worker(client, Groups, activities=[stubborn, fails]) as worker:
            handle = await client.start_workflow(
                Groups.run, id=unique("group"), task_queue=worker.task_queue
            )
            with pytest.raises(WorkflowFailureError) as failure:
                await handle.result()
            assert "unhandled errors in a TaskGroup" in str(failure.value.cause)
            await replay(handle, Groups)


# --- queries -----------------------------------------------------------------------------------


@workflow.defn
class Meddled:
    """Waits for two signals in ways that a query can get hold of."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.queue: asyncio.Queue[str] = asyncio.Queue()
        self.event = asyncio.Event()
        self.reach: dict[str, Any] = {}

    @workflow.signal
    def go(self) -> None:
        self.queue.put_nowait("go")
        self.event.set()

    @workflow.query
    def meddle(self, what: str) -> None:
        MEDDLING[what](self)

    @workflow.run
    async def run(self) -> list[str]:
        loop = asyncio.get_running_loop()
        self.reach["call"] = loop.call_later(0.5, self.calls.append, "called")
        self.reach["sleeper"] = asyncio.create_task(workflow.sleep(0.5))
        self.reach["waiter"] = asyncio.create_task(self.event.wait())
        got = await self.queue.get()
        await self.reach["sleeper"]
        await self.reach["waiter"]
        await workflow.wait_condition(lambda: len(self.calls) > 0)
        return [got, *self.calls]


MEDDLING: dict[str, Callable[[Meddled], object]] = {
    "cancel a call": lambda self: self.reach["call"].cancel(),
    "cancel a sleeper": lambda self: self.reach["sleeper"].cancel(),
    "cancel a waiter": lambda self: self.reach["waiter"].cancel(),
    "set an event": lambda self: self.event.set(),
    "put into a queue": lambda self: self.queue.put_nowait("from a query"),
}


@pytest.mark.parametrize("what", MEDDLING)
async def test_b64_a_meddling_query_is_refused_and_leaves_no_trace(
    client: Client, what: str
) -> None:
    """B-64: zero events, and the run goes on as one that was never asked."""
    async with new_worker(client, Meddled) as worker:
        handle = await client.start_workflow(
            Meddled.run, id=unique("meddle"), task_queue=worker.task_queue
        )
        await recorded(handle, "TimerStarted", 2)
        before = await event_types(handle)
        with pytest.raises(WorkflowQueryFailedError, match="only looks at the workflow"):
            await handle.query(Meddled.meddle, what)
        assert (await event_types(handle))[: len(before)] == before
        await handle.signal(Meddled.go)
        assert await handle.result() == ["go", "called"]
        await replay(handle, Meddled)
    assert "WorkflowTaskFailed" not in await event_types(handle)


# --- updates -----------------------------------------------------------------------------------


@workflow.defn
class Times:
    """Has a condition that comes true with time, which a rejected update would let it see."""

    @workflow.update
    def add(self, number: int) -> int:
        return number

    @add.validator
    def check(self, number: int) -> None:
        if number < 0:
            raise ApplicationError("negative")

    @workflow.signal
    def nudge(self) -> None: ...

    @workflow.run
    async def run(self) -> str:
        begun = workflow.now()
        await workflow.wait_condition(lambda: workflow.now() > begun)
        await workflow.execute_activity(fine, start_to_close_timeout=SECONDS_20)
        return "done"


@activity.defn
async def fine() -> None: ...


async def test_a_rejected_update_lets_no_condition_see_the_time(client: Client) -> None:
    async with new_worker(client, Times, activities=[fine]) as worker:
        handle = await client.start_workflow(
            Times.run, id=unique("times"), task_queue=worker.task_queue
        )
        await recorded(handle, "WorkflowTaskCompleted")
        for _ in range(3):
            with pytest.raises(WorkflowUpdateFailedError):
                await handle.execute_update(Times.add, -1)
        assert "ActivityTaskScheduled" not in await event_types(handle)
        await handle.signal(Times.nudge)
        assert await handle.result() == "done"
        await replay(handle, Times)
        assert (await handle.describe()).status == WorkflowExecutionStatus.COMPLETED
