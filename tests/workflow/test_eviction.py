"""A run that leaves the cache, one that is built anew, and what makes both equal."""

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
from hourglass._bridge import DoUpdate, OtherJob, ResolveActivity, UpdateRandomSeed
from tests.workflow.harness import Run, completed, fire, names, result_of, signal
from tests.workflow.samples import ManyActivities, Orders

TIMEOUT = timedelta(seconds=30)


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


def test_an_evicted_run_leaves_no_garbage_behind() -> None:
    run = Run(Stubborn, "plain")
    gc.collect()
    gc.disable()
    try:
        run.start(signal("hang"))
        run.evict()
        assert gc.collect() == 0
    finally:
        gc.enable()


@workflow.defn
class Busy:
    """Waits for one of everything."""

    @workflow.update
    async def change(self) -> None:
        await workflow.sleep(60)

    @workflow.run
    async def run(self) -> None:
        limit = timedelta(seconds=9)
        started = await workflow.start_child_workflow("Child", id="started")
        waits = [
            workflow.execute_local_activity("backing off", start_to_close_timeout=limit),
            workflow.execute_local_activity("running", start_to_close_timeout=limit),
            workflow.execute_activity("running", start_to_close_timeout=limit),
            workflow.execute_child_workflow("Child", id="not yet"),
            workflow.get_external_workflow_handle("other").signal("hello"),
            workflow.get_external_workflow_handle("other").cancel(),
            workflow.wait_condition(lambda: False),
            started.signal("hello"),
        ]
        tasks = [asyncio.create_task(wait) for wait in waits]
        await started
        del tasks


def test_an_evicted_run_that_waits_for_everything_leaves_no_garbage_behind() -> None:
    child = OtherJob(
        variant="resolve_child_workflow_execution_start",
        fields={"seq": 1, "succeeded": {"run_id": "r"}},
    )
    backoff = ResolveActivity(seq=1, status="backoff", backoff={"attempt": 2})
    update = DoUpdate(id="u", protocol_instance_id="u", name="change")
    run = Run(Busy)
    gc.collect()
    gc.disable()
    try:
        run.start(update)
        assert len(run.send(child).commands) == 7
        assert names(run.send(backoff)) == ["StartTimer"]
        run.evict()
        assert gc.collect() == 0
    finally:
        gc.enable()


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


@workflow.defn
class Clock:
    def __init__(self) -> None:
        self.go = False

    @workflow.signal
    def finish(self) -> None:
        self.go = True

    @workflow.run
    async def run(self) -> list[float]:
        begun = workflow.now()
        await workflow.wait_condition(lambda: self.go)
        return [begun.timestamp(), workflow.time()]


def test_b77_the_time_that_was_read_stays_what_it_was_after_a_rebuild() -> None:
    """B-77, S-27."""
    run = Run(Clock)
    began = run.time
    run.start()
    live = result_of(run.send(signal("finish")))
    run.evict()
    run.time = began
    run.start(replaying=True)
    assert result_of(run.send(signal("finish"), replaying=True)) == live
    assert live[0] < live[1]


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
