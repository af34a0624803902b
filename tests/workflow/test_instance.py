"""One run: the order of jobs, conditions, durations."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass._bridge import WorkflowActivation
from hourglass.exceptions import ActivityError
from tests.workflow.harness import (
    Run,
    completed,
    failed,
    fire,
    names,
    query,
    result_of,
    signal,
    value,
)
from tests.workflow.samples import ManyActivities, Orders

TIMEOUT = timedelta(seconds=30)


# --- the order of jobs -------------------------------------------------------------------------


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


def test_b69_sleep_of_zero_is_a_timer_and_yields() -> None:
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
def test_b69_b79_a_bad_duration_raises_before_anything_is_recorded(
    duration: Any, error: str
) -> None:
    """B-69, B-79."""
    completion = Run(Sleeps, duration).start()
    assert result_of(completion) == error
    assert len(completion.commands) == 1


@workflow.defn
class Started:
    @workflow.run
    async def run(self) -> list[str]:
        return [workflow.info().start_time.isoformat(), workflow.now().isoformat()]


def test_times_are_exact_to_the_microsecond() -> None:
    """A float of seconds is not: it is rounded, up to the next microsecond."""
    run = Run(Started)
    activation = WorkflowActivation(
        run_id="run",
        timestamp=1_700_000_000.123457,
        timestamp_ns=1_700_000_000_123_456_789,
        is_replaying=False,
        history_length=3,
        history_size_bytes=100,
        jobs=[run.init],
    )
    exact = "2023-11-14T22:13:20.123456+00:00"
    assert result_of(run.runner.evaluate(activation)) == [exact, exact]
