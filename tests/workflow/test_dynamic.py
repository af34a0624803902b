"""Dynamic workflows: what no other workflow of the worker takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from hourglass import workflow
from hourglass._bridge import ContinueAsNewWorkflowExecution, InitializeWorkflow
from hourglass.common import RawValue
from hourglass.exceptions import DefinitionError, InvalidArgumentError
from hourglass.workflow._definition.definition import WorkflowDefinition
from hourglass.workflow._runtime.runner import WorkflowRunner
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


class OddError(Exception):
    """Fails the workflow where it is told to."""


@workflow.defn(dynamic=True, failure_exception_types=[OddError])
class Configured:
    @workflow.dynamic_config
    def config(self) -> workflow.DynamicWorkflowConfig:
        strict = workflow.info().workflow_type == "Strict"
        return workflow.DynamicWorkflowConfig([ValueError] if strict else None)

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> list[bool]:
        return [workflow.is_failure_exception(error) for error in (OddError(), ValueError())]


@pytest.mark.parametrize(("name", "fails"), [("Strict", [False, True]), ("Lax", [True, False])])
def test_a_dynamic_workflow_is_configured_for_each_run(name: str, fails: list[bool]) -> None:
    run = Run(Configured)
    run.init = InitializeWorkflow(
        workflow_type=name, workflow_id="w", arguments=[], randomness_seed=1, attempt=1
    )
    assert result_of(run.start()) == fails


def test_a_configuration_that_can_not_be_called_is_refused() -> None:
    decorate: Callable[[Any], Any] = workflow.dynamic_config

    class Bad:
        @workflow.run
        async def run(self) -> None: ...

        @decorate
        def config(self, more: int) -> workflow.DynamicWorkflowConfig:
            raise NotImplementedError

    with pytest.raises(DefinitionError, match=r"dynamic workflows only.*takes self only"):
        workflow.defn(Bad)
