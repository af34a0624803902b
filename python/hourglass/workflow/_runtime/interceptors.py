"""Interceptors of workflow code, and what they are given. Public in `hourglass.worker`.

A chain for what comes in (`WorkflowInboundInterceptor`) and one for what goes out; the last of each
does it (`_chain`). They run inside the workflow: what they do has to be the same in every replay.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from hourglass.common import Priority, WorkflowIDReusePolicy
from hourglass.workflow._runtime.activities import ActivityCancellationType
from hourglass.workflow._runtime.children import ChildWorkflowCancellationType, ParentClosePolicy

if TYPE_CHECKING:
    from hourglass._bridge import Payload
    from hourglass._search_attributes import AnySearchAttributes
    from hourglass.common import RetryPolicy
    from hourglass.workflow._runtime.activities import ActivityHandle
    from hourglass.workflow._runtime.children import ChildWorkflowHandle
    from hourglass.workflow._runtime.info import Info

Headers = Mapping[str, "Payload"]


def _none() -> Headers:
    return {}


@dataclass
class ExecuteWorkflowInput:
    """For `WorkflowInboundInterceptor.execute_workflow`."""

    type: type
    run_fn: Callable[..., Awaitable[Any]]
    """The run method, unbound."""
    args: Sequence[Any]
    headers: Headers = field(default_factory=_none)


@dataclass
class HandleSignalInput:
    """For `WorkflowInboundInterceptor.handle_signal`."""

    signal: str
    args: Sequence[Any]
    """As the handler takes them: a dynamic one its name, and raw values."""
    headers: Headers = field(default_factory=_none)


@dataclass
class HandleQueryInput:
    """For `WorkflowInboundInterceptor.handle_query`."""

    id: str
    query: str
    args: Sequence[Any]
    headers: Headers = field(default_factory=_none)


@dataclass
class HandleUpdateInput:
    """For both steps of an update; the second gets fresh arguments."""

    id: str
    update: str
    args: Sequence[Any]
    headers: Headers = field(default_factory=_none)


@dataclass
class ContinueAsNewInput:
    """For `WorkflowOutboundInterceptor.continue_as_new`."""

    workflow: str | None
    args: Sequence[Any]
    task_queue: str | None = None
    run_timeout: timedelta | None = None
    task_timeout: timedelta | None = None
    backoff_start_interval: timedelta | None = None
    retry_policy: RetryPolicy | None = None
    memo: Mapping[str, Any] | None = None
    search_attributes: AnySearchAttributes | None = None
    headers: Headers = field(default_factory=_none)
    arg_types: list[Any] | None = None


@dataclass
class SignalChildWorkflowInput:
    """For `WorkflowOutboundInterceptor.signal_child_workflow`."""

    signal: str
    args: Sequence[Any]
    child_workflow_id: str
    headers: Headers = field(default_factory=_none)


@dataclass
class SignalExternalWorkflowInput:
    """For `WorkflowOutboundInterceptor.signal_external_workflow`."""

    signal: str
    args: Sequence[Any]
    namespace: str
    workflow_id: str
    workflow_run_id: str | None
    headers: Headers = field(default_factory=_none)


@dataclass
class StartActivityInput:
    """For `WorkflowOutboundInterceptor.start_activity`."""

    activity: str
    args: Sequence[Any]
    activity_id: str | None = None
    task_queue: str | None = None
    schedule_to_close_timeout: timedelta | None = None
    schedule_to_start_timeout: timedelta | None = None
    start_to_close_timeout: timedelta | None = None
    heartbeat_timeout: timedelta | None = None
    retry_policy: RetryPolicy | None = None
    cancellation_type: ActivityCancellationType = ActivityCancellationType.TRY_CANCEL
    headers: Headers = field(default_factory=_none)
    disable_eager_execution: bool = False
    summary: str | None = None
    priority: Priority | None = None
    arg_types: list[Any] | None = None
    ret_type: Any = None


@dataclass
class StartLocalActivityInput:
    """For `WorkflowOutboundInterceptor.start_local_activity`."""

    activity: str
    args: Sequence[Any]
    activity_id: str | None = None
    schedule_to_close_timeout: timedelta | None = None
    schedule_to_start_timeout: timedelta | None = None
    start_to_close_timeout: timedelta | None = None
    retry_policy: RetryPolicy | None = None
    local_retry_threshold: timedelta | None = None
    cancellation_type: ActivityCancellationType = ActivityCancellationType.TRY_CANCEL
    headers: Headers = field(default_factory=_none)
    summary: str | None = None
    arg_types: list[Any] | None = None
    ret_type: Any = None


@dataclass
class StartChildWorkflowInput:
    """For `WorkflowOutboundInterceptor.start_child_workflow`."""

    workflow: str
    args: Sequence[Any]
    id: str
    task_queue: str | None = None
    cancellation_type: ChildWorkflowCancellationType = (
        ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED
    )
    parent_close_policy: ParentClosePolicy = ParentClosePolicy.TERMINATE
    execution_timeout: timedelta | None = None
    run_timeout: timedelta | None = None
    task_timeout: timedelta | None = None
    id_reuse_policy: WorkflowIDReusePolicy = WorkflowIDReusePolicy.ALLOW_DUPLICATE
    retry_policy: RetryPolicy | None = None
    cron_schedule: str = ""
    memo: Mapping[str, Any] | None = None
    search_attributes: AnySearchAttributes | None = None
    headers: Headers = field(default_factory=_none)
    static_summary: str | None = None
    static_details: str | None = None
    priority: Priority | None = None
    arg_types: list[Any] | None = None
    ret_type: Any = None


class WorkflowInboundInterceptor:
    """Sees what comes to a workflow; one for each run. Each method passes on to the next."""

    def __init__(self, next: WorkflowInboundInterceptor) -> None:
        self.next = next

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        """Begin a run. To see what goes out, pass `outbound` on wrapped in one of one's own."""
        self.next.init(outbound)

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        """Run the run method."""
        return await self.next.execute_workflow(input)

    async def handle_signal(self, input: HandleSignalInput) -> None:
        """Call a signal handler."""
        await self.next.handle_signal(input)

    async def handle_query(self, input: HandleQueryInput) -> Any:
        """Call a query handler. Nothing may be waited for or changed."""
        return await self.next.handle_query(input)

    def handle_update_validator(self, input: HandleUpdateInput) -> None:
        """Call an update's validator, if it has one. Nothing may be changed; raising rejects."""
        self.next.handle_update_validator(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        """Call an update's handler: the update was accepted."""
        return await self.next.handle_update_handler(input)


class WorkflowOutboundInterceptor:
    """Sees what a workflow asks for. Each method passes on to the next."""

    def __init__(self, next: WorkflowOutboundInterceptor) -> None:
        self.next = next

    def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:
        """`workflow.continue_as_new`: raises."""
        self.next.continue_as_new(input)

    def info(self) -> Info:
        """`workflow.info`"""
        return self.next.info()

    async def signal_child_workflow(self, input: SignalChildWorkflowInput) -> None:
        """`ChildWorkflowHandle.signal`"""
        await self.next.signal_child_workflow(input)

    async def signal_external_workflow(self, input: SignalExternalWorkflowInput) -> None:
        """`ExternalWorkflowHandle.signal`"""
        await self.next.signal_external_workflow(input)

    def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        """`workflow.start_activity`, `workflow.execute_activity` and their kin."""
        return self.next.start_activity(input)

    async def start_child_workflow(
        self, input: StartChildWorkflowInput
    ) -> ChildWorkflowHandle[Any, Any]:
        """`workflow.start_child_workflow` and `workflow.execute_child_workflow`"""
        return await self.next.start_child_workflow(input)

    def start_local_activity(self, input: StartLocalActivityInput) -> ActivityHandle[Any]:
        """`workflow.start_local_activity`, `workflow.execute_local_activity` and their kin."""
        return self.next.start_local_activity(input)
