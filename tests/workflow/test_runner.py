"""The worker's side: types, cache, what is wrong with a start."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from hourglass import workflow
from hourglass._bridge import Payload
from hourglass.exceptions import TemporalError
from tests.workflow.harness import EPOCH, QUEUE, Run, fire, names, payload, result_of, signal


@workflow.defn
class Adds:
    @workflow.init
    def __init__(self, first: int, second: int = 10) -> None:
        self.sum = first + second

    @workflow.signal
    def more(self, number: int) -> None:
        self.sum += number

    @workflow.run
    async def run(self, first: int, second: int = 10) -> int:
        await workflow.sleep(1)
        return self.sum


@workflow.defn
class Unused:
    @workflow.run
    async def run(self) -> None: ...


def test_init_takes_the_arguments_and_is_done_before_the_first_signal() -> None:
    run = Run(Adds, 1)
    run.start(signal("more", 5))
    assert result_of(run.send(fire(1))) == 16


def test_an_unregistered_type_fails_the_task_and_names_what_there_is() -> None:
    run = Run(Unused, runner=Run(Adds).runner)
    completion = run.start()
    assert completion.failure is not None
    assert "'Unused' is not registered" in completion.failure["message"]
    assert completion.failure["message"].endswith("registered: Adds")
    assert run.runner.cached() == 0


def test_a_run_that_is_not_in_the_cache_fails_the_task() -> None:
    """Section 5: never the loop, never the workflow."""
    completion = Run(Adds).send(fire(1))
    assert completion.failure is not None
    assert "run run is not in this worker's cache" in completion.failure["message"]


def test_evicting_what_is_not_in_the_cache_is_answered_with_nothing() -> None:
    assert Run(Adds).evict().commands == []


def test_b70_runs_of_one_runner_do_not_meet() -> None:
    """B-70: timer 1 of the one is not timer 1 of the other."""
    first = Run(Adds, 1)
    second = Run(Adds, 2, run_id="second", runner=first.runner)
    first.start()
    second.start()
    assert first.runner.cached() == 2
    assert result_of(first.send(fire(1))) == 11
    assert result_of(second.send(fire(1))) == 12
    second.evict()
    assert first.runner.cached() == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "takes 1 to 2 arguments, 0 were given"),
        ([1, 2, 3], "takes 1 to 2 arguments, 3 were given"),
        (["text"], "int"),
    ],
)
def test_b79_arguments_that_do_not_fit_fail_the_task(arguments: list[Any], message: str) -> None:
    """B-79."""
    completion = Run(Adds, *arguments).start()
    assert completion.failure is not None
    assert message in completion.failure["message"]


def test_a_start_for_a_run_in_the_cache_replaces_it() -> None:
    run = Run(Adds, 1)
    run.start()
    assert names(run.start()) == ["StartTimer"]
    assert run.runner.cached() == 1


# --- what a workflow can know about itself -----------------------------------------------------


@workflow.defn
class Looks:
    @workflow.run
    async def run(self) -> dict[str, Any]:
        await workflow.sleep(1)
        info = workflow.info()
        assert info is workflow.info()
        assert workflow.instance() is self
        assert workflow.in_workflow()
        assert workflow.now().tzinfo is timezone.utc
        return {
            "ids": [info.workflow_id, info.run_id, info.workflow_type, info.first_execution_run_id],
            "where": [info.namespace, info.task_queue],
            "attempt": info.attempt,
            "times": [workflow.time() - EPOCH, workflow.time_ns() - int(EPOCH * 1e9)],
            "started": [info.start_time.timestamp() - EPOCH, info.workflow_start_time.year],
            "timeouts": [
                None if item is None else item.total_seconds()
                for item in (info.execution_timeout, info.run_timeout, info.task_timeout)
            ],
            "parent": info.parent and info.parent.workflow_id,
            "root": info.root and info.root.run_id,
            "retry": info.retry_policy and info.retry_policy.maximum_attempts,
            "history": [
                info.get_current_history_length(),
                info.get_current_history_size(),
                info.is_continue_as_new_suggested(),
            ],
            "memo": [
                workflow.memo(),
                workflow.memo_value("k", type_hint=int),
                workflow.memo_value("x", 3),
            ],
            "headers": list(info.headers),
        }


def test_info_is_what_the_service_said() -> None:
    run = Run(
        Looks,
        headers={"trace": Payload(data=b"1")},
        info={
            "workflow_run_timeout": timedelta(seconds=5),
            "workflow_task_timeout": timedelta(seconds=10),
            "parent_workflow_info": {"namespace": "n", "workflow_id": "p", "run_id": "r"},
            "root_workflow": {"workflow_id": "root", "run_id": "root-run"},
            "retry_policy": {"maximum_attempts": 4},
            "memo": {"fields": {"k": payload(1)}},
            "start_time": datetime(2020, 1, 1, tzinfo=timezone.utc),
            "first_execution_run_id": "first",
        },
    )
    run.start()
    assert result_of(run.send(fire(1))) == {
        "ids": ["workflow-id", "run", "Looks", "first"],
        "where": ["default", QUEUE],
        "attempt": 1,
        "times": [2.0, 2_000_000_000],
        "started": [1.0, 2020],
        "timeouts": [None, 5.0, 10.0],
        "parent": "p",
        "root": "root-run",
        "retry": 4,
        "history": [3, 100, False],
        "memo": [{"k": 1}, 1, 3],
        "headers": ["trace"],
    }


def test_info_has_defaults_for_what_the_service_left_out() -> None:
    run = Run(Looks, info={"memo": {"fields": {"k": payload(1)}}})
    run.start()
    seen = result_of(run.send(fire(1)))
    assert [seen["parent"], seen["root"], seen["retry"]] == [None, None, None]
    assert seen["ids"][3] == "run"


def test_outside_of_a_workflow_the_calls_say_so() -> None:
    assert not workflow.in_workflow()
    for call in (workflow.now, workflow.info, workflow.uuid4, workflow.instance):
        with pytest.raises(workflow.NotInWorkflowError, match="not in a workflow") as caught:
            call()
        assert isinstance(caught.value, TemporalError)


# --- the logger --------------------------------------------------------------------------------


@workflow.defn
class Logs:
    @workflow.run
    async def run(self) -> None:
        workflow.logger.info("before", extra={"mine": 1})
        await workflow.sleep(1)
        workflow.logger.info("after %s", "sleep")
        await workflow.sleep(1)


def test_the_logger_is_silent_on_replay_and_says_who_speaks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "hourglass.workflow")
    run = Run(Logs)
    run.start(replaying=True)
    assert caplog.records == []
    run.send(fire(1))
    [record] = caplog.records
    assert record.getMessage().startswith("after sleep ({")
    assert record.temporal_workflow["workflow_id"] == "workflow-id"  # type: ignore[attr-defined]


def test_the_logger_keeps_the_extra_of_the_call_and_works_anywhere(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "hourglass.workflow")
    Run(Logs).start()
    workflow.logger.info("outside")
    assert caplog.records[0].mine == 1  # type: ignore[attr-defined]
    assert caplog.records[1].getMessage() == "outside"


def test_the_compatibility_names_do_nothing() -> None:
    with workflow.unsafe.imports_passed_through(), workflow.unsafe.sandbox_unrestricted():
        import json

    assert json.dumps(1) == "1"
