"""Dynamic workflows: what no other workflow of the worker takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from hourglass import workflow
from hourglass._bridge import ContinueAsNewWorkflowExecution, InitializeWorkflow
from hourglass.common import RawValue
from hourglass.exceptions import DefinitionError, InvalidArgumentError
from hourglass.workflow._definition import WorkflowDefinition
from hourglass.workflow._runner import WorkflowRunner
from tests.workflow.harness import CONVERTER, Run, payload, query, result_of


@workflow.defn(dynamic=True)
class Any_:  # noqa: N801 - Any is taken
    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> list[Any]:
        if not args:
            workflow.continue_as_new("again")
        decoded = workflow.payload_converter().from_payloads([arg.payload for arg in args])
        return [workflow.info().workflow_type, *decoded]


@workflow.defn
class Named:
    @workflow.run
    async def run(self) -> str:
        return "named"


def runner(*classes: type) -> WorkflowRunner:
    return WorkflowRunner(
        classes, task_queue="queue", namespace="default", data_converter=CONVERTER
    )


def start(kind: str, *args: Any) -> Run:
    run = Run(Named, runner=runner(Any_, Named))
    run.init = InitializeWorkflow(
        workflow_type=kind, workflow_id="w", arguments=[payload(arg) for arg in args]
    )
    return run


def test_it_takes_what_has_no_workflow_of_its_own() -> None:
    assert result_of(start("Whatever", 1, "x").start()) == ["Whatever", 1, "x"]
    assert result_of(start("Named").start()) == "named"


def test_it_goes_on_under_the_name_it_was_started_as() -> None:
    [command] = start("Whatever").start().commands
    assert isinstance(command, ContinueAsNewWorkflowExecution)
    assert command.fields["workflow_type"] == "Whatever"


def test_it_speaks_of_itself_by_that_name() -> None:
    run = start("Whatever", 1)
    run.start()
    [answer] = run.send(query("nothing")).commands
    failure: Any = getattr(answer, "failure", None)
    assert "workflow 'Whatever' has no query 'nothing'" in failure["message"]


def test_it_can_not_be_started_by_its_class() -> None:
    with pytest.raises(InvalidArgumentError, match="say which type to start"):
        _ = WorkflowDefinition.of(Any_).own_name


def test_there_is_one_at_most_and_it_takes_raw_arguments() -> None:
    with pytest.raises(DefinitionError, match="two workflows"):

        @workflow.defn(dynamic=True)
        class Second:
            @workflow.run
            async def run(self, args: Sequence[RawValue]) -> None: ...

        runner(Any_, Second)
    with pytest.raises(DefinitionError, match=r"takes \(args: Sequence\[RawValue\]\)"):

        @workflow.defn(dynamic=True)
        class Wrong:
            @workflow.run
            async def run(self, a: int, b: int) -> None: ...

    with pytest.raises(DefinitionError, match="has a name or is dynamic"):

        @workflow.defn(name="x", dynamic=True)
        class Both:
            @workflow.run
            async def run(self, args: Sequence[RawValue]) -> None: ...
