"""Inputs of a client's calls, as its interceptors are given them. Public in `hourglass.client`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hourglass.client._requests._parts import UNSET, no_headers, no_metadata
from hourglass.common import (
    ActivityIDConflictPolicy,
    ActivityIDReusePolicy,
    Priority,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)

if TYPE_CHECKING:
    from hourglass._bridge import Payload
    from hourglass._search_attributes import AnySearchAttributes
    from hourglass.client._activity_options import ActivityOptionsUpdate
    from hourglass.client._history import WorkflowHistoryEventFilterType
    from hourglass.client._requests.activity_task import AsyncActivityIDReference
    from hourglass.client._update import WorkflowUpdateStage
    from hourglass.common import QueryRejectCondition, RetryPolicy


@dataclass(repr=False, eq=False)
class Input:  # noqa: PLW1641 - it may be changed, and has no hash
    """The base of all inputs: compared and shown by their fields.

    The methods are here and not generated into each class, which would be half of the time that
    importing this takes.
    """

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __repr__(self) -> str:
        names = (one.name for one in dataclasses.fields(self))
        # Headers of a call may hold a secret.
        shown = (f"{name}={getattr(self, name)!r}" for name in names if name != "rpc_metadata")
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(repr=False, eq=False)
class WorkflowStart(Input):
    """The base of the inputs that start a workflow."""

    workflow: str
    args: Sequence[Any]
    id: str
    task_queue: str
    execution_timeout: timedelta | None = None
    run_timeout: timedelta | None = None
    task_timeout: timedelta | None = None
    id_reuse_policy: WorkflowIDReusePolicy = WorkflowIDReusePolicy.ALLOW_DUPLICATE
    id_conflict_policy: WorkflowIDConflictPolicy = WorkflowIDConflictPolicy.UNSPECIFIED
    retry_policy: RetryPolicy | None = None
    cron_schedule: str = ""
    memo: Mapping[str, Any] | None = None
    search_attributes: AnySearchAttributes | None = None
    start_delay: timedelta | None = None
    headers: Mapping[str, Payload] = field(default_factory=no_headers)
    static_summary: str | None = None
    static_details: str | None = None
    ret_type: Any = None
    request_id: str | None = None
    priority: Priority = Priority.default


@dataclass(repr=False, eq=False)
class StartWorkflowInput(WorkflowStart):
    """For `OutboundInterceptor.start_workflow`."""

    start_signal: str | None = None
    start_signal_args: Sequence[Any] = ()
    rpc_metadata: Mapping[str, str] = field(default_factory=no_metadata)
    rpc_timeout: timedelta | None = None


@dataclass(repr=False, eq=False)
class CancelWorkflowInput(Input):
    """For `OutboundInterceptor.cancel_workflow`."""

    id: str
    run_id: str | None
    first_execution_run_id: str | None
    reason: str
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass(repr=False, eq=False)
class DescribeWorkflowInput(Input):
    """For `OutboundInterceptor.describe_workflow`."""

    id: str
    run_id: str | None
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass(repr=False, eq=False)
class FetchWorkflowHistoryEventsInput(Input):
    """For `OutboundInterceptor.fetch_workflow_history_events`."""

    id: str
    run_id: str | None
    page_size: int | None
    next_page_token: bytes | None
    wait_new_event: bool
    event_filter_type: WorkflowHistoryEventFilterType
    skip_archival: bool
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass(repr=False, eq=False)
class ListWorkflowsInput(Input):
    """For `OutboundInterceptor.list_workflows`."""

    query: str | None
    page_size: int
    next_page_token: bytes | None
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None
    limit: int | None


@dataclass(repr=False, eq=False)
class CountWorkflowsInput(Input):
    """For `OutboundInterceptor.count_workflows`."""

    query: str | None
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass(repr=False, eq=False)
class QueryWorkflowInput(Input):
    """For `OutboundInterceptor.query_workflow`."""

    id: str
    run_id: str | None
    query: str
    args: Sequence[Any]
    reject_condition: QueryRejectCondition | None
    ret_type: Any
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None
    headers: Mapping[str, Payload] = field(default_factory=no_headers)


@dataclass(repr=False, eq=False)
class SignalWorkflowInput(Input):
    """For `OutboundInterceptor.signal_workflow`."""

    id: str
    run_id: str | None
    signal: str
    args: Sequence[Any]
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None
    headers: Mapping[str, Payload] = field(default_factory=no_headers)


@dataclass(repr=False, eq=False)
class TerminateWorkflowInput(Input):
    """For `OutboundInterceptor.terminate_workflow`."""

    id: str
    run_id: str | None
    first_execution_run_id: str | None
    args: Sequence[Any]
    reason: str | None
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass(repr=False, eq=False)
class StartWorkflowUpdateInput(Input):
    """For `OutboundInterceptor.start_workflow_update`."""

    id: str
    run_id: str | None
    first_execution_run_id: str | None
    update_id: str | None
    """The update's id; None for a fresh one."""
    update: str
    args: Sequence[Any]
    wait_for_stage: WorkflowUpdateStage
    ret_type: Any
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None
    headers: Mapping[str, Payload] = field(default_factory=no_headers)


class UpdateWithStartStartWorkflowInput(WorkflowStart):
    """The start in `StartWorkflowUpdateWithStartInput`."""


@dataclass(repr=False, eq=False)
class UpdateWithStartUpdateWorkflowInput(Input):
    """The update in `StartWorkflowUpdateWithStartInput`."""

    update_id: str | None
    update: str
    args: Sequence[Any]
    wait_for_stage: WorkflowUpdateStage
    ret_type: Any
    headers: Mapping[str, Payload] = field(default_factory=no_headers)


@dataclass(repr=False, eq=False)
class StartWorkflowUpdateWithStartInput(Input):
    """For `OutboundInterceptor.start_update_with_start_workflow`."""

    start_workflow_input: UpdateWithStartStartWorkflowInput
    update_workflow_input: UpdateWithStartUpdateWorkflowInput
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None
    on_start: Callable[[Any], None]
    """Called with the `WorkflowHandle` when the workflow has been started or found."""
    on_start_error: Callable[[BaseException], None]
    """Called with the reason when there will be no handle."""


@dataclass(repr=False, eq=False)
class StartActivityInput(Input):
    """For `OutboundInterceptor.start_activity`."""

    activity_type: str
    args: Sequence[Any]
    id: str
    task_queue: str
    result_type: Any = None
    schedule_to_close_timeout: timedelta | None = None
    schedule_to_start_timeout: timedelta | None = None
    start_to_close_timeout: timedelta | None = None
    heartbeat_timeout: timedelta | None = None
    id_reuse_policy: ActivityIDReusePolicy = ActivityIDReusePolicy.ALLOW_DUPLICATE
    id_conflict_policy: ActivityIDConflictPolicy = ActivityIDConflictPolicy.FAIL
    retry_policy: RetryPolicy | None = None
    priority: Priority = Priority.default
    search_attributes: AnySearchAttributes | None = None
    summary: str | None = None
    start_delay: timedelta | None = None
    headers: Mapping[str, Payload] = field(default_factory=no_headers)
    rpc_metadata: Mapping[str, str] = field(default_factory=no_metadata)
    rpc_timeout: timedelta | None = None


@dataclass(repr=False, eq=False)
class ActivityControl(Input):
    """The base of the inputs that tell a standalone activity to do something, for a reason."""

    activity_id: str
    activity_run_id: str | None
    reason: str | None
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


class CancelActivityInput(ActivityControl):
    """For `OutboundInterceptor.cancel_activity`."""


class TerminateActivityInput(ActivityControl):
    """For `OutboundInterceptor.terminate_activity`."""


class PauseActivityInput(ActivityControl):
    """For `OutboundInterceptor.pause_activity`."""


@dataclass(repr=False, eq=False)
class DescribeActivityInput(Input):
    """For `OutboundInterceptor.describe_activity`."""

    activity_id: str
    activity_run_id: str | None
    include_input: bool
    include_outcome: bool
    include_heartbeat_details: bool
    include_last_failure: bool
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass(repr=False, eq=False)
class UnpauseActivityInput(Input):
    """For `OutboundInterceptor.unpause_activity`."""

    activity_id: str
    activity_run_id: str | None
    reason: str | None
    jitter: timedelta | None
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass(repr=False, eq=False)
class UpdateActivityOptionsInput(Input):
    """For `OutboundInterceptor.update_activity_options`."""

    activity_id: str
    activity_run_id: str | None
    updates: Sequence[ActivityOptionsUpdate[Any]]
    restore_original: bool
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass(repr=False, eq=False)
class ListActivitiesInput(Input):
    """For `OutboundInterceptor.list_activities`."""

    query: str | None
    page_size: int
    next_page_token: bytes | None
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None
    limit: int | None


@dataclass(repr=False, eq=False)
class CountActivitiesInput(Input):
    """For `OutboundInterceptor.count_activities`."""

    query: str | None
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass(repr=False, eq=False)
class HeartbeatAsyncActivityInput(Input):
    """For `OutboundInterceptor.heartbeat_async_activity`."""

    id_or_token: AsyncActivityIDReference | bytes
    details: Sequence[Any]
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass(repr=False, eq=False)
class CompleteAsyncActivityInput(Input):
    """For `OutboundInterceptor.complete_async_activity`."""

    id_or_token: AsyncActivityIDReference | bytes
    result: Any = UNSET
    rpc_metadata: Mapping[str, str] = field(default_factory=no_metadata)
    rpc_timeout: timedelta | None = None


@dataclass(repr=False, eq=False)
class FailAsyncActivityInput(Input):
    """For `OutboundInterceptor.fail_async_activity`."""

    id_or_token: AsyncActivityIDReference | bytes
    error: Exception
    last_heartbeat_details: Sequence[Any]
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass(repr=False, eq=False)
class ReportCancellationAsyncActivityInput(Input):
    """For `OutboundInterceptor.report_cancellation_async_activity`."""

    id_or_token: AsyncActivityIDReference | bytes
    details: Sequence[Any]
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None
