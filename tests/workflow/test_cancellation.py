"""Cancellation is never lost: what history swallows comes again at the task's next wait."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass._bridge import CancelTimer, OtherJob, StartTimer
from hourglass.exceptions import ActivityError
from hourglass.workflow import ActivityCancellationType
from tests.workflow.harness import (
    Run,
    cancel,
    cancelled,
    completed,
    failed,
    failure_of,
    fire,
    names,
    payload,
    result_of,
)

LIMIT = timedelta(seconds=30)
WAIT = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
PROGRAMS: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {}


def program(fn: Callable[[], Coroutine[Any, Any, Any]]) -> Callable[[], Coroutine[Any, Any, Any]]:
    PROGRAMS[fn.__name__] = fn
    return fn


@workflow.defn
class Runs:
    @workflow.run
    async def run(self, name: str) -> Any:
        return await PROGRAMS[name]()


async def act(name: str = "a") -> Any:
    return await workflow.execute_activity(
        name, start_to_close_timeout=LIMIT, cancellation_type=WAIT
    )


def child_started() -> OtherJob:
    fields = {"seq": 1, "succeeded": {"run_id": "r"}}
    return OtherJob(variant="resolve_child_workflow_execution_start", fields=fields)


def child_ended(result: Any = None) -> OtherJob:
    fields = {"seq": 1, "result": {"completed": {"result": payload(result)}}}
    return OtherJob(variant="resolve_child_workflow_execution", fields=fields)


# --- swallowed by history ----------------------------------------------------------------------


@program
async def loops() -> None:
    while True:
        await act()


@program
async def loops_over_errors() -> None:
    while True:
        with contextlib.suppress(ActivityError):
            await act()


@program
async def loops_in_tasks() -> None:
    async def twice() -> None:
        await asyncio.create_task(act())

    while True:
        await asyncio.create_task(twice())


def test_a_loop_over_activities_that_end_in_spite_of_their_cancellation_ends() -> None:
    run = Run(Runs, "loops")
    run.start()
    assert names(run.send(cancel())) == ["RequestCancelActivity"]
    assert names(run.send(completed(1))) == [
        "ScheduleActivity",
        "RequestCancelActivity",
        "CancelWorkflowExecution",
    ]


def test_a_loop_over_tasks_that_end_in_spite_of_their_cancellation_ends() -> None:
    run = Run(Runs, "loops_in_tasks")
    run.start()
    assert names(run.send(cancel())) == ["RequestCancelActivity"]
    assert names(run.send(completed(1))) == ["CancelWorkflowExecution"]


def test_a_loop_that_catches_activity_errors_is_told_of_its_cancellation() -> None:
    run = Run(Runs, "loops_over_errors")
    run.start()
    assert names(run.send(cancel())) == ["RequestCancelActivity"]
    assert names(run.send(completed(1))) == [
        "ScheduleActivity",
        "RequestCancelActivity",
        "CancelWorkflowExecution",
    ]


@program
async def cleans_up_after_an_error() -> str:
    try:
        await act()
    except ActivityError:
        await act()
        return "clean"
    return "never"


def test_what_cleans_up_after_an_activity_that_failed_when_cancelled_is_let_finish() -> None:
    run = Run(Runs, "cleans_up_after_an_error")
    run.start()
    assert names(run.send(cancel())) == ["RequestCancelActivity"]
    assert names(run.send(failed(1))) == ["ScheduleActivity"]
    assert result_of(run.send(completed(2))) == "clean"


@program
async def starts_a_child() -> str:
    await workflow.start_child_workflow("Child", id="child")
    await workflow.wait_condition(lambda: False)
    return "never"


@program
async def executes_a_child() -> Any:
    await workflow.execute_child_workflow("Child", id="child")
    await workflow.sleep(60)


def test_a_cancellation_during_the_start_of_a_child_comes_once_it_has_started() -> None:
    run = Run(Runs, "starts_a_child")
    run.start()
    assert names(run.send(cancel())) == ["OtherCommand"]
    assert names(run.send(child_started())) == ["CancelWorkflowExecution"]


def test_a_cancellation_that_a_child_outlives_comes_at_the_next_wait() -> None:
    run = Run(Runs, "executes_a_child")
    run.start()
    assert names(run.send(cancel())) == ["OtherCommand"]
    assert names(run.send(child_started())) == []
    assert names(run.send(child_ended())) == [
        "StartTimer",
        "CancelTimer",
        "CancelWorkflowExecution",
    ]


@pytest.mark.parametrize("name", ["starts_a_child", "executes_a_child"])
@pytest.mark.parametrize("cancelled_first", [True, False])
def test_a_cancellation_with_the_start_of_a_child_in_one_activation_is_not_lost(
    name: str, cancelled_first: bool
) -> None:
    run = Run(Runs, name)
    run.start()
    jobs = [cancel(), child_started()]
    commands = names(run.send(*(jobs if cancelled_first else jobs[::-1])))
    if name == "starts_a_child" or cancelled_first:
        assert commands == ["CancelWorkflowExecution"]
    else:
        assert commands == ["OtherCommand"]  # the child is asked


@program
async def waits_then_sleeps() -> str:
    value = await act()
    await workflow.sleep(60)
    return str(value)


@program
async def waits_in_a_task_then_sleeps() -> None:
    await asyncio.create_task(act())
    await workflow.sleep(60)


@program
async def waits_with_a_limit_then_sleeps() -> None:
    await asyncio.wait_for(act(), 1000)
    await workflow.sleep(60)


@program
async def gathers_then_sleeps() -> None:
    await asyncio.gather(act(), act())
    await workflow.sleep(60)


@pytest.mark.parametrize(
    "name",
    ["waits_then_sleeps", "waits_in_a_task_then_sleeps", "waits_with_a_limit_then_sleeps"],
)
@pytest.mark.parametrize("cancelled_first", [True, False])
def test_a_cancellation_that_meets_a_completion_is_not_lost(
    name: str, cancelled_first: bool
) -> None:
    run = Run(Runs, name)
    run.start()
    jobs = [cancel(), completed(1)]
    commands = names(run.send(*(jobs if cancelled_first else jobs[::-1])))
    assert commands[-1] == "CancelWorkflowExecution"


def test_a_gather_that_is_cancelled_is_cancelled_once_its_members_have_ended() -> None:
    run = Run(Runs, "gathers_then_sleeps")
    run.start()
    assert names(run.send(cancel())) == ["RequestCancelActivity"] * 2
    assert names(run.send(completed(1))) == []
    assert names(run.send(completed(2))) == ["CancelWorkflowExecution"]


# --- what must not come twice ------------------------------------------------------------------


@program
async def cleans_up() -> str:
    try:
        await act()
        await act("second")
    except asyncio.CancelledError:
        await act("cleanup")
        await workflow.sleep(1)
        return "clean"
    return "never"


def test_a_cancellation_that_was_delivered_does_not_come_again() -> None:
    run = Run(Runs, "cleans_up")
    run.start()
    run.send(cancel())
    assert names(run.send(completed(1))) == [
        "ScheduleActivity",
        "RequestCancelActivity",
        "ScheduleActivity",
    ]
    assert names(run.send(cancelled(2))) == []  # what core says of the second
    assert names(run.send(completed(3))) == ["StartTimer"]
    assert result_of(run.send(fire(1))) == "clean"


@program
async def cancels_before_it_is_sent() -> str:
    handle = workflow.start_activity("a", start_to_close_timeout=LIMIT)
    assert handle.cancel()
    assert handle.done()
    try:
        await handle
    except asyncio.CancelledError:
        return "cancelled"
    return "never"


@program
async def cancels_a_local_one_before_it_is_sent() -> str:
    handle = workflow.start_local_activity("a", start_to_close_timeout=LIMIT)
    assert handle.cancel()
    try:
        await handle
    except asyncio.CancelledError:
        return "cancelled"
    return "never"


def test_an_activity_that_is_cancelled_before_it_was_sent_is_cancelled_as_a_task_is() -> None:
    completion = Run(Runs, "cancels_before_it_is_sent").start()
    assert names(completion)[:2] == ["ScheduleActivity", "RequestCancelActivity"]
    assert result_of(completion) == "cancelled"
    assert result_of(Run(Runs, "cancels_a_local_one_before_it_is_sent").start()) == "cancelled"


@program
async def swallows() -> str:
    async def stubborn() -> str:
        try:
            await workflow.sleep(60)
        except asyncio.CancelledError:
            return "swallowed"
        return "never"

    result = await asyncio.create_task(stubborn())
    await workflow.sleep(1)
    return result


def test_a_cancellation_that_code_swallows_stays_swallowed_as_in_asyncio() -> None:
    run = Run(Runs, "swallows")
    run.start()
    assert names(run.send(cancel())) == ["CancelTimer", "StartTimer"]
    assert result_of(run.send(fire(2))) == "swallowed"


@program
async def cancels_a_handle_itself() -> str:
    handle = workflow.start_activity("a", start_to_close_timeout=LIMIT, cancellation_type=WAIT)
    await workflow.sleep(1)
    handle.cancel()
    value = await handle
    await workflow.sleep(1)
    return str(value)


def test_cancelling_a_handle_cancels_no_task() -> None:
    run = Run(Runs, "cancels_a_handle_itself")
    run.start()
    assert names(run.send(fire(1))) == ["RequestCancelActivity"]
    assert names(run.send(completed(1, "value"))) == ["StartTimer"]
    assert result_of(run.send(fire(2))) == "value"


# --- deadlines ---------------------------------------------------------------------------------


@program
async def limited() -> str:
    try:
        value = await asyncio.wait_for(act(), 10)
    except asyncio.TimeoutError:
        await workflow.sleep(1)
        return "too late"
    await workflow.sleep(1)
    return str(value)


def test_b60_a_value_that_comes_after_the_deadline_is_too_late() -> None:
    """B-60."""
    run = Run(Runs, "limited")
    run.start()
    assert names(run.send(fire(1))) == ["RequestCancelActivity"]
    assert names(run.send(completed(1, "value"))) == ["StartTimer"]
    assert result_of(run.send(fire(2))) == "too late"


@pytest.mark.parametrize(("fired_first", "result"), [(True, "too late"), (False, "value")])
def test_b58_b60_the_first_on_record_wins_when_one_activation_has_both(
    fired_first: bool, result: str
) -> None:
    """B-58, B-60: a deadline against a result."""
    run = Run(Runs, "limited")
    run.start()
    jobs = [fire(1), completed(1, "value")]
    run.send(*(jobs if fired_first else jobs[::-1]))
    assert result_of(run.send(fire(2))) == result


@program
async def condition_with_a_limit() -> str:
    done: list[Any] = []

    async def fill() -> None:
        done.append(await act())

    task = asyncio.create_task(fill())
    try:
        await workflow.wait_condition(lambda: bool(done), timeout=10)
    except asyncio.TimeoutError:
        return "too late"
    finally:
        await task
    return "in time"


@pytest.mark.parametrize(("fired_first", "result"), [(True, "too late"), (False, "in time")])
def test_b60_a_condition_that_held_before_its_deadline_is_in_time(
    fired_first: bool, result: str
) -> None:
    """B-60: a deadline against what makes a condition true."""
    run = Run(Runs, "condition_with_a_limit")
    assert names(run.start()) == ["StartTimer", "ScheduleActivity"]
    jobs = [fire(1), completed(1, "value")]
    completion = run.send(*(jobs if fired_first else jobs[::-1]))
    assert result_of(completion) == result


@program
async def nested_limits() -> list[str]:
    """The outer limit is the shorter one; the inner code waits for a timer and an activity."""
    log: list[str] = []

    async def inner() -> None:
        try:
            await asyncio.wait_for(asyncio.gather(workflow.sleep(60), act()), 50)
        except asyncio.CancelledError:
            log.append("inner aborted")
            raise
        except asyncio.TimeoutError:
            log.append("inner timed out")

    try:
        await asyncio.wait_for(inner(), 5)
    except asyncio.TimeoutError:
        log.append("outer timed out")
    return log


def test_b61_a_shorter_outer_limit_ends_what_is_inside_and_each_timer_once() -> None:
    """B-61."""
    run = Run(Runs, "nested_limits")
    started = run.start().commands
    assert [one.seq for one in started if isinstance(one, StartTimer)] == [1, 2, 3]
    completion = run.send(fire(1))  # the outer one
    assert result_of(completion) == ["inner aborted", "outer timed out"]
    ended = [one.seq for one in completion.commands if isinstance(one, CancelTimer)]
    assert sorted(ended) == [2, 3]
    assert "RequestCancelActivity" in names(completion)


@program
async def computes_under_a_limit() -> list[str]:
    log: list[str] = []

    async def body() -> str:
        log.append(await act())
        log.append(str(sum(range(100_000))))  # the deadline is over: nothing interrupts this
        await workflow.sleep(60)
        return "never"

    try:
        log.append(await asyncio.wait_for(body(), 5))
    except asyncio.TimeoutError:
        log.append("timed out")
    return log


@program
async def computes_to_its_end_under_a_limit() -> list[str]:
    log: list[str] = []

    async def body() -> str:
        log.append(await act())
        return str(sum(range(100_000)))

    try:
        log.append(await asyncio.wait_for(body(), 5))
    except asyncio.TimeoutError:
        log.append("timed out")
    return log


def test_b62_a_deadline_is_reported_where_the_body_waits_next() -> None:
    """B-62: the activity's end is before the deadline in history, the computation after both."""
    run = Run(Runs, "computes_under_a_limit")
    run.start()
    completion = run.send(completed(1, "value"), fire(1))
    assert names(completion)[:2] == ["StartTimer", "CancelTimer"]
    assert result_of(completion) == ["value", "4999950000", "timed out"]


def test_b62_a_body_that_returns_before_it_waits_again_is_in_time() -> None:
    """B-62."""
    run = Run(Runs, "computes_to_its_end_under_a_limit")
    run.start()
    assert result_of(run.send(completed(1, "value"), fire(1))) == ["value", "4999950000"]


# --- task groups -------------------------------------------------------------------------------

if sys.version_info >= (3, 11):

    @program
    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(act("one"))
            tasks.create_task(act("two"))

    @program
    async def group_with_a_body() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(act("one"))
            await act("body")
            await workflow.sleep(60)

    def test_a_task_group_with_a_failed_member_fails_the_workflow() -> None:
        run = Run(Runs, "group")
        run.start()
        assert names(run.send(failed(1))) == ["RequestCancelActivity"]
        failure = failure_of(run.send(cancelled(2)))
        assert "unhandled errors in a TaskGroup" in failure["message"]

    def test_a_task_group_that_is_cancelled_ends_the_workflow_as_cancelled() -> None:
        run = Run(Runs, "group")
        run.start()
        assert names(run.send(cancel())) == ["RequestCancelActivity"] * 2
        assert names(run.send(cancelled(1), cancelled(2))) == ["CancelWorkflowExecution"]

    def test_a_task_group_whose_body_gets_its_value_ends_when_a_member_has_failed() -> None:
        run = Run(Runs, "group_with_a_body")
        assert names(run.start()) == ["ScheduleActivity", "ScheduleActivity"]
        assert names(run.send(failed(2))) == ["RequestCancelActivity"]
        completion = run.send(completed(1))
        assert names(completion) == ["StartTimer", "CancelTimer", "FailWorkflowExecution"]

    @program
    async def group_with_a_bug() -> None:
        async def bug() -> None:
            raise KeyError("a bug")

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(bug())

    def test_a_bug_in_a_task_group_fails_the_task_as_any_bug_does() -> None:
        assert Run(Runs, "group_with_a_bug").start().failure is not None
