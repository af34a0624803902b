"""`patched`: answers that never change within a run (B-57)."""

from __future__ import annotations

import asyncio
import unicodedata
from datetime import timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass._bridge import NotifyHasPatch, ScheduleActivity, SetPatchMarker
from hourglass.exceptions import ApplicationError
from tests.workflow.harness import Run, completed, fire, names, result_of, signal


@workflow.defn
class Patched:
    def __init__(self) -> None:
        self.answers: list[bool] = []
        self.go = False

    @workflow.query
    def read(self) -> list[bool]:
        return self.answers

    @workflow.query
    def ask_again(self) -> bool:
        return workflow.patched("change")

    @workflow.signal
    def finish(self) -> None:
        self.go = True

    async def ask(self, patch_id: Any) -> bool:
        await asyncio.sleep(0)
        return workflow.patched(patch_id)

    @workflow.run
    async def run(self, how: str, patch_id: Any = "change") -> list[bool]:
        if how == "late":
            await workflow.sleep(1)
        if how == "scopes":
            return list(await asyncio.gather(self.ask(patch_id), self.ask(patch_id)))
        if how == "deprecated":
            workflow.deprecate_patch(patch_id)
            workflow.deprecate_patch(patch_id)
            return []
        self.answers.append(workflow.patched(patch_id))
        if how == "again":
            workflow.continue_as_new()
        if how == "fails":
            raise ApplicationError("failed")
        await workflow.wait_condition(lambda: self.go)
        self.answers.append(workflow.patched(patch_id))
        return self.answers


MARKER = SetPatchMarker("change", False)


def test_b57_a_new_run_takes_the_patched_way_and_marks_it_once() -> None:
    run = Run(Patched, "now")
    assert run.start().commands == [MARKER]
    completion = run.send(signal("finish"))
    assert names(completion) == ["CompleteWorkflowExecution"]
    assert result_of(completion) == [True, True]


def test_b57_a_patch_reached_on_a_later_activation_is_marked_then() -> None:
    run = Run(Patched, "late")
    assert names(run.start()) == ["StartTimer"]
    assert run.send(fire(1)).commands == [MARKER]


def test_b57_two_scopes_that_ask_get_one_marker() -> None:
    completion = Run(Patched, "scopes").start()
    assert names(completion) == ["SetPatchMarker", "CompleteWorkflowExecution"]
    assert result_of(completion) == [True, True]


def test_b57_a_history_from_before_the_change_takes_the_old_way_for_good() -> None:
    run = Run(Patched, "now")
    assert run.start(replaying=True).commands == []
    completion = run.send(signal("finish"))  # live again: the answer stays
    assert result_of(completion) == [False, False]


def test_b57_a_history_from_after_the_change_takes_the_new_way_also_after_eviction() -> None:
    run = Run(Patched, "now")
    run.start()
    for _ in range(2):
        run.evict()
        assert run.start(NotifyHasPatch(patch_id="change"), replaying=True).commands == [MARKER]
    assert result_of(run.send(signal("finish"))) == [True, True]


def test_b57_the_marker_comes_before_continue_as_new() -> None:
    assert names(Run(Patched, "again").start()) == [
        "SetPatchMarker",
        "ContinueAsNewWorkflowExecution",
    ]


def test_b57_the_marker_comes_before_a_failure() -> None:
    assert names(Run(Patched, "fails").start()) == ["SetPatchMarker", "FailWorkflowExecution"]


@workflow.defn
class Between:
    """Asks between two commands."""

    @workflow.run
    async def run(self) -> None:
        await self.step("before")
        if workflow.patched("change"):
            await self.step("new")
        await self.step("after")

    async def step(self, name: str) -> None:
        await workflow.execute_activity(name, start_to_close_timeout=timedelta(seconds=1))


def test_b57_a_patch_that_is_skipped_records_nothing_and_shifts_no_other_command() -> None:
    run = Run(Between)
    run.start(replaying=True)
    [after] = run.send(completed(1), replaying=True).commands
    assert isinstance(after, ScheduleActivity)
    assert (after.seq, after.activity_id, after.activity_type) == (2, "2", "after")


def test_b57_a_deprecated_patch_is_marked_once_as_such() -> None:
    assert Run(Patched, "deprecated").start().commands[:-1] == [SetPatchMarker("change", True)]


def test_b57_a_query_may_ask_for_what_is_known() -> None:
    run = Run(Patched, "late")
    run.start()
    assert run.ask("ask_again")["application_failure_info"]["type"] == "ReadOnlyContextError"
    run.send(fire(1))
    assert run.ask("ask_again") is True


def test_b57_nothing_is_left_for_the_next_run() -> None:
    run = Run(Patched, "now")
    run.start()
    other = Run(Patched, "now", run_id="other", runner=run.runner)
    assert other.start(replaying=True).commands == []


@pytest.mark.parametrize(
    "patch_id",
    [
        "変更",
        "\N{PARTY POPPER}",
        "שינוי",
        unicodedata.normalize("NFD", "é"),
        "a\u200db",
        "x" * 4096,
        "two\nlines",
        "nul\0inside",
        "",
    ],
)
def test_b57_every_text_is_a_patch_id(patch_id: str) -> None:
    run = Run(Patched, "now", patch_id)
    assert run.start().commands == [SetPatchMarker(patch_id, False)]


@pytest.mark.parametrize("patch_id", [1, None, ["x"]])
def test_b57_a_patch_id_that_is_no_text_fails_the_task(patch_id: Any) -> None:
    completion = Run(Patched, "now", patch_id).start()
    assert completion.failure is not None
    assert "a patch id is a string" in completion.failure["message"]
