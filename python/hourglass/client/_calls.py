"""The calls of a client, done at once. With interceptors `_chain.InterceptedCalls` is in its place,
and this at the end of the chain: their inputs have the names of these parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from typing_extensions import Unpack

from hourglass.client import _execution
from hourglass.client._async_activity_calls import CompletingCalls
from hourglass.client._history_events import (
    WorkflowHistoryEventAsyncIterator,
    WorkflowHistoryEventFilterType,
)
from hourglass.client._list import WorkflowExecutionAsyncIterator, count_of
from hourglass.client._requests import (
    query_workflow,
    request_cancel_workflow_execution,
    signal_workflow_execution,
    terminate_workflow_execution,
)
from hourglass.client._requests import start_workflow_execution as start
from hourglass.client._requests._parts import execution
from hourglass.client._standalone_calls import StandaloneCalls
from hourglass.client._update import start_update
from hourglass.client._with_start import start_update_with_start
from hourglass.exceptions import RPCError

if TYPE_CHECKING:
    from hourglass._bridge import Payload
    from hourglass.client._execution import WorkflowExecutionDescription
    from hourglass.client._handle import WorkflowHandle
    from hourglass.client._interceptor import StartWorkflowUpdateWithStartInput
    from hourglass.client._list import WorkflowExecutionCount
    from hourglass.client._requests.start_workflow_execution import StartOptions
    from hourglass.client._update import WorkflowUpdateHandle, WorkflowUpdateStage
    from hourglass.common import QueryRejectCondition

    _Metadata = Mapping[str, str]
    _Headers = Mapping[str, Payload]


class Calls(StandaloneCalls, CompletingCalls):
    """Everything that interceptors may see; here what is about workflows."""

    async def start_workflow(
        self,
        *,
        workflow: str,
        args: Sequence[Any],
        ret_type: Any = None,
        headers: _Headers | None = None,
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[Any, Any]:
        """Start it; its handle."""
        client = self._client
        converter = client.data_converter
        request = await start.request(workflow, args, options, converter, headers=headers)
        try:
            run_id = await self._start(request, options)
        except RPCError as refused:
            raise start.error(refused, options["id"], workflow) from refused
        return client.handle_of_started(options["id"], run_id, ret_type)

    async def _start(self, request: dict[str, Any], options: StartOptions) -> str:
        connection = self._client.connection
        metadata, timeout = options.get("rpc_metadata"), options.get("rpc_timeout")
        if "signal_name" in request:
            rpc = "SignalWithStartWorkflowExecution"
        elif metadata or timeout is not None:
            rpc = "StartWorkflowExecution"
        else:
            return await connection.use(
                "client_start_workflow", lambda native: native.start_workflow(request)
            )
        run_id: str = (await connection.call(rpc, request, metadata, timeout))["run_id"]
        return run_id

    async def cancel_workflow(
        self,
        *,
        id: str,  # noqa: A002 - the convention's name
        run_id: str | None,
        first_execution_run_id: str | None,
        reason: str,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> None:
        """Ask it to cancel itself."""
        connection = self._client.connection
        request = request_cancel_workflow_execution.request(
            id, run_id, first_execution_run_id, reason
        )
        if rpc_metadata or rpc_timeout is not None:
            rpc = "RequestCancelWorkflowExecution"
            await connection.call(rpc, request, rpc_metadata, rpc_timeout)
        else:
            await connection.use(
                "client_cancel_workflow", lambda native: native.cancel_workflow(request)
            )

    async def terminate_workflow(
        self,
        *,
        id: str,  # noqa: A002 - the convention's name
        run_id: str | None,
        first_execution_run_id: str | None,
        args: Sequence[Any],
        reason: str | None,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> None:
        """End it at once."""
        request = await terminate_workflow_execution.request(
            id,
            run_id,
            first_execution_run_id=first_execution_run_id,
            reason=reason,
            details=args,
            converter=self._client.data_converter,
        )
        rpc = "TerminateWorkflowExecution"
        await self._client.connection.call(rpc, request, rpc_metadata, rpc_timeout)

    async def describe_workflow(
        self,
        *,
        id: str,  # noqa: A002 - the convention's name
        run_id: str | None,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> WorkflowExecutionDescription:
        """What the service knows about it."""
        client = self._client
        if rpc_metadata or rpc_timeout is not None:
            rpc, request = "DescribeWorkflowExecution", {"execution": execution(id, run_id)}
            response = await client.connection.call(rpc, request, rpc_metadata, rpc_timeout)
        else:
            response = await client.connection.use(
                "client_describe_workflow",
                lambda native: native.describe_workflow(id, run_id or ""),
            )
        return _execution.description_of(response, client.namespace, client.data_converter)

    def fetch_workflow_history_events(
        self,
        *,
        id: str,  # noqa: A002 - the convention's name
        run_id: str | None,
        page_size: int | None,
        next_page_token: bytes | None,
        wait_new_event: bool,
        event_filter_type: WorkflowHistoryEventFilterType,
        skip_archival: bool,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> WorkflowHistoryEventAsyncIterator:
        """Its events."""
        return WorkflowHistoryEventAsyncIterator(
            self._client,
            id,
            run_id,
            page_size=page_size,
            next_page_token=next_page_token,
            wait_new_event=wait_new_event,
            event_filter_type=event_filter_type,
            skip_archival=skip_archival,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )

    async def signal_workflow(
        self,
        *,
        id: str,  # noqa: A002 - the convention's name
        run_id: str | None,
        signal: str,
        args: Sequence[Any],
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
        headers: _Headers | None = None,
    ) -> None:
        """Send it a signal."""
        connection = self._client.connection
        request = await signal_workflow_execution.request(
            id, run_id, signal, args, self._client.data_converter, headers=headers
        )
        if rpc_metadata or rpc_timeout is not None:
            rpc = "SignalWorkflowExecution"
            await connection.call(rpc, request, rpc_metadata, rpc_timeout)
        else:
            await connection.use(
                "client_signal_workflow", lambda native: native.signal_workflow(request)
            )

    async def query_workflow(
        self,
        *,
        id: str,  # noqa: A002 - the convention's name
        run_id: str | None,
        query: str,
        args: Sequence[Any],
        reject_condition: QueryRejectCondition | None,
        ret_type: Any,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
        headers: _Headers | None = None,
    ) -> Any:
        """Ask one of its query handlers; the answer."""
        client = self._client
        request = await query_workflow.request(
            id,
            run_id,
            query,
            args=args,
            reject_condition=reject_condition,
            converter=client.data_converter,
            headers=headers,
        )
        try:
            response = await client.connection.call(
                "QueryWorkflow", request, rpc_metadata, rpc_timeout
            )
        except RPCError as refused:
            raise query_workflow.error(refused) from refused
        return await query_workflow.answer(response, ret_type, client.data_converter)

    def list_workflows(
        self,
        *,
        query: str | None,
        page_size: int,
        next_page_token: bytes | None,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
        limit: int | None,
    ) -> WorkflowExecutionAsyncIterator:
        """Workflows that a query finds."""
        return WorkflowExecutionAsyncIterator(
            self._client,
            query,
            limit=limit,
            page_size=page_size,
            next_page_token=next_page_token,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )

    async def count_workflows(
        self, *, query: str | None, rpc_metadata: _Metadata | None, rpc_timeout: timedelta | None
    ) -> WorkflowExecutionCount:
        """How many those are."""
        return count_of(
            await self._client.connection.call(
                "CountWorkflowExecutions", {"query": query or ""}, rpc_metadata, rpc_timeout
            )
        )

    async def start_workflow_update(
        self,
        *,
        id: str,  # noqa: A002 - the convention's name
        run_id: str | None,
        first_execution_run_id: str | None,
        update_id: str | None,
        update: str,
        args: Sequence[Any],
        wait_for_stage: WorkflowUpdateStage,
        ret_type: Any,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
        headers: _Headers | None = None,
    ) -> WorkflowUpdateHandle[Any]:
        """Send an update; its handle when it has come to that stage."""
        return await start_update(
            self._client,
            id,
            run_id,
            update,
            args=args,
            wait_for_stage=wait_for_stage,
            id=update_id,
            result_type=ret_type,
            first_execution_run_id=first_execution_run_id,
            headers=headers,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )

    async def start_update_with_start_workflow(
        self, given: StartWorkflowUpdateWithStartInput
    ) -> WorkflowUpdateHandle[Any]:
        """Start a workflow unless it runs, and update it."""
        return await start_update_with_start(self._client, given)
