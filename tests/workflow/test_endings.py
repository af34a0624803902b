"""How a run ends: results, failures, continue-as-new, cancellation."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass._bridge import (
    ContinueAsNewWorkflowExecution,
    RequestCancelActivity,
    ScheduleActivity,
)
from hourglass.common import RetryPolicy
from hourglass.exceptions import ActivityError, ApplicationError, CancelledError
from tests.workflow.harness import (
    QUEUE,
    Run,
    cancel,
    cancelled,
    completed,
    failure_of,
    fire,
    names,
    query,
    result_of,
    signal,
    value,
)
from tests.workflow.samples import Orders

TIMEOUT = timedelta(seconds=30)


# --- endings -----------------------------------------------------------------------------------


class OwnError(Exception):
    """A failure that only some definitions know."""


@workflow.defn(failure_exception_types=[OwnError])
class Ends:
    @workflow.run
    async def run(self, how: str) -> Any:  # noqa: C901 - a table of endings
        if how == "application":
            raise ApplicationError("no", 1, type="Kind", non_retryable=True)
        if how == "own":
            raise OwnError("mine")
        if how == "timeout":
            raise asyncio.TimeoutError
        if how == "bug":
            raise KeyError("bug")
        if how == "exit":
            raise SystemExit(3)
        if how == "cancelled":
            raise asyncio.CancelledError
        if how == "unencodable":
            return object()
        if how == "swallowed":
            try:
                workflow.continue_as_new("again")
            except Exception:
                return "swallowed"
        if how == "forgotten":
            workflow.start_activity("a", start_to_close_timeout=TIMEOUT)
            self.task = asyncio.create_task(self.later())
        return how

    async def later(self) -> None:
        await asyncio.sleep(0)
        workflow.start_activity("b", start_to_close_timeout=TIMEOUT)


@pytest.mark.parametrize(
    ("how", "kind"), [("application", "Kind"), ("own", "OwnError"), ("timeout", "TimeoutError")]
)
def test_failures_end_the_workflow(how: str, kind: str) -> None:
    assert failure_of(Run(Ends, how).start())["application_failure_info"]["type"] == kind


def test_a_cancellation_that_nobody_asked_for_is_a_failure() -> None:
    assert "canceled_failure_info" in failure_of(Run(Ends, "cancelled").start())


@pytest.mark.parametrize(
    ("how", "message"), [("bug", "'bug'"), ("exit", "3"), ("unencodable", "object")]
)
def test_a_bug_fails_the_task_and_not_the_workflow(
    how: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    completion = Run(Ends, how).start()
    assert completion.failure is not None
    assert message in completion.failure["message"]
    assert completion.commands == []
    assert "workflow task failed" in caplog.text


def test_the_worker_can_make_every_exception_a_failure() -> None:
    run = Run(Ends, "bug", failure_types=[Exception])
    assert failure_of(run.start())["application_failure_info"]["type"] == "KeyError"


def test_continue_as_new_is_no_exception_to_swallow() -> None:
    [command] = Run(Ends, "swallowed").start().commands
    assert isinstance(command, ContinueAsNewWorkflowExecution)


def test_what_was_started_and_not_awaited_is_scheduled_before_the_end() -> None:
    """S-19."""
    assert names(Run(Ends, "forgotten").start()) == [
        "ScheduleActivity",
        "ScheduleActivity",
        "CompleteWorkflowExecution",
    ]


def test_b67_an_activation_after_the_end_is_answered_with_nothing_and_runs_nothing() -> None:
    """Section 5, B-67: a second ending of one turn would keep core from reporting the first."""
    run = Run(Orders)
    assert names(run.start(signal("sync", "end")))[-1] == "CompleteWorkflowExecution"
    log = run.ask("read")
    again = run.send(signal("sync", "more"), fire(1))
    assert again.failure is None
    assert again.commands == []
    assert run.ask("read") == log


def test_a_failed_task_is_answered_again_until_the_run_is_evicted() -> None:
    run = Run(Ends, "bug")
    first = run.start()
    assert run.send(fire(1)).failure == first.failure
    assert run.evict().commands == []
    assert run.start().failure is not None


@workflow.defn(name="chain")
class Chains:
    @workflow.run
    async def run(self, number: int) -> None:
        workflow.continue_as_new(
            args=[number + 1],
            run_timeout=timedelta(seconds=9),
            memo={"k": "v"},
            retry_policy=RetryPolicy(maximum_attempts=3),
        )


def test_continue_as_new_says_only_what_changes() -> None:
    [command] = Run(Chains, 1).start().commands
    assert isinstance(command, ContinueAsNewWorkflowExecution)
    fields: Any = command.fields
    assert fields["workflow_type"] == "chain"
    assert fields["task_queue"] == QUEUE
    assert [value(argument) for argument in fields["arguments"]] == [2]
    assert fields["workflow_run_timeout"] == timedelta(seconds=9)
    assert {key: value(item) for key, item in fields["memo"].items()} == {"k": "v"}
    assert fields["retry_policy"]["maximum_attempts"] == 3
    assert "workflow_task_timeout" not in fields
    assert "search_attributes" not in fields


# --- cancellation ------------------------------------------------------------------------------


@workflow.defn
class Cancels:
    @workflow.run
    async def run(self, how: str, kind: int = 0) -> str:  # noqa: C901 - a table of reactions
        activity = workflow.ActivityConfig(
            start_to_close_timeout=TIMEOUT,
            cancellation_type=workflow.ActivityCancellationType(kind),
        )
        if how == "sleep":
            await workflow.sleep(60)
        if how == "activity":
            await workflow.execute_activity("a", **activity)
        if how == "cleanup":
            try:
                await workflow.sleep(60)
            except asyncio.CancelledError:
                await workflow.execute_activity("clean", **activity)
                raise
        if how == "catch":
            try:
                await workflow.execute_activity("a", **activity)
            except ActivityError as error:
                return f"{type(error.cause).__name__} {workflow.cancellation_reason()}"
        if how == "ignore":
            try:
                await workflow.sleep(60)
            except asyncio.CancelledError:
                return "ignored"
        if how == "handle":
            handle = workflow.start_activity("a", **activity)
            await workflow.sleep(1)
            assert handle.cancel()
            assert handle.cancel()
            assert not handle.done()
            try:
                await handle
            except ActivityError as error:
                assert not handle.cancel()
                return type(error.cause).__name__
        return "done"


def test_cancelling_a_workflow_that_sleeps_ends_it_as_cancelled() -> None:
    run = Run(Cancels, "sleep")
    run.start()
    assert names(run.send(cancel())) == ["CancelTimer", "CancelWorkflowExecution"]


def test_a_workflow_cancelled_as_it_starts_gets_to_its_first_await() -> None:
    assert names(Run(Cancels, "sleep").start(cancel())) == [
        "StartTimer",
        "CancelTimer",
        "CancelWorkflowExecution",
    ]


@pytest.mark.parametrize("kind", list(workflow.ActivityCancellationType))
def test_cancelling_a_workflow_cancels_the_activity_it_waits_for(kind: int) -> None:
    run = Run(Cancels, "activity", int(kind))
    [scheduled] = run.start().commands
    assert isinstance(scheduled, ScheduleActivity)
    assert scheduled.cancellation_type == kind
    if kind == workflow.ActivityCancellationType.ABANDON:
        assert names(run.send(cancel())) == ["CancelWorkflowExecution"]  # nobody is asked
        return
    assert names(run.send(cancel())) == ["RequestCancelActivity"]
    assert names(run.send(cancelled(1))) == ["CancelWorkflowExecution"]


def test_an_activity_that_completed_before_its_cancellation_gives_its_result() -> None:
    run = Run(Cancels, "activity")
    run.start()
    run.send(cancel())
    assert result_of(run.send(completed(1))) == "done"


def test_cleanup_after_a_cancellation_may_wait() -> None:
    run = Run(Cancels, "cleanup")
    run.start()
    assert names(run.send(cancel())) == ["CancelTimer", "ScheduleActivity"]
    assert names(run.send(completed(1))) == ["CancelWorkflowExecution"]


def test_a_cancelled_activity_is_an_activity_error_with_its_cause() -> None:
    run = Run(Cancels, "catch")
    run.start()
    run.send(cancel("why not"))
    assert result_of(run.send(cancelled(1))) == f"{CancelledError.__name__} why not"


def test_a_workflow_may_ignore_its_cancellation() -> None:
    run = Run(Cancels, "ignore")
    run.start()
    assert result_of(run.send(cancel())) == "ignored"


def test_a_handle_asks_for_cancellation_once_and_ends_as_history_says() -> None:
    run = Run(Cancels, "handle")
    run.start()
    [command] = run.send(fire(1)).commands
    assert command == RequestCancelActivity(1)
    assert result_of(run.send(cancelled(1))) == "CancelledError"


def test_a_failed_task_is_logged_with_whose_it_is(caplog: pytest.LogCaptureFixture) -> None:
    Run(Ends, "bug").start()
    [record] = [one for one in caplog.records if "workflow task failed" in one.message]
    details: dict[str, object] = getattr(record, "temporal_workflow", {})
    assert details["workflow_id"] == "workflow-id"
    assert details["run_id"] == "run"


@workflow.defn
class LogsInAQuery:
    @workflow.query
    def ask(self) -> None:
        workflow.logger.warning("asked")

    @workflow.run
    async def run(self) -> None:
        workflow.logger.warning("run")
        await workflow.wait_condition(lambda: False)


def test_the_logger_speaks_in_queries_also_after_a_replay(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = Run(LogsInAQuery)
    run.start(replaying=True)
    run.send(query("ask"), replaying=True)
    assert [record.message.partition(" (")[0] for record in caplog.records] == ["asked"]
