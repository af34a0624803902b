"""Interceptors of a client, and what they are given. Public in `hourglass.client`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hourglass.client._activity_inputs import (
    CancelActivityInput,
    CompleteAsyncActivityInput,
    CountActivitiesInput,
    DescribeActivityInput,
    FailAsyncActivityInput,
    HeartbeatAsyncActivityInput,
    ListActivitiesInput,
    PauseActivityInput,
    ReportCancellationAsyncActivityInput,
    StartActivityInput,
    TerminateActivityInput,
    UnpauseActivityInput,
    UpdateActivityOptionsInput,
)
from hourglass.client._requests._parts import no_headers, no_metadata
from hourglass.common import Priority, WorkflowIDConflictPolicy, WorkflowIDReusePolicy

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire
    from hourglass.client._activity_execution import ActivityExecutionDescription
    from hourglass.client._activity_handle import ActivityHandle
    from hourglass.client._activity_list import (
        ActivityExecutionAsyncIterator,
        ActivityExecutionCount,
    )
    from hourglass.client._activity_options import ActivityExecutionOptions
    from hourglass.client._execution import WorkflowExecutionDescription
    from hourglass.client._handle import WorkflowHandle
    from hourglass.client._history_events import (
        WorkflowHistoryEventAsyncIterator,
        WorkflowHistoryEventFilterType,
    )
    from hourglass.client._list import WorkflowExecutionAsyncIterator, WorkflowExecutionCount
    from hourglass.client._update import WorkflowUpdateHandle, WorkflowUpdateStage
    from hourglass.common import QueryRejectCondition, RetryPolicy, TypedSearchAttributes


@dataclass
class StartWorkflowInput:
    """For `OutboundInterceptor.start_workflow`."""

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
    search_attributes: TypedSearchAttributes | None = None
    start_delay: timedelta | None = None
    headers: Mapping[str, Payload] = field(default_factory=no_headers)
    start_signal: str | None = None
    start_signal_args: Sequence[Any] = ()
    static_summary: str | None = None
    static_details: str | None = None
    ret_type: Any = None
    rpc_metadata: Mapping[str, str] = field(default_factory=no_metadata)
    rpc_timeout: timedelta | None = None
    request_id: str | None = None
    priority: Priority = Priority.default


@dataclass
class CancelWorkflowInput:
    """For `OutboundInterceptor.cancel_workflow`."""

    id: str
    run_id: str | None
    first_execution_run_id: str | None
    reason: str
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass
class DescribeWorkflowInput:
    """For `OutboundInterceptor.describe_workflow`."""

    id: str
    run_id: str | None
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass
class FetchWorkflowHistoryEventsInput:
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


@dataclass
class ListWorkflowsInput:
    """For `OutboundInterceptor.list_workflows`."""

    query: str | None
    page_size: int
    next_page_token: bytes | None
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None
    limit: int | None


@dataclass
class CountWorkflowsInput:
    """For `OutboundInterceptor.count_workflows`."""

    query: str | None
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass
class QueryWorkflowInput:
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


@dataclass
class SignalWorkflowInput:
    """For `OutboundInterceptor.signal_workflow`."""

    id: str
    run_id: str | None
    signal: str
    args: Sequence[Any]
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None
    headers: Mapping[str, Payload] = field(default_factory=no_headers)


@dataclass
class TerminateWorkflowInput:
    """For `OutboundInterceptor.terminate_workflow`."""

    id: str
    run_id: str | None
    first_execution_run_id: str | None
    args: Sequence[Any]
    reason: str | None
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass
class StartWorkflowUpdateInput:
    """For `OutboundInterceptor.start_workflow_update`."""

    id: str
    run_id: str | None
    first_execution_run_id: str | None
    update_id: str | None
    """A fresh one where it is None."""
    update: str
    args: Sequence[Any]
    wait_for_stage: WorkflowUpdateStage
    ret_type: Any
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None
    headers: Mapping[str, Payload] = field(default_factory=no_headers)


@dataclass
class UpdateWithStartStartWorkflowInput:
    """The start in `StartWorkflowUpdateWithStartInput`."""

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
    search_attributes: TypedSearchAttributes | None = None
    start_delay: timedelta | None = None
    headers: Mapping[str, Payload] = field(default_factory=no_headers)
    static_summary: str | None = None
    static_details: str | None = None
    ret_type: Any = None
    request_id: str | None = None
    priority: Priority = Priority.default


@dataclass
class UpdateWithStartUpdateWorkflowInput:
    """The update in `StartWorkflowUpdateWithStartInput`."""

    update_id: str | None
    update: str
    args: Sequence[Any]
    wait_for_stage: WorkflowUpdateStage
    ret_type: Any
    headers: Mapping[str, Payload] = field(default_factory=no_headers)


@dataclass
class StartWorkflowUpdateWithStartInput:
    """For `OutboundInterceptor.start_update_with_start_workflow`."""

    start_workflow_input: UpdateWithStartStartWorkflowInput
    update_workflow_input: UpdateWithStartUpdateWorkflowInput
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None
    on_start: Callable[[Wire], None]
    """Told of the answer to the start, as often as it comes."""
    on_start_error: Callable[[BaseException], None]
    """Told why there was none."""


class Interceptor:
    """Sees what a client does. The first of several is the outermost.

    One that also is a `hourglass.worker.Interceptor` is that of the client's workers, too.
    """

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """What the client's calls go through; `next` itself for nothing. Asked once."""
        return next


class OutboundInterceptor:
    """Sees the calls of a client. Each method passes on to the next."""

    def __init__(self, next: OutboundInterceptor) -> None:
        self.next = next

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        """`Client.start_workflow` and `Client.execute_workflow`"""
        return await self.next.start_workflow(input)

    async def cancel_workflow(self, input: CancelWorkflowInput) -> None:
        """`WorkflowHandle.cancel`"""
        await self.next.cancel_workflow(input)

    async def describe_workflow(self, input: DescribeWorkflowInput) -> WorkflowExecutionDescription:
        """`WorkflowHandle.describe`"""
        return await self.next.describe_workflow(input)

    def fetch_workflow_history_events(
        self, input: FetchWorkflowHistoryEventsInput
    ) -> WorkflowHistoryEventAsyncIterator:
        """`WorkflowHandle.fetch_history_events`, and what waits for results or reads histories."""
        return self.next.fetch_workflow_history_events(input)

    def list_workflows(self, input: ListWorkflowsInput) -> WorkflowExecutionAsyncIterator:
        """`Client.list_workflows`"""
        return self.next.list_workflows(input)

    async def count_workflows(self, input: CountWorkflowsInput) -> WorkflowExecutionCount:
        """`Client.count_workflows`"""
        return await self.next.count_workflows(input)

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:
        """`WorkflowHandle.query`"""
        return await self.next.query_workflow(input)

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:
        """`WorkflowHandle.signal`"""
        await self.next.signal_workflow(input)

    async def terminate_workflow(self, input: TerminateWorkflowInput) -> None:
        """`WorkflowHandle.terminate`"""
        await self.next.terminate_workflow(input)

    async def start_workflow_update(
        self, input: StartWorkflowUpdateInput
    ) -> WorkflowUpdateHandle[Any]:
        """`WorkflowHandle.start_update` and `WorkflowHandle.execute_update`"""
        return await self.next.start_workflow_update(input)

    async def start_update_with_start_workflow(
        self, input: StartWorkflowUpdateWithStartInput
    ) -> WorkflowUpdateHandle[Any]:
        """`Client.start_update_with_start_workflow` and its sibling that executes"""
        return await self.next.start_update_with_start_workflow(input)

    async def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        """`Client.start_activity` and its siblings"""
        return await self.next.start_activity(input)

    async def cancel_activity(self, input: CancelActivityInput) -> None:
        """`ActivityHandle.cancel`"""
        await self.next.cancel_activity(input)

    async def terminate_activity(self, input: TerminateActivityInput) -> None:
        """`ActivityHandle.terminate`"""
        await self.next.terminate_activity(input)

    async def describe_activity(self, input: DescribeActivityInput) -> ActivityExecutionDescription:
        """`ActivityHandle.describe`"""
        return await self.next.describe_activity(input)

    async def pause_activity(self, input: PauseActivityInput) -> None:
        """`ActivityHandle.pause`"""
        await self.next.pause_activity(input)

    async def unpause_activity(self, input: UnpauseActivityInput) -> None:
        """`ActivityHandle.unpause`"""
        await self.next.unpause_activity(input)

    async def update_activity_options(
        self, input: UpdateActivityOptionsInput
    ) -> ActivityExecutionOptions:
        """`ActivityHandle.update_options` and `ActivityHandle.restore_original_options`"""
        return await self.next.update_activity_options(input)

    def list_activities(self, input: ListActivitiesInput) -> ActivityExecutionAsyncIterator:
        """`Client.list_activities`"""
        return self.next.list_activities(input)

    async def count_activities(self, input: CountActivitiesInput) -> ActivityExecutionCount:
        """`Client.count_activities`"""
        return await self.next.count_activities(input)

    async def heartbeat_async_activity(self, input: HeartbeatAsyncActivityInput) -> None:
        """`AsyncActivityHandle.heartbeat`"""
        await self.next.heartbeat_async_activity(input)

    async def complete_async_activity(self, input: CompleteAsyncActivityInput) -> None:
        """`AsyncActivityHandle.complete`"""
        await self.next.complete_async_activity(input)

    async def fail_async_activity(self, input: FailAsyncActivityInput) -> None:
        """`AsyncActivityHandle.fail`"""
        await self.next.fail_async_activity(input)

    async def report_cancellation_async_activity(
        self, input: ReportCancellationAsyncActivityInput
    ) -> None:
        """`AsyncActivityHandle.report_cancellation`"""
        await self.next.report_cancellation_async_activity(input)
