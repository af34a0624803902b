"""Interceptors of a client. Public in `hourglass.client`; their inputs are in `_inputs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hourglass.client._activity_execution import (
        ActivityExecutionAsyncIterator,
        ActivityExecutionCount,
        ActivityExecutionDescription,
    )
    from hourglass.client._activity_handle import ActivityHandle
    from hourglass.client._activity_options import ActivityExecutionOptions
    from hourglass.client._history import WorkflowHistoryEventAsyncIterator
    from hourglass.client._inputs import (
        CancelActivityInput,
        CancelWorkflowInput,
        CompleteAsyncActivityInput,
        CountActivitiesInput,
        CountWorkflowsInput,
        DescribeActivityInput,
        DescribeWorkflowInput,
        FailAsyncActivityInput,
        FetchWorkflowHistoryEventsInput,
        HeartbeatAsyncActivityInput,
        ListActivitiesInput,
        ListWorkflowsInput,
        PauseActivityInput,
        QueryWorkflowInput,
        ReportCancellationAsyncActivityInput,
        SignalWorkflowInput,
        StartActivityInput,
        StartWorkflowInput,
        StartWorkflowUpdateInput,
        StartWorkflowUpdateWithStartInput,
        TerminateActivityInput,
        TerminateWorkflowInput,
        UnpauseActivityInput,
        UpdateActivityOptionsInput,
    )
    from hourglass.client._update import WorkflowUpdateHandle
    from hourglass.client._workflow_execution import (
        WorkflowExecutionAsyncIterator,
        WorkflowExecutionCount,
        WorkflowExecutionDescription,
    )
    from hourglass.client._workflow_handle import WorkflowHandle


class Interceptor:
    """Sees what a client does. The first of several is the outermost.

    One that also is a `hourglass.worker.Interceptor` is that of the client's workers, too.
    """

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """Put something before `next`, or return it as it is. Called once."""
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
