"""Runs that are let go of: their code ends where it can't act, in whatever way they go."""

from __future__ import annotations

import asyncio
import gc
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass.workflow import NotInWorkflowError
from tests.workflow.harness import Run, fire, names, result_of, signal

LIMIT = timedelta(seconds=9)
seen: list[Any] = []
LABEL: ContextVar[str] = ContextVar("label", default="outside")


@workflow.defn
class Releases:
    """Does in ``finally`` what the run it belongs to must do and no other."""

    @workflow.run
    async def run(self) -> None:
        try:
            await workflow.sleep(3600)
        finally:
            seen.append("finally")
            await workflow.execute_activity("release", start_to_close_timeout=LIMIT)


@workflow.defn
class Collects:
    """Has the garbage collector run in the middle of its own code."""

    @workflow.run
    async def run(self) -> str:
        gc.collect()
        await workflow.sleep(1)
        gc.collect()
        return "done"


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    seen.clear()


def _start_and_drop(run_id: str, in_a_cycle: bool) -> None:
    run = Run(Releases, run_id=run_id)
    run.start()
    if in_a_cycle:
        setattr(run.runner, "itself", run.runner)  # noqa: B010 - it has no such member


@pytest.mark.parametrize("in_a_cycle", [False, True])
def test_runs_of_a_runner_that_is_dropped_act_in_no_other_run(in_a_cycle: bool) -> None:
    other = Run(Collects)
    for number in range(3):
        _start_and_drop(f"dropped-{number}", in_a_cycle)
    assert names(other.start()) == ["StartTimer"]
    completion = other.send(fire(1))
    assert result_of(completion) == "done"
    assert names(completion) == ["CompleteWorkflowExecution"]
    after = Run(Collects, run_id="after")  # a runner in a cycle may have gone only now
    assert names(after.start()) == ["StartTimer"]
    assert seen == ["finally"] * 3


def test_all_runs_of_a_worker_that_stops_are_ended_at_once_and_without_effect() -> None:
    run = Run(Releases)
    run.start()
    other = Run(Releases, run_id="other", runner=run.runner)
    other.start()
    run.runner.evict_all()
    assert seen == ["finally"] * 2
    assert run.runner.cached() == 0


@workflow.defn
class EndsItsWorker:
    @workflow.run
    async def run(self) -> None:
        try:
            runner.evict_all()
            await workflow.sleep(3600)
        finally:
            seen.append("finally")
            await workflow.execute_activity("release", start_to_close_timeout=LIMIT)


runner: Any


def test_a_run_that_is_being_evaluated_is_cut_off_and_ended_when_its_code_comes_back() -> None:
    global runner  # noqa: PLW0603 - what the workflow reaches
    run = Run(EndsItsWorker)
    runner = run.runner
    assert run.start().commands == []
    assert seen == ["finally"]
    assert run.runner.cached() == 0


@workflow.defn
class Labels:
    """Sets a context variable and puts it back in ``finally``."""

    @workflow.signal
    async def also(self) -> None:
        await self.run()

    @workflow.run
    async def run(self) -> None:
        token = LABEL.set("inside")
        try:
            await workflow.sleep(3600)
        finally:
            seen.append((LABEL.get(), workflow.unsafe.is_replaying()))
            LABEL.reset(token)
            seen.append("reset")


def test_the_finally_of_an_evicted_run_runs_in_the_context_of_its_task() -> None:
    run = Run(Labels)
    run.start(signal("also"))
    run.evict()
    assert seen == [("inside", True), "reset"] * 2
    assert LABEL.get() == "outside"


# --- what one run holds and another uses -------------------------------------------------------

shared: dict[str, Any] = {}


@workflow.defn
class Lends:
    @workflow.run
    async def run(self) -> str:
        shared["future"] = asyncio.get_running_loop().create_future()
        shared["future"].add_done_callback(lambda _: None)
        shared["activity"] = workflow.start_activity("a", start_to_close_timeout=LIMIT)
        shared["loop"] = asyncio.get_running_loop()
        shared["task"] = asyncio.create_task(asyncio.sleep(60))
        await workflow.sleep(3600)
        return "done"


BORROWED: dict[str, tuple[str, str, tuple[Any, ...]]] = {
    "wakes a future": ("future", "set_result", (None,)),
    "cancels an activity": ("activity", "cancel", ()),
    "cancels a task": ("task", "cancel", ()),
    "starts a timer": ("loop", "call_later", (1, print)),
    "queues a callback": ("loop", "call_soon", (print,)),
}


@workflow.defn(failure_exception_types=[NotInWorkflowError])
class Borrows:
    @workflow.run
    async def run(self, how: str) -> str:
        what, method, args = BORROWED[how]
        with pytest.raises(NotInWorkflowError, match=r"belongs to another run.*'run_id': 'run'"):
            getattr(shared[what], method)(*args)
        return "refused"


@pytest.mark.parametrize("how", BORROWED)
def test_what_belongs_to_one_run_can_not_be_used_by_another(how: str) -> None:
    lender = Run(Lends)
    lender.start()
    assert result_of(Run(Borrows, how, run_id="borrower").start()) == "refused"
    completion = lender.send(fire(1))
    assert names(completion) == ["CompleteWorkflowExecution"]
    lender.evict()
