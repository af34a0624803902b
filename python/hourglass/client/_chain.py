"""The chain of interceptors of a client, from its calls to what does them in the end."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from hourglass.client import _activity_inputs as of
from hourglass.client import _interceptor as to
from hourglass.client._calls import Calls
from hourglass.exceptions import InvalidArgumentError

if TYPE_CHECKING:
    from hourglass.client._activity_execution import ActivityExecutionDescription
    from hourglass.client._activity_handle import ActivityHandle
    from hourglass.client._activity_list import (
        ActivityExecutionAsyncIterator,
        ActivityExecutionCount,
    )
    from hourglass.client._activity_options import ActivityExecutionOptions
    from hourglass.client._client import Client
    from hourglass.client._execution import WorkflowExecutionDescription
    from hourglass.client._handle import WorkflowHandle
    from hourglass.client._history_events import WorkflowHistoryEventAsyncIterator
    from hourglass.client._list import WorkflowExecutionAsyncIterator, WorkflowExecutionCount
    from hourglass.client._update import WorkflowUpdateHandle

InputT = TypeVar("InputT")


def intercept(client: Client, interceptors: Sequence[to.Interceptor]) -> InterceptedCalls:
    """The calls through the interceptors. `InvalidArgumentError` for what is none."""
    first: to.OutboundInterceptor = _End(client)
    for one in reversed(interceptors):
        if not isinstance(one, to.Interceptor):
            raise InvalidArgumentError(f"interceptors: {one!r} is no hourglass.client.Interceptor")
        first = one.intercept_client(first)
    return InterceptedCalls(first)


def _input(kind: type[InputT], fields: dict[str, Any]) -> InputT:
    if fields.get("rpc_metadata", ()) is None:
        fields["rpc_metadata"] = {}
    return kind(**fields)


class InterceptedCalls(Calls):
    """Each call as its input, given to the first interceptor."""

    def __init__(self, first: to.OutboundInterceptor) -> None:
        self._first = first

    async def start_workflow(self, **fields: Any) -> WorkflowHandle[Any, Any]:
        return await self._first.start_workflow(_input(to.StartWorkflowInput, fields))

    async def cancel_workflow(self, **fields: Any) -> None:
        await self._first.cancel_workflow(_input(to.CancelWorkflowInput, fields))

    async def terminate_workflow(self, **fields: Any) -> None:
        await self._first.terminate_workflow(_input(to.TerminateWorkflowInput, fields))

    async def describe_workflow(self, **fields: Any) -> WorkflowExecutionDescription:
        return await self._first.describe_workflow(_input(to.DescribeWorkflowInput, fields))

    async def signal_workflow(self, **fields: Any) -> None:
        await self._first.signal_workflow(_input(to.SignalWorkflowInput, fields))

    async def query_workflow(self, **fields: Any) -> Any:
        return await self._first.query_workflow(_input(to.QueryWorkflowInput, fields))

    def fetch_workflow_history_events(self, **fields: Any) -> WorkflowHistoryEventAsyncIterator:
        given = _input(to.FetchWorkflowHistoryEventsInput, fields)
        return self._first.fetch_workflow_history_events(given)

    def list_workflows(self, **fields: Any) -> WorkflowExecutionAsyncIterator:
        return self._first.list_workflows(_input(to.ListWorkflowsInput, fields))

    async def count_workflows(self, **fields: Any) -> WorkflowExecutionCount:
        return await self._first.count_workflows(_input(to.CountWorkflowsInput, fields))

    async def start_workflow_update(self, **fields: Any) -> WorkflowUpdateHandle[Any]:
        return await self._first.start_workflow_update(_input(to.StartWorkflowUpdateInput, fields))

    async def start_update_with_start_workflow(
        self, given: to.StartWorkflowUpdateWithStartInput
    ) -> WorkflowUpdateHandle[Any]:
        return await self._first.start_update_with_start_workflow(given)

    async def start_activity(self, **fields: Any) -> ActivityHandle[Any]:
        return await self._first.start_activity(_input(of.StartActivityInput, fields))

    async def cancel_activity(self, **fields: Any) -> None:
        await self._first.cancel_activity(_input(of.CancelActivityInput, fields))

    async def terminate_activity(self, **fields: Any) -> None:
        await self._first.terminate_activity(_input(of.TerminateActivityInput, fields))

    async def describe_activity(self, **fields: Any) -> ActivityExecutionDescription:
        return await self._first.describe_activity(_input(of.DescribeActivityInput, fields))

    async def pause_activity(self, **fields: Any) -> None:
        await self._first.pause_activity(_input(of.PauseActivityInput, fields))

    async def unpause_activity(self, **fields: Any) -> None:
        await self._first.unpause_activity(_input(of.UnpauseActivityInput, fields))

    async def update_activity_options(self, **fields: Any) -> ActivityExecutionOptions:
        return await self._first.update_activity_options(
            _input(of.UpdateActivityOptionsInput, fields)
        )

    def list_activities(self, **fields: Any) -> ActivityExecutionAsyncIterator:
        return self._first.list_activities(_input(of.ListActivitiesInput, fields))

    async def count_activities(self, **fields: Any) -> ActivityExecutionCount:
        return await self._first.count_activities(_input(of.CountActivitiesInput, fields))

    async def heartbeat_async_activity(self, **fields: Any) -> None:
        await self._first.heartbeat_async_activity(_input(of.HeartbeatAsyncActivityInput, fields))

    async def complete_async_activity(self, **fields: Any) -> None:
        await self._first.complete_async_activity(_input(of.CompleteAsyncActivityInput, fields))

    async def fail_async_activity(self, **fields: Any) -> None:
        await self._first.fail_async_activity(_input(of.FailAsyncActivityInput, fields))

    async def report_cancellation_async_activity(self, **fields: Any) -> None:
        await self._first.report_cancellation_async_activity(
            _input(of.ReportCancellationAsyncActivityInput, fields)
        )


def _fields(given: Any) -> dict[str, Any]:
    return {one.name: getattr(given, one.name) for one in dataclasses.fields(given)}


class _End(to.OutboundInterceptor):
    """Does it. Whoever calls has the client; holding it here would make a cycle."""

    def __init__(self, client: Client) -> None:
        self._client = weakref.ref(client)

    @property
    def _calls(self) -> Calls:
        client = self._client()
        if client is None:
            raise ReferenceError("the client of these interceptors is gone")
        return Calls(client)

    async def start_workflow(self, input: to.StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        return await self._calls.start_workflow(**_fields(input))

    async def cancel_workflow(self, input: to.CancelWorkflowInput) -> None:
        await self._calls.cancel_workflow(**_fields(input))

    async def terminate_workflow(self, input: to.TerminateWorkflowInput) -> None:
        await self._calls.terminate_workflow(**_fields(input))

    async def describe_workflow(
        self, input: to.DescribeWorkflowInput
    ) -> WorkflowExecutionDescription:
        return await self._calls.describe_workflow(**_fields(input))

    async def signal_workflow(self, input: to.SignalWorkflowInput) -> None:
        await self._calls.signal_workflow(**_fields(input))

    async def query_workflow(self, input: to.QueryWorkflowInput) -> Any:
        return await self._calls.query_workflow(**_fields(input))

    def fetch_workflow_history_events(
        self, input: to.FetchWorkflowHistoryEventsInput
    ) -> WorkflowHistoryEventAsyncIterator:
        return self._calls.fetch_workflow_history_events(**_fields(input))

    def list_workflows(self, input: to.ListWorkflowsInput) -> WorkflowExecutionAsyncIterator:
        return self._calls.list_workflows(**_fields(input))

    async def count_workflows(self, input: to.CountWorkflowsInput) -> WorkflowExecutionCount:
        return await self._calls.count_workflows(**_fields(input))

    async def start_workflow_update(
        self, input: to.StartWorkflowUpdateInput
    ) -> WorkflowUpdateHandle[Any]:
        return await self._calls.start_workflow_update(**_fields(input))

    async def start_update_with_start_workflow(
        self, input: to.StartWorkflowUpdateWithStartInput
    ) -> WorkflowUpdateHandle[Any]:
        return await self._calls.start_update_with_start_workflow(input)

    async def start_activity(self, input: of.StartActivityInput) -> ActivityHandle[Any]:
        return await self._calls.start_activity(**_fields(input))

    async def cancel_activity(self, input: of.CancelActivityInput) -> None:
        await self._calls.cancel_activity(**_fields(input))

    async def terminate_activity(self, input: of.TerminateActivityInput) -> None:
        await self._calls.terminate_activity(**_fields(input))

    async def describe_activity(
        self, input: of.DescribeActivityInput
    ) -> ActivityExecutionDescription:
        return await self._calls.describe_activity(**_fields(input))

    async def pause_activity(self, input: of.PauseActivityInput) -> None:
        await self._calls.pause_activity(**_fields(input))

    async def unpause_activity(self, input: of.UnpauseActivityInput) -> None:
        await self._calls.unpause_activity(**_fields(input))

    async def update_activity_options(
        self, input: of.UpdateActivityOptionsInput
    ) -> ActivityExecutionOptions:
        return await self._calls.update_activity_options(**_fields(input))

    def list_activities(self, input: of.ListActivitiesInput) -> ActivityExecutionAsyncIterator:
        return self._calls.list_activities(**_fields(input))

    async def count_activities(self, input: of.CountActivitiesInput) -> ActivityExecutionCount:
        return await self._calls.count_activities(**_fields(input))

    async def heartbeat_async_activity(self, input: of.HeartbeatAsyncActivityInput) -> None:
        await self._calls.heartbeat_async_activity(**_fields(input))

    async def complete_async_activity(self, input: of.CompleteAsyncActivityInput) -> None:
        await self._calls.complete_async_activity(**_fields(input))

    async def fail_async_activity(self, input: of.FailAsyncActivityInput) -> None:
        await self._calls.fail_async_activity(**_fields(input))

    async def report_cancellation_async_activity(
        self, input: of.ReportCancellationAsyncActivityInput
    ) -> None:
        await self._calls.report_cancellation_async_activity(**_fields(input))
