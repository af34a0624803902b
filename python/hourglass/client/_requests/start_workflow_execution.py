"""StartWorkflowExecution, and SignalWithStartWorkflowExecution: the same and a signal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from typing_extensions import Required, TypedDict

from hourglass.client._requests import _parts
from hourglass.client._requests._parts import compact, duration, encode, header, memo, payloads
from hourglass.common import (
    Priority,
    RetryPolicy,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from hourglass.exceptions import (
    InvalidArgumentError,
    RPCError,
    RPCStatusCode,
    WorkflowAlreadyStartedError,
)

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire
    from hourglass.converter import DataConverter


class StartOptions(TypedDict, total=False):
    """The keywords of `start_workflow` and `execute_workflow`."""

    id: Required[str]
    task_queue: Required[str]
    execution_timeout: timedelta | None
    """From the first start to the end of the last run, through retries and continue-as-new."""
    run_timeout: timedelta | None
    """Of one run."""
    task_timeout: timedelta | None
    """Of one workflow task: how soon a dead worker is noticed. 10 seconds by default."""
    id_reuse_policy: WorkflowIDReusePolicy
    id_conflict_policy: WorkflowIDConflictPolicy
    retry_policy: RetryPolicy | None
    cron_schedule: str
    memo: Mapping[str, Any] | None
    search_attributes: TypedSearchAttributes | None
    static_summary: str | None
    static_details: str | None
    start_delay: timedelta | None
    start_signal: str | None
    """Signal it too, in one step: start it if it isn't running, signal it in any case."""
    start_signal_args: Sequence[Any]
    request_id: str | None
    """Starts with one request id start one workflow. A fresh one by default."""
    priority: Priority
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


_KNOWN = frozenset(StartOptions.__annotations__)
_REQUIRED = ("id", "task_queue")


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse what is unknown (TypeError, as for any call) or empty."""
    _parts.check_options("start_workflow", options, _KNOWN, _REQUIRED)
    if options.get("start_signal_args") and not options.get("start_signal"):
        raise InvalidArgumentError("start_signal_args without start_signal")


async def request(
    workflow_type: str,
    args: Sequence[Any],
    options: StartOptions,
    converter: DataConverter,
    *,
    headers: Mapping[str, Payload] | None = None,
) -> Wire:
    """StartWorkflowExecutionRequest, or with a signal SignalWithStartWorkflowExecutionRequest."""
    check_options(options)
    wire: Wire = {
        "workflow_id": options["id"],
        "workflow_type": {"name": workflow_type},
        "task_queue": {"name": options["task_queue"]},
        "workflow_id_reuse_policy": int(options.get("id_reuse_policy", 1)),
    }
    if args:
        wire["input"] = {"payloads": await encode(converter, args)}
    if len(options) > len(_REQUIRED):
        wire.update(await _optional(options, converter))
    if headers:
        wire["header"] = header(headers)
    return wire


async def _optional(options: StartOptions, converter: DataConverter) -> Wire:
    retry_policy = options.get("retry_policy")
    search_attributes = options.get("search_attributes")
    wire = {
        "workflow_execution_timeout": duration(
            "execution_timeout", options.get("execution_timeout")
        ),
        "workflow_run_timeout": duration("run_timeout", options.get("run_timeout")),
        "workflow_task_timeout": duration("task_timeout", options.get("task_timeout")),
        "workflow_start_delay": duration("start_delay", options.get("start_delay")),
        "workflow_id_conflict_policy": int(options.get("id_conflict_policy", 0)),
        "retry_policy": None if retry_policy is None else retry_policy.to_wire(),
        "cron_schedule": options.get("cron_schedule", ""),
        "memo": await memo(converter, options.get("memo")),
        "search_attributes": None if not search_attributes else search_attributes.to_wire(),
        "user_metadata": await _user_metadata(options, converter),
        "request_id": options.get("request_id"),
        "priority": options.get("priority", Priority.default).to_wire(),
        "signal_name": options.get("start_signal"),
        "signal_input": await payloads(converter, options.get("start_signal_args", ())),
    }
    return compact(wire)


async def _user_metadata(options: StartOptions, converter: DataConverter) -> Wire | None:
    texts = {
        "summary": options.get("static_summary"),
        "details": options.get("static_details"),
    }
    return {k: (await encode(converter, [v]))[0] for k, v in texts.items() if v} or None


def error(refused: RPCError, workflow_id: str, workflow_type: str) -> Exception:
    """What a refused start means."""
    if refused.status is not RPCStatusCode.ALREADY_EXISTS:
        return refused
    detail = refused.detail("WorkflowExecutionAlreadyStartedFailure") or {}
    already = WorkflowAlreadyStartedError(
        workflow_id, workflow_type, run_id=detail.get("run_id") or None
    )
    already.__cause__ = refused
    return already
