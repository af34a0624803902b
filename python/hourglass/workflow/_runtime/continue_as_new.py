"""Ending a run and going on in another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from hourglass._bridge import ContinueAsNewWorkflowExecution
from hourglass._search_attributes import search_attributes_to_wire
from hourglass.workflow._definition.definition import WorkflowDefinition
from hourglass.workflow._runtime.durations import optional_timeout
from hourglass.workflow._runtime.errors import ContinueAsNewError

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire
    from hourglass._search_attributes import AnySearchAttributes
    from hourglass.common import RetryPolicy
    from hourglass.workflow._runtime.state import RunState


class ContinueAsNewCommandError(ContinueAsNewError):
    """The exception of `continue_as_new`, with the command: made where the arguments are."""

    def __init__(self, command: ContinueAsNewWorkflowExecution) -> None:
        super().__init__("the workflow continues as new")
        self.command = command


def continue_as_new(
    state: RunState,
    workflow: Callable[..., Any] | str | None,
    arguments: Sequence[Any],
    *,
    task_queue: str | None = None,
    run_timeout: timedelta | None = None,
    task_timeout: timedelta | None = None,
    backoff_start_interval: timedelta | None = None,
    retry_policy: RetryPolicy | None = None,
    memo: Mapping[str, Any] | None = None,
    search_attributes: AnySearchAttributes | None = None,
    headers: Mapping[str, Payload] | None = None,
) -> NoReturn:
    """Raise what ends the run."""
    state.loop.check_writable("continue as new")
    converter = state.payload_converter
    converter.check_values(arguments, _argument_types(state, workflow))
    fields: Wire = {
        "workflow_type": type_name(workflow) or state.workflow_type,
        "task_queue": task_queue or state.task_queue,
        "arguments": converter.to_payloads(arguments),
    }
    for name, duration in (
        ("workflow_run_timeout", run_timeout),
        ("workflow_task_timeout", task_timeout),
        ("backoff_start_interval", backoff_start_interval),
    ):
        if duration is not None:
            fields[name] = optional_timeout(duration, name)
    if retry_policy is not None:
        fields["retry_policy"] = retry_policy.to_wire()
    if memo is not None:
        fields["memo"] = {key: converter.to_payloads([value])[0] for key, value in memo.items()}
    if search_attributes is not None:
        fields["search_attributes"] = search_attributes_to_wire(search_attributes)
    if headers:
        fields["headers"] = dict(headers)
    raise ContinueAsNewCommandError(ContinueAsNewWorkflowExecution(fields))


def _argument_types(state: RunState, workflow: Callable[..., Any] | str | None) -> list[Any] | None:
    """The declared types of the next run's arguments; None of a name, or of any."""
    if isinstance(workflow, str):
        return None
    definition = state.definition if workflow is None else WorkflowDefinition.of(workflow)
    return None if definition.name is None else definition.arg_types


def type_name(workflow: Callable[..., Any] | str | None) -> str | None:
    """The name of what is given; None where nothing is."""
    if workflow is None or isinstance(workflow, str):
        return workflow
    return WorkflowDefinition.of(workflow).own_name
