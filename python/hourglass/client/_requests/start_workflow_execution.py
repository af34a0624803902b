"""StartWorkflowExecution, and SignalWithStartWorkflowExecution: that and a signal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from typing_extensions import Required, TypedDict

from hourglass._search_attributes import AnySearchAttributes, search_attributes_to_wire
from hourglass.client._requests import _parts
from hourglass.client._requests._parts import (
    compact,
    duration,
    encode,
    header,
    member,
    memo,
    payloads,
    priority,
    retry_policy,
    text,
)
from hourglass.common import (
    Priority,
    RetryPolicy,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from hourglass.exceptions import (
    ArgumentTypeError,
    InvalidArgumentError,
    RPCError,
    RPCStatusCode,
    WorkflowAlreadyStartedError,
)

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.client._inputs import WorkflowStart
    from hourglass.converter import DataConverter


class StartOptions(TypedDict, total=False):
    """The keywords of `start_workflow` and `execute_workflow`."""

    id: Required[str]
    task_queue: Required[str]
    execution_timeout: timedelta | None
    """The limit from the first start to the end of the last run."""
    run_timeout: timedelta | None
    """The limit of one run."""
    task_timeout: timedelta | None
    """The limit of a workflow task, after which its worker counts as dead: 10 seconds."""
    id_reuse_policy: WorkflowIDReusePolicy
    id_conflict_policy: WorkflowIDConflictPolicy
    retry_policy: RetryPolicy | None
    cron_schedule: str
    memo: Mapping[str, Any] | None
    search_attributes: AnySearchAttributes | None
    static_summary: str | None
    static_details: str | None
    start_delay: timedelta | None
    start_signal: str | None
    """Signal the workflow in the same step: started if it isn't running, signalled in any case."""
    start_signal_args: Sequence[Any]
    request_id: str | None
    """Identifies the start: two with one request id start one workflow. Fresh by default."""
    priority: Priority
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


_KNOWN = frozenset(StartOptions.__annotations__)
_REQUIRED = ("id", "task_queue")
_TIMES = (
    ("execution_timeout", "workflow_execution_timeout"),
    ("run_timeout", "workflow_run_timeout"),
    ("task_timeout", "workflow_task_timeout"),
    ("start_delay", "workflow_start_delay"),
)
"""The options that are durations, and their fields."""


AnyRun = str | Callable[..., Any]
"""A run method, or a name."""


def type_of(workflow: AnyRun) -> tuple[str, Any]:
    """The name and the declared result of a workflow. `DefinitionError` if it isn't one."""
    if isinstance(workflow, str):
        if not workflow:
            raise InvalidArgumentError("the workflow's name is empty")
        return workflow, None
    if not callable(workflow):
        raise ArgumentTypeError(f"the workflow is {workflow!r}: give its run method, or its name")
    from hourglass.workflow._definition.definition import WorkflowDefinition

    definition = WorkflowDefinition.of(workflow)
    return definition.own_name, definition.ret_type


def check_arguments(workflow: AnyRun, args: Sequence[Any], converter: DataConverter) -> None:
    """Refuse arguments that a run method's types would read as others; of a name none are known."""
    if args and not isinstance(workflow, str):
        from hourglass.workflow._definition.definition import WorkflowDefinition

        _parts.check_arguments(WorkflowDefinition.of(workflow), args, converter)


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse what is unknown (TypeError, as for any call) or empty."""
    _parts.check_options("start_workflow", options, _KNOWN, _REQUIRED)
    if options.get("start_signal_args") and not options.get("start_signal"):
        raise InvalidArgumentError("start_signal_args without start_signal")


async def request(given: WorkflowStart, converter: DataConverter) -> Wire:
    """StartWorkflowExecutionRequest, or with a signal SignalWithStartWorkflowExecutionRequest."""
    wire: Wire = {
        "workflow_id": given.id,
        "workflow_type": {"name": given.workflow},
        "task_queue": {"name": given.task_queue},
        "workflow_id_reuse_policy": member(
            "id_reuse_policy", WorkflowIDReusePolicy, given.id_reuse_policy
        ),
        "workflow_id_conflict_policy": member(
            "id_conflict_policy", WorkflowIDConflictPolicy, given.id_conflict_policy
        ),
        "cron_schedule": text("cron_schedule", given.cron_schedule),
        "request_id": text("request_id", given.request_id),
        "retry_policy": retry_policy(given.retry_policy),
        "priority": priority(given.priority),
        "header": header(given.headers),
        "input": await payloads(converter, given.args),
        "memo": await memo(converter, given.memo),
    }
    for option, field in _TIMES:
        wire[field] = duration(option, getattr(given, option))
    if given.search_attributes:
        wire["search_attributes"] = search_attributes_to_wire(given.search_attributes)
    if given.static_summary or given.static_details:
        wire["user_metadata"] = await _user_metadata(given, converter)
    signal = getattr(given, "start_signal", None)
    if signal:
        wire["signal_name"] = signal
        wire["signal_input"] = await payloads(converter, getattr(given, "start_signal_args", ()))
    return compact(wire)


async def _user_metadata(given: WorkflowStart, converter: DataConverter) -> Wire:
    texts = {
        "summary": text("static_summary", given.static_summary),
        "details": text("static_details", given.static_details),
    }
    return {k: (await encode(converter, [v]))[0] for k, v in texts.items() if v}


def error(
    refused: RPCError, workflow_id: str, workflow_type: str
) -> WorkflowAlreadyStartedError | None:
    """Read the refusal of a start: ALREADY_EXISTS names a run; None if it means nothing else."""
    if refused.status is not RPCStatusCode.ALREADY_EXISTS:
        return None
    detail = refused.detail("WorkflowExecutionAlreadyStartedFailure") or {}
    run_id = detail.get("run_id") or None
    return WorkflowAlreadyStartedError(workflow_id, workflow_type, run_id=run_id)
