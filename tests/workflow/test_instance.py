"""One run: the order of jobs, conditions, endings, cancellation, eviction."""

from __future__ import annotations

import asyncio
import gc
import logging
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass._bridge import (
    CancelWorkflowExecution,
    CompleteWorkflowExecution,
    ContinueAsNewWorkflowExecution,
    FailWorkflowExecution,
    RequestCancelActivity,
    ScheduleActivity,
    UpdateRandomSeed,
)
from hourglass.common import RetryPolicy
from hourglass.exceptions import ActivityError, ApplicationError, CancelledError
from tests.workflow.harness import (
    QUEUE,
    Run,
    cancel,
    cancelled,
    completed,
    failed,
    fire,
    names,
    query,
    signal,
    value,
)

TIMEOUT = timedelta(seconds=30)


def result_of(completion: Any) -> Any:
    """Decode the result of a run that completed."""
    assert completion.failure is None, completion.failure
    command = completion.commands[-1]
    assert isinstance(command, CompleteWorkflowExecution), command
    return value(command.result)


def failure_of(completion: Any) -> dict[str, Any]:
    """Read the failure of a run that failed."""
    assert completion.failure is None, completion.failure
    command = completion.commands[-1]
    assert isinstance(command, FailWorkflowExecution), command
    return dict(command.failure)


# --- the order of jobs -------------------------------------------------------------------------


@workflow.defn
class Orders:
    """Writes down in which order things happen."""

    def __init__(self) -> None:
        self.log: list[str] = ["init"]

    @workflow.signal
    def sync(self, word: str) -> None:
        self.log.append(f"sync {word}")

    @workflow.signal
    async def slow(self, word: str) -> None:
        self.log.append(f"slow {word}")
        await workflow.sleep(1)
        self.log.append(f"slow {word} done")

    @workflow.query
    def read(self) -> list[str]:
        return self.log

    @workflow.run
    async def run(self) -> list[str]:
        self.log.append("run")
        await workflow.wait_condition(lambda: "sync end" in self.log)
        self.log.append("over")
        return self.log


def test_signals_run_before_the_run_method_and_before_resolutions() -> None:
    run = Run(Orders)
    run.start(signal("slow", "a"), signal("sync", "b"))
    assert run.ask("read") == ["init", "slow a", "sync b", "run"]
    run.send(fire(1), signal("sync", "c"))
    assert run.ask("read") == ["init", "slow a", "sync b", "run", "sync c", "slow a done"]


def test_a_query_in_the_same_activation_sees_what_the_other_jobs_did() -> None:
    completion = Run(Orders).start(signal("sync", "b"), query("read"))
    [answer] = completion.commands
    assert value(answer.response) == ["init", "sync b", "run"]  # type: ignore[union-attr]


def test_out_of_order_jobs_of_one_activation_are_put_in_order() -> None:
    run = Run(Orders)
    completion = run.send(query("read"), signal("sync", "b"), run.init)
    assert value(completion.commands[-1].response) == ["init", "sync b", "run"]  # type: ignore[union-attr]


@workflow.defn
class ManyActivities:
    @workflow.run
    async def run(self) -> list[int]:
        handles = [
            workflow.start_activity(f"a{n}", start_to_close_timeout=TIMEOUT) for n in range(3)
        ]
        return await asyncio.gather(*(self.follow(handle) for handle in handles))

    async def follow(self, handle: workflow.ActivityHandle[int]) -> int:
        result = await handle
        await workflow.sleep(result)
        return result


def test_resolutions_in_another_order_keep_results_and_ids_of_activities() -> None:
    """Section 5: gather gives input order; ids were fixed when the activities were scheduled."""
    first, second = Run(ManyActivities), Run(ManyActivities)
    started = [run.start() for run in (first, second)]
    assert started[0].commands == started[1].commands
    first.send(completed(1, 10), completed(2, 20), completed(3, 30))
    second.send(completed(3, 30))
    second.send(completed(1, 10), completed(2, 20))
    results = [result_of(run.send(fire(1), fire(2), fire(3))) for run in (first, second)]
    assert results == [[10, 20, 30], [10, 20, 30]]


@workflow.defn
class FailsFirst:
    @workflow.run
    async def run(self) -> str:
        try:
            await asyncio.gather(
                *(
                    workflow.execute_activity(f"a{n}", start_to_close_timeout=TIMEOUT)
                    for n in range(3)
                )
            )
        except ActivityError as error:
            return str(error.cause)
        return "none"


def test_gather_fails_by_the_first_failure_that_history_has() -> None:
    run = Run(FailsFirst)
    run.start()
    assert result_of(run.send(failed(2, "second"), failed(1, "first"))).endswith("second")


# --- conditions --------------------------------------------------------------------------------


@workflow.defn
class Conditions:
    def __init__(self) -> None:
        self.value = 0
        self.log: list[str] = []

    @workflow.signal
    def set(self, value: int) -> None:
        self.value = value

    @workflow.run
    async def run(self, kind: str) -> Any:
        return await getattr(self, kind)()

    async def chained(self) -> list[str]:
        async def wait(least: int) -> None:
            await workflow.wait_condition(lambda: self.value >= least)
            self.log.append(str(least))
            self.value = least + 1

        await asyncio.gather(wait(3), wait(1), wait(2))
        return self.log

    async def timed(self) -> str:
        try:
            await workflow.wait_condition(
                lambda: self.value > 0, timeout=5, timeout_summary="at most"
            )
        except asyncio.TimeoutError:
            return "timeout"
        return "in time"

    async def no_time(self) -> list[str]:
        await workflow.wait_condition(lambda: True, timeout=0)
        try:
            await workflow.wait_condition(lambda: False, timeout=timedelta(seconds=-3))
        except asyncio.TimeoutError:
            return ["timeout"]
        return []

    async def raising(self) -> str:
        try:
            await workflow.wait_condition(lambda: 1 // self.value > 5)
        except ZeroDivisionError as error:
            return str(error)
        return "none"

    async def meddling(self) -> str:
        try:
            await workflow.wait_condition(lambda: bool(workflow.uuid4()))
        except workflow.ReadOnlyContextError as error:
            return str(error)
        return "none"

    async def unbounded(self) -> None:
        await workflow.wait_condition(lambda: self.value > 0, timeout=float("nan"))


def test_conditions_are_asked_in_the_order_of_the_waits_after_every_drain() -> None:
    run = Run(Conditions, "chained")
    assert names(run.start()) == []
    assert result_of(run.send(signal("set", 1))) == ["1", "2", "3"]


def test_a_condition_that_holds_cancels_its_timer() -> None:
    """S-20."""
    run = Run(Conditions, "timed")
    [timer] = run.start().commands
    assert value(timer.summary) == "at most"  # type: ignore[union-attr]
    assert names(run.send(signal("set", 1))) == ["CancelTimer", "CompleteWorkflowExecution"]


def test_a_condition_times_out_when_the_timer_comes_first() -> None:
    run = Run(Conditions, "timed")
    run.start()
    assert result_of(run.send(fire(1))) == "timeout"


def test_a_signal_in_the_activation_of_the_timeout_still_counts() -> None:
    run = Run(Conditions, "timed")
    run.start()
    assert result_of(run.send(fire(1), signal("set", 1))) == "in time"


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("no_time", ["timeout"]),
        ("raising", "integer division or modulo by zero"),
        (
            "meddling",
            "a wait_condition predicate only looks at the workflow, it can't draw a random number",
        ),
    ],
)
def test_a_condition_can_fail_its_waiter(kind: str, result: Any) -> None:
    completion = Run(Conditions, kind).start()
    assert result_of(completion) == result
    assert len(completion.commands) == 1


def test_a_timeout_that_is_no_duration_fails_the_task_with_nothing_recorded() -> None:
    completion = Run(Conditions, "unbounded").start()
    assert completion.failure is not None
    assert completion.commands == []


# --- durations ---------------------------------------------------------------------------------


@workflow.defn
class Sleeps:
    @workflow.run
    async def run(self, duration: Any) -> str:
        if duration == "overflow":
            duration = timedelta.max
        try:
            await workflow.sleep(duration, summary="nap")
        except (TypeError, ValueError) as error:
            return type(error).__name__
        return "slept"


def test_sleep_of_zero_is_a_timer_and_yields() -> None:
    """B-69."""
    run = Run(Sleeps, 0)
    [timer] = run.start().commands
    assert timer.start_to_fire_timeout == timedelta(0)  # type: ignore[union-attr]
    assert value(timer.summary) == "nap"  # type: ignore[union-attr]
    assert result_of(run.send(fire(1))) == "slept"


@pytest.mark.parametrize(
    ("duration", "error"),
    [
        (-1, "ValueError"),
        (-0.001, "ValueError"),
        (float("nan"), "ValueError"),
        (float("inf"), "ValueError"),
        (2**63, "ValueError"),
        (2**64, "ValueError"),
        (10**400, "ValueError"),
        (253_402_300_799.0, "ValueError"),
        ("overflow", "ValueError"),
        ("abc", "TypeError"),
        (None, "TypeError"),
        (True, "TypeError"),
    ],
)
def test_a_bad_duration_raises_before_anything_is_recorded(duration: Any, error: str) -> None:
    """B-69, B-79."""
    completion = Run(Sleeps, duration).start()
    assert result_of(completion) == error
    assert len(completion.commands) == 1


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


def test_an_activation_after_the_end_gets_the_end_again_and_runs_nothing() -> None:
    """Section 5, B-67."""
    run = Run(Orders)
    first = run.start(signal("sync", "end"))
    log = run.ask("read")
    again = run.send(signal("sync", "more"), fire(1))
    assert again.commands == first.commands
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
    assert names(run.send(cancel())) == ["RequestCancelActivity"]
    [end] = run.send(cancelled(1)).commands
    assert isinstance(end, CancelWorkflowExecution)


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


# --- eviction ----------------------------------------------------------------------------------

torn_down: list[str] = []


@asynccontextmanager
async def resource() -> AsyncIterator[None]:
    try:
        yield
    finally:
        torn_down.append("resource")
        await asyncio.sleep(1)
        torn_down.append("never")


@workflow.defn
class Stubborn:
    """Does in ``finally`` all that code of an evicted run must not get to do."""

    @workflow.signal
    async def hang(self) -> None:
        await asyncio.Event().wait()

    @workflow.run
    async def run(self, how: str) -> None:
        if how == "unstarted":
            asyncio.create_task(asyncio.sleep(1))  # noqa: RUF006 - the loop keeps it
            raise KeyError("the task fails before the other coroutine starts")
        if how == "resource":
            async with resource():
                await workflow.sleep(60)
        while True:
            try:
                await workflow.sleep(60)
            except BaseException:
                if how == "for ever":
                    continue
                if how == "raise":
                    raise ValueError("on the way out") from None
                raise
            finally:
                if how == "act":
                    torn_down.append("finally")
                    workflow.logger.error("on the way out")
                    await asyncio.sleep(0)
                    await workflow.execute_activity("a", start_to_close_timeout=TIMEOUT)
                    torn_down.append("never")
                if how == "gather":
                    await asyncio.gather(self.hang(), self.hang())


@pytest.mark.parametrize(
    ("how", "seen"),
    [
        ("plain", []),
        ("act", ["finally"]),
        ("raise", []),
        ("gather", []),
        ("resource", ["resource"]),
        ("unstarted", []),
    ],
)
def test_eviction_tears_a_run_down_without_effect_and_without_a_word(
    how: str, seen: list[str], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """S-4."""
    torn_down.clear()
    run = Run(Stubborn, how)
    run.start(signal("hang"))
    caplog.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        completion = run.evict()
        gc.collect()
    assert completion.failure is None
    assert completion.commands == []
    assert run.runner.cached() == 0
    assert torn_down == seen
    assert [record for record in caplog.records if record.levelno >= logging.INFO] == []
    assert capfd.readouterr().err == ""


def test_code_that_refuses_to_end_is_left_behind_and_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = Run(Stubborn, "for ever")
    run.start()
    assert run.evict().commands == []
    assert "does not let go" in caplog.text


def test_an_evicted_run_that_ended_is_answered_with_nothing() -> None:
    """S-4: eviction before the terminal check."""
    run = Run(Orders)
    run.start(signal("sync", "end"))
    assert run.evict().commands == []


def test_a_run_that_is_evicted_and_rebuilt_goes_on_the_same() -> None:
    def history(run: Run) -> list[Any]:
        return [run.start(signal("slow", "a")), run.send(signal("sync", "b")), run.send(fire(1))]

    whole, broken = Run(Orders), Run(Orders)
    expected = history(whole)
    broken.start(signal("slow", "a"))
    broken.evict()
    broken.time = 1_700_000_000.0
    assert [item.SerializeToString() for item in history(broken)] == [
        item.SerializeToString() for item in expected
    ]
    assert broken.ask("read") == whole.ask("read")


# --- randomness --------------------------------------------------------------------------------


@workflow.defn
class Random:
    def __init__(self) -> None:
        self.seen: list[Any] = []

    @workflow.query
    def read(self) -> list[Any]:
        return self.seen

    @workflow.run
    async def run(self) -> None:
        while True:
            number = workflow.random().random()
            self.seen.append([number, str(workflow.uuid4()), workflow.new_random().random()])
            await workflow.sleep(1)


def test_random_values_come_from_the_seed_alone() -> None:
    """S-18: not from the run id."""
    runs = [Run(Random, seed=7), Run(Random, seed=7, run_id="other"), Run(Random, seed=8)]
    for run in runs:
        run.start()
        run.send(fire(1))
    seen = [run.ask("read") for run in runs]
    assert seen[0] == seen[1] != seen[2]
    assert seen[0][0] != seen[0][1]


def test_a_new_seed_starts_a_new_sequence() -> None:
    """S-18: after a reset the values change."""
    run, fresh = Run(Random, seed=7), Run(Random, seed=8)
    fresh.start()
    run.start()
    run.send(UpdateRandomSeed(randomness_seed=8), fire(1))
    assert run.ask("read")[1] == fresh.ask("read")[0]


def test_the_same_activation_on_the_same_state_gives_the_same_bytes() -> None:
    completions = []
    for _ in range(2):
        run = Run(ManyActivities)
        sent = [run.start(), run.send(completed(2, 5), completed(1, 3))]
        completions.append([completion.SerializeToString() for completion in sent])
    assert completions[0] == completions[1]
