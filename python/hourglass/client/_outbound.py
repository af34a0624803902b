"""The end of the chain of interceptors: sends the calls of a client to its service."""

from __future__ import annotations

import uuid
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hourglass.activity._cancellation import ActivityCancellationDetails
from hourglass.client._activity_execution import ActivityExecutionAsyncIterator
from hourglass.client._activity_execution import count_of as count_of_activities
from hourglass.client._activity_execution import description_of as description_of_activity
from hourglass.client._activity_handle import ActivityHandle
from hourglass.client._activity_options import changes, options_of
from hourglass.client._async_activity import AsyncActivityCancelledError
from hourglass.client._history import WorkflowHistoryEventAsyncIterator
from hourglass.client._interceptor import Interceptor, OutboundInterceptor
from hourglass.client._requests import (
    activity_task,
    execute_multi_operation,
    query_workflow,
    request_cancel_workflow_execution,
    signal_workflow_execution,
    start_activity_execution,
    start_workflow_execution,
    terminate_workflow_execution,
    update_workflow_execution,
)
from hourglass.client._requests._parts import UNSET, compact, duration, execution, payloads
from hourglass.client._requests.activity_execution import explained, reference
from hourglass.client._update import (
    WorkflowUpdateHandle,
    WorkflowUpdateStage,
    check_stage,
    handle_of,
    long_call,
    start_update,
)
from hourglass.client._workflow_execution import (
    WorkflowExecutionAsyncIterator,
    count_of,
    description_of,
)
from hourglass.client._workflow_handle import WorkflowHandle
from hourglass.exceptions import InvalidArgumentError, RPCError, RPCStatusCode

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.client import _inputs as of
    from hourglass.client._activity_execution import (
        ActivityExecutionCount,
        ActivityExecutionDescription,
    )
    from hourglass.client._activity_options import ActivityExecutionOptions
    from hourglass.client._requests.activity_task import AsyncActivityIDReference
    from hourglass.client._service import HasOptions, Service
    from hourglass.client._workflow_execution import (
        WorkflowExecutionCount,
        WorkflowExecutionDescription,
    )


def intercept(service: Service, interceptors: Sequence[Interceptor]) -> None:
    """Have all calls go through the interceptors. `InvalidArgumentError` for what is none."""
    first: OutboundInterceptor = Outbound(service)
    for one in reversed(interceptors):
        if not isinstance(one, Interceptor):
            raise InvalidArgumentError(f"interceptors: {one!r} is no hourglass.client.Interceptor")
        first = one.intercept_client(first)
    service.outbound, service.intercepted = first, bool(interceptors)


class Outbound(OutboundInterceptor):
    """Sends every call to the service.

    The service holds the chain, and a caller holds the service. A reference back would make a
    cycle: a client that is dropped would keep its database until the next collection.
    """

    def __init__(self, service: Service) -> None:
        self._reference = weakref.ref(service)

    @property
    def _service(self) -> Service:
        service = self._reference()
        if service is None:
            raise ReferenceError("the client of these interceptors is gone")
        return service

    # --- workflows ---------------------------------------------------------------------------

    async def start_workflow(self, input: of.StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        service = self._service
        request = await start_workflow_execution.request(input, service.data_converter)
        with_signal = "SignalWithStart" if "signal_name" in request else "Start"
        try:
            answer = await service.call(f"{with_signal}WorkflowExecution", request, input)
        except RPCError as refused:
            meaning = start_workflow_execution.error(refused, input.id, input.workflow)
            if meaning is None:
                raise
            raise meaning from None
        return _started(service, input, answer)

    async def cancel_workflow(self, input: of.CancelWorkflowInput) -> None:
        request = request_cancel_workflow_execution.request(
            input.id, input.run_id, input.first_execution_run_id, input.reason
        )
        await self._service.call("RequestCancelWorkflowExecution", request, input)

    async def terminate_workflow(self, input: of.TerminateWorkflowInput) -> None:
        service = self._service
        request = await terminate_workflow_execution.request(
            input.id,
            input.run_id,
            first_execution_run_id=input.first_execution_run_id,
            reason=input.reason,
            details=input.args,
            converter=service.data_converter,
        )
        await service.call("TerminateWorkflowExecution", request, input)

    async def describe_workflow(
        self, input: of.DescribeWorkflowInput
    ) -> WorkflowExecutionDescription:
        service, request = self._service, {"execution": execution(input.id, input.run_id)}
        answer = await service.call("DescribeWorkflowExecution", request, input)
        return description_of(answer, service.namespace, service.data_converter)

    def fetch_workflow_history_events(
        self, input: of.FetchWorkflowHistoryEventsInput
    ) -> WorkflowHistoryEventAsyncIterator:
        return WorkflowHistoryEventAsyncIterator(self._service, input)

    async def signal_workflow(self, input: of.SignalWorkflowInput) -> None:
        service = self._service
        request = await signal_workflow_execution.request(
            input.id,
            input.run_id,
            input.signal,
            input.args,
            service.data_converter,
            headers=input.headers,
        )
        await service.call("SignalWorkflowExecution", request, input)

    async def query_workflow(self, input: of.QueryWorkflowInput) -> Any:
        service = self._service
        request = await query_workflow.request(
            input.id,
            input.run_id,
            input.query,
            args=input.args,
            reject_condition=input.reject_condition,
            converter=service.data_converter,
            headers=input.headers,
        )
        try:
            answer = await service.call("QueryWorkflow", request, input)
        except RPCError as refused:
            failed = await query_workflow.error(refused, service.data_converter)
            if failed is None:
                raise
            raise failed from None
        return await query_workflow.answer(answer, input.ret_type, service.data_converter)

    def list_workflows(self, input: of.ListWorkflowsInput) -> WorkflowExecutionAsyncIterator:
        return WorkflowExecutionAsyncIterator(self._service, input)

    async def count_workflows(self, input: of.CountWorkflowsInput) -> WorkflowExecutionCount:
        request = {"query": input.query or ""}
        return count_of(await self._service.call("CountWorkflowExecutions", request, input))

    # --- updates -----------------------------------------------------------------------------

    async def start_workflow_update(
        self, input: of.StartWorkflowUpdateInput
    ) -> WorkflowUpdateHandle[Any]:
        return await start_update(self._service, input)

    async def start_update_with_start_workflow(
        self, input: of.StartWorkflowUpdateWithStartInput
    ) -> WorkflowUpdateHandle[Any]:
        service = self._service
        start, update = input.start_workflow_input, input.update_workflow_input
        update_id = update.update_id or str(uuid.uuid4())
        request = await _start_and_update(service, start, update, update_id)
        call = long_call(service, input, f"answer to the update with start of {start.id!r}")
        while True:
            try:
                answer = await call.send("ExecuteMultiOperation", request)
            except RPCError as refused:
                meaning = execute_multi_operation.error(refused, start.id, start.workflow)
                if meaning is None:
                    raise
                raise meaning from None
            started, updated = execute_multi_operation.answers(answer)
            input.on_start(_started(service, start, started))
            if updated.get("stage", 0) >= WorkflowUpdateStage.ACCEPTED:
                return handle_of(service, start.id, update_id, updated, update.ret_type)

    # --- standalone activities ---------------------------------------------------------------

    async def start_activity(self, input: of.StartActivityInput) -> ActivityHandle[Any]:
        service = self._service
        request = await start_activity_execution.request(input, service.data_converter)
        try:
            answer = await self._about_activity("StartActivityExecution", request, input)
        except RPCError as refused:
            if refused.status is not RPCStatusCode.ALREADY_EXISTS:
                raise
            raise start_activity_execution.already_started(
                refused, input.id, input.activity_type
            ) from None
        return ActivityHandle(
            service, input.id, run_id=answer["run_id"], result_type=input.result_type
        )

    async def cancel_activity(self, input: of.CancelActivityInput) -> None:
        request = reference(input.activity_id, input.activity_run_id, reason=input.reason)
        await self._about_activity("RequestCancelActivityExecution", request, input)

    async def terminate_activity(self, input: of.TerminateActivityInput) -> None:
        request = reference(input.activity_id, input.activity_run_id, reason=input.reason)
        await self._about_activity("TerminateActivityExecution", request, input)

    async def describe_activity(
        self, input: of.DescribeActivityInput
    ) -> ActivityExecutionDescription:
        service = self._service
        request = reference(
            input.activity_id,
            input.activity_run_id,
            include_input=input.include_input,
            include_outcome=input.include_outcome,
            include_heartbeat_details=input.include_heartbeat_details,
            include_last_failure=input.include_last_failure,
        )
        answer = await self._about_activity("DescribeActivityExecution", request, input)
        return description_of_activity(answer, service.namespace, service.data_converter)

    async def pause_activity(self, input: of.PauseActivityInput) -> None:
        request = reference(input.activity_id, input.activity_run_id, reason=input.reason)
        await self._about_activity("PauseActivityExecution", request, input)

    async def unpause_activity(self, input: of.UnpauseActivityInput) -> None:
        given = {"reason": input.reason, "jitter": duration("jitter", input.jitter)}
        request = reference(input.activity_id, input.activity_run_id, **given)
        await self._about_activity("UnpauseActivityExecution", request, input)

    async def update_activity_options(
        self, input: of.UpdateActivityOptionsInput
    ) -> ActivityExecutionOptions:
        given = {"restore_original": True} if input.restore_original else changes(input.updates)
        request = reference(input.activity_id, input.activity_run_id, **given)
        rpc = "UpdateActivityExecutionOptions"
        return options_of(await self._about_activity(rpc, request, input))

    def list_activities(self, input: of.ListActivitiesInput) -> ActivityExecutionAsyncIterator:
        return ActivityExecutionAsyncIterator(self._service, input)

    async def count_activities(self, input: of.CountActivitiesInput) -> ActivityExecutionCount:
        request = {"query": input.query or ""}
        answer = await self._about_activity("CountActivityExecutions", request, input)
        return count_of_activities(answer)

    async def _about_activity(
        self, rpc: str, request: Mapping[str, Any], options: HasOptions
    ) -> Wire:
        service = self._service
        with explained(service):
            return await service.call(rpc, request, options)

    # --- activities that complete from outside -----------------------------------------------

    async def heartbeat_async_activity(self, input: of.HeartbeatAsyncActivityInput) -> None:
        content = {"details": await payloads(self._service.data_converter, input.details)}
        rpc = "RecordActivityTaskHeartbeat"
        answer = await self._answer_task(rpc, input.id_or_token, content, input)
        told = ActivityCancellationDetails(
            cancel_requested=answer.get("cancel_requested", False),
            paused=answer.get("activity_paused", False),
            reset=answer.get("activity_reset", False),
        )
        if told.cancel_requested or told.paused or told.reset:
            raise AsyncActivityCancelledError(told)

    async def complete_async_activity(self, input: of.CompleteAsyncActivityInput) -> None:
        values = () if input.result is UNSET else (input.result,)
        content = {"result": await payloads(self._service.data_converter, values)}
        await self._answer_task("RespondActivityTaskCompleted", input.id_or_token, content, input)

    async def fail_async_activity(self, input: of.FailAsyncActivityInput) -> None:
        converter = self._service.data_converter
        content = {
            "failure": await converter.encode_failure(input.error),
            "last_heartbeat_details": await payloads(converter, input.last_heartbeat_details),
        }
        await self._answer_task("RespondActivityTaskFailed", input.id_or_token, content, input)

    async def report_cancellation_async_activity(
        self, input: of.ReportCancellationAsyncActivityInput
    ) -> None:
        content = {"details": await payloads(self._service.data_converter, input.details)}
        await self._answer_task("RespondActivityTaskCanceled", input.id_or_token, content, input)

    async def _answer_task(
        self,
        rpc: str,
        id_or_token: AsyncActivityIDReference | bytes,
        content: Mapping[str, Any],
        options: HasOptions,
    ) -> Wire:
        name, task = activity_task.call(rpc, id_or_token)
        return await self._service.call(name, {**task, **compact(content)}, options)


def _started(
    service: Service,
    given: of.WorkflowStart,
    answer: Wire,
) -> WorkflowHandle[Any, Any]:
    """Make the handle of a workflow that was started with this run."""
    run_id = answer.get("run_id", "")
    return WorkflowHandle(
        service,
        given.id,
        result_run_id=run_id,
        first_execution_run_id=run_id,
        result_type=given.ret_type,
    )


async def _start_and_update(
    service: Service,
    start: of.UpdateWithStartStartWorkflowInput,
    update: of.UpdateWithStartUpdateWorkflowInput,
    update_id: str,
) -> Wire:
    converter, identity = service.data_converter, service.identity
    return execute_multi_operation.request(
        service.namespace,
        identity,
        await start_workflow_execution.request(start, converter),
        await update_workflow_execution.request(
            start.id,
            None,
            update.update,
            args=update.args,
            update_id=update_id,
            stage=check_stage(update.wait_for_stage),
            identity=identity,
            first_execution_run_id=None,
            converter=converter,
            headers=update.headers,
        ),
    )
