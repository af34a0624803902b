"""Replay of recorded histories.

``greeting.json``: a Temporal server's record of a timer, then an activity::

    1 WorkflowExecutionStarted   6 TimerFired                  11 ActivityTaskStarted
    2 WorkflowTaskScheduled      7 WorkflowTaskScheduled       12 ActivityTaskCompleted
    3 WorkflowTaskStarted        8 WorkflowTaskStarted         13 WorkflowTaskScheduled
    4 WorkflowTaskCompleted      9 WorkflowTaskCompleted       14 WorkflowTaskStarted
    5 TimerStarted              10 ActivityTaskScheduled       15 WorkflowTaskCompleted
                                                               16 WorkflowExecutionCompleted
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass._bridge import History, Runtime
from hourglass.converter import DataConverter
from hourglass.exceptions import NondeterminismError
from hourglass.workflow._runtime.replay import ReplayResult, replay
from hourglass.workflow._runtime.runner import WorkflowRunner
from tests.conftest import ROOT

SECONDS_10 = timedelta(seconds=10)


@pytest.fixture(scope="module")
def runtime() -> Iterator[Runtime]:
    runtime = Runtime()
    yield runtime
    runtime.close()


def greeting() -> History:
    path = ROOT / "tests" / "histories" / "greeting.json"
    return History.from_json("greeting", path.read_text(encoding="utf-8"))


async def greet(name: str) -> Any:
    return await workflow.execute_activity("greet", name, start_to_close_timeout=SECONDS_10)


@workflow.defn(name="Greets")
class Same:
    @workflow.run
    async def run(self, name: str) -> Any:
        await workflow.sleep(0.2)
        return await greet(name)


@workflow.defn(name="Greets")
class Changed:
    @workflow.run
    async def run(self, name: str) -> Any:
        return await greet(name)


@workflow.defn(name="Greets")
class Patched:
    @workflow.run
    async def run(self, name: str) -> Any:
        if not workflow.patched("no nap"):
            await workflow.sleep(0.2)
        return await greet(name)


@workflow.defn(name="Greets")
class Broken:
    @workflow.run
    async def run(self, name: str) -> Any:
        raise KeyError("a bug")


@workflow.defn(name="Other")
class Other:
    @workflow.run
    async def run(self) -> None: ...


def replay_with(runtime: Runtime, cls: type, *histories: History) -> list[ReplayResult]:
    runner = WorkflowRunner(
        [cls], task_queue="replay", namespace="replay", data_converter=DataConverter()
    )
    results = list(replay(histories, runner, runtime=runtime))
    assert runner.cached() == 0
    return results


def test_the_code_that_made_a_history_fits_it(runtime: Runtime) -> None:
    results = replay_with(runtime, Same, greeting(), greeting())
    assert [(len(result.history), result.failure) for result in results] == [
        (len(greeting()), None)
    ] * 2


def test_changed_code_does_not_fit(runtime: Runtime) -> None:
    """B-57: the unguarded body fails."""
    [result] = replay_with(runtime, Changed, greeting())
    assert isinstance(result.failure, NondeterminismError)
    assert "TMPRL1100" in str(result.failure)


def test_changed_code_behind_a_patch_fits(runtime: Runtime) -> None:
    """B-57: a history from before the patch goes through the patched body."""
    [result] = replay_with(runtime, Patched, greeting())
    assert result.failure is None


def test_a_bug_is_told_apart_from_nondeterminism(runtime: Runtime) -> None:
    [result] = replay_with(runtime, Broken, greeting())
    assert result.failure is not None
    assert not isinstance(result.failure, NondeterminismError)
    assert "a bug" in str(result.failure)


def test_a_type_that_is_not_registered_is_named(runtime: Runtime) -> None:
    [result] = replay_with(runtime, Other, greeting())
    assert "'Greets' is not registered" in str(result.failure)


def test_one_bad_history_does_not_spoil_the_next(runtime: Runtime) -> None:
    runner = WorkflowRunner(
        [Changed], task_queue="replay", namespace="replay", data_converter=DataConverter()
    )
    results = list(replay([greeting(), greeting()], runner, runtime=runtime))
    assert [type(result.failure) for result in results] == [NondeterminismError] * 2


def test_a_replay_may_be_stopped_early(runtime: Runtime) -> None:
    runner = WorkflowRunner(
        [Same], task_queue="replay", namespace="replay", data_converter=DataConverter()
    )
    results = replay((greeting() for _ in range(100)), runner, runtime=runtime)
    assert next(results).failure is None
    results.close()  # type: ignore[attr-defined]
