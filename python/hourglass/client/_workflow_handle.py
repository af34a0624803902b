"""A workflow from outside: its result, and everything one can ask or tell it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from typing_extensions import Unpack

from hourglass.client._generated_workflow_handle import WorkflowHandleCalls
from hourglass.client._history import (
    ALL_EVENT,
    WorkflowHistory,
    WorkflowHistoryEventAsyncIterator,
    WorkflowHistoryEventFilterType,
    fetch_history,
)
from hourglass.client._inputs import (
    CancelWorkflowInput,
    DescribeWorkflowInput,
    FetchWorkflowHistoryEventsInput,
    QueryWorkflowInput,
    SignalWorkflowInput,
    StartWorkflowUpdateInput,
    TerminateWorkflowInput,
)
from hourglass.client._requests import get_workflow_execution_history
from hourglass.client._requests._parts import check_handler_arguments, duration, handler_of
from hourglass.client._update import (
    UpdateOptions,
    WorkflowUpdateHandle,
    WorkflowUpdateStage,
    check_update_options,
    time_left,
)
from hourglass.exceptions import OperationTimeoutError

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass._updates import UpdateMethod
    from hourglass.client._service import Service
    from hourglass.client._workflow_execution import WorkflowExecutionDescription
    from hourglass.common import QueryRejectCondition

SelfT = TypeVar("SelfT")
ResultT = TypeVar("ResultT")
R = TypeVar("R")
_Metadata = Mapping[str, str]


class WorkflowHandle(WorkflowHandleCalls[SelfT], Generic[SelfT, ResultT]):
    """A workflow by id. Making one asks nothing; the workflow may not exist."""

    def __init__(
        self,
        service: Service,
        id: str,  # noqa: A002 - the convention's name
        *,
        run_id: str | None = None,
        result_run_id: str | None = None,
        first_execution_run_id: str | None = None,
        result_type: Any = None,
    ) -> None:
        self._service = service
        self._id = id
        self._run_id = run_id
        self._result_run_id = result_run_id
        self._first_execution_run_id = first_execution_run_id
        self._result_type = result_type

    def __repr__(self) -> str:
        run = self._run_id or self._first_execution_run_id
        return f"<WorkflowHandle {self._id!r}{f' run {run}' if run else ''}>"

    @property
    def id(self) -> str:
        """The workflow id."""
        return self._id

    @property
    def run_id(self) -> str | None:
        """The run that signals, queries and describe go to; None is the latest."""
        return self._run_id

    @property
    def result_run_id(self) -> str | None:
        """The run whose result `result` waits for, from where it follows."""
        return self._result_run_id

    @property
    def first_execution_run_id(self) -> str | None:
        """The first run of the chain; cancel and terminate refuse any other chain."""
        return self._first_execution_run_id

    async def result(
        self,
        *,
        follow_runs: bool = True,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> ResultT:
        """Wait for the workflow to close; its result.

        Args:
            follow_runs: Go on through continue-as-new, retries and cron.
            rpc_timeout: Give up after that long; the workflow goes on.

        Raises:
            WorkflowFailureError: It failed, timed out, was cancelled or terminated: see `cause`.
            WorkflowContinuedAsNewError: It continued as new, and `follow_runs` is False.
            OperationTimeoutError: `rpc_timeout` is over.
            RPCError: NOT_FOUND if there is no such workflow.
        """
        timeout = duration("rpc_timeout", rpc_timeout)
        seconds = None if timeout is None else timeout.total_seconds()
        try:
            event = await asyncio.wait_for(
                self._close_event(rpc_metadata or {}, follow_runs=follow_runs), seconds
            )
        except OperationTimeoutError:
            raise
        except asyncio.TimeoutError:
            raise OperationTimeoutError(f"{self._id} did not end in {seconds} seconds") from None
        result: ResultT = await get_workflow_execution_history.outcome(
            event, self._result_type, self._service.data_converter
        )
        return result

    async def _close_event(self, rpc_metadata: _Metadata, *, follow_runs: bool) -> Wire:
        """Wait until it has closed; with `follow_runs`, in the last of its runs."""
        run_id = self._result_run_id
        while True:
            events: WorkflowHistoryEventAsyncIterator = self._fetch_history_events(
                run_id,
                wait_new_event=True,
                event_filter_type=WorkflowHistoryEventFilterType.CLOSE_EVENT,
                skip_archival=True,
                rpc_metadata=rpc_metadata,
            )
            async for event in events:
                run_id = get_workflow_execution_history.next_run(event) if follow_runs else None
                if run_id is None:
                    return event

    async def cancel(
        self,
        *,
        reason: str = "",
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Ask the workflow to cancel itself. Returns when that is recorded, not when it did."""
        await self._service.outbound.cancel_workflow(
            CancelWorkflowInput(
                self._id,
                self._run_id,
                self._first_execution_run_id,
                reason,
                rpc_metadata or {},
                rpc_timeout,
            )
        )

    async def terminate(
        self,
        *args: Any,
        reason: str | None = None,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """End the workflow at once, without asking its code. `args` are kept as details."""
        await self._service.outbound.terminate_workflow(
            TerminateWorkflowInput(
                self._id,
                self._run_id,
                self._first_execution_run_id,
                args,
                reason,
                rpc_metadata or {},
                rpc_timeout,
            )
        )

    async def describe(
        self, *, rpc_metadata: _Metadata | None = None, rpc_timeout: timedelta | None = None
    ) -> WorkflowExecutionDescription:
        """Ask the service what it knows about the workflow."""
        described: WorkflowExecutionDescription = await self._service.outbound.describe_workflow(
            DescribeWorkflowInput(self._id, self._run_id, rpc_metadata or {}, rpc_timeout)
        )
        return described

    def fetch_history_events(
        self,
        *,
        page_size: int | None = None,
        next_page_token: bytes | None = None,
        wait_new_event: bool = False,
        event_filter_type: WorkflowHistoryEventFilterType = ALL_EVENT,
        skip_archival: bool = False,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowHistoryEventAsyncIterator:
        """Iterate over the events of the run; nothing is fetched before the iteration.

        Args:
            page_size: The largest number that is fetched at a time.
            next_page_token: The place where another iteration stopped.
            wait_new_event: Go on with those that are yet to come, until the run has closed.
            event_filter_type: All of them, or the last one of a closed run.
            rpc_timeout: Of each fetch.

        Raises (in the iteration):
            RPCError: NOT_FOUND if there is no such workflow.
        """
        return self._fetch_history_events(
            self._run_id,
            page_size=page_size,
            next_page_token=next_page_token,
            wait_new_event=wait_new_event,
            event_filter_type=event_filter_type,
            skip_archival=skip_archival,
            rpc_metadata=rpc_metadata or {},
            rpc_timeout=rpc_timeout,
        )

    def _fetch_history_events(
        self,
        run_id: str | None,
        *,
        page_size: int | None = None,
        next_page_token: bytes | None = None,
        wait_new_event: bool,
        event_filter_type: WorkflowHistoryEventFilterType,
        skip_archival: bool,
        rpc_metadata: _Metadata,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowHistoryEventAsyncIterator:
        given = FetchWorkflowHistoryEventsInput(
            self._id,
            run_id,
            page_size,
            next_page_token,
            wait_new_event,
            event_filter_type,
            skip_archival,
            rpc_metadata,
            rpc_timeout,
        )
        events: WorkflowHistoryEventAsyncIterator
        events = self._service.outbound.fetch_workflow_history_events(given)
        return events

    async def fetch_history(
        self,
        *,
        skip_archival: bool = False,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowHistory:
        """Fetch all events of the run, over all pages. See `fetch_history_events`."""
        return await fetch_history(
            self._service,
            self._id,
            self._run_id,
            skip_archival=skip_archival,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )

    def get_update_handle(
        self,
        id: str,  # noqa: A002 - the convention's name
        *,
        workflow_run_id: str | None = None,
        result_type: type | None = None,
    ) -> WorkflowUpdateHandle[Any]:
        """Make the handle of an update that was sent, or not: nothing is asked here."""
        return WorkflowUpdateHandle(
            self._service,
            id,
            self._id,
            workflow_run_id=workflow_run_id or self._run_id,
            result_type=result_type,
        )

    def get_update_handle_for(
        self,
        update: UpdateMethod[SelfT, ..., Any, R],
        id: str,  # noqa: A002 - the convention's name
        *,
        workflow_run_id: str | None = None,
    ) -> WorkflowUpdateHandle[R]:
        """Make such a handle, typed by the update's method."""
        declared = handler_of("update", update)[1]
        return self.get_update_handle(id, workflow_run_id=workflow_run_id, result_type=declared)

    # --- the code of the calls in `WorkflowHandleCalls` --------------------------------------

    async def _signal(
        self,
        signal: str | Callable[..., Any],
        args: Sequence[Any],
        *,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> None:
        """Send a signal. Returns when it is recorded. RPCError NOT_FOUND if the run is closed."""
        name, _ = handler_of("signal", signal)
        check_handler_arguments("signal", signal, args, self._service.data_converter)
        await self._service.outbound.signal_workflow(
            SignalWorkflowInput(self._id, self._run_id, name, args, rpc_metadata or {}, rpc_timeout)
        )

    async def _query(
        self,
        query: str | Callable[..., Any],
        args: Sequence[Any],
        *,
        reject_condition: QueryRejectCondition | None,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
        result_type: type | None,
    ) -> Any:
        """Ask a query handler; needs a worker, also when the workflow is closed.

        Raises:
            WorkflowQueryFailedError: The handler raised, or there is none of that name.
            WorkflowQueryRejectedError: The reject condition held.
            RPCError: NOT_FOUND if there is no such workflow.
        """
        name, declared = handler_of("query", query)
        check_handler_arguments("query", query, args, self._service.data_converter)
        return await self._service.outbound.query_workflow(
            QueryWorkflowInput(
                self._id,
                self._run_id,
                name,
                args,
                reject_condition or self._service.query_reject_condition,
                result_type or declared,
                rpc_metadata or {},
                rpc_timeout,
            )
        )

    async def _execute_update(
        self,
        update: Any,
        args: Sequence[Any],
        *,
        result_type: type | None,
        **options: Unpack[UpdateOptions],
    ) -> Any:
        """Send an update and wait for what its handler returns; needs a worker.

        Raises:
            WorkflowUpdateFailedError: It was rejected, or its handler failed: see `cause`.
            WorkflowUpdateRPCTimeoutOrCancelledError: `rpc_timeout` is over; the update goes on.
            RPCError: NOT_FOUND if there is no such open workflow.
        """
        begun = time.monotonic()
        handle = await self._start_update(
            update,
            args,
            wait_for_stage=WorkflowUpdateStage.COMPLETED,
            result_type=result_type,
            **options,
        )
        return await handle.result(
            rpc_metadata=options.get("rpc_metadata"),
            rpc_timeout=time_left(options.get("rpc_timeout"), begun),
        )

    async def _start_update(
        self,
        update: Any,
        args: Sequence[Any],
        *,
        wait_for_stage: WorkflowUpdateStage,
        result_type: type | None,
        **options: Unpack[UpdateOptions],
    ) -> WorkflowUpdateHandle[Any]:
        """Send an update and wait until it is ACCEPTED or COMPLETED; its handle.

        An update that was rejected has a handle too: its `result` raises.

        Raises:
            WorkflowUpdateRPCTimeoutOrCancelledError: `rpc_timeout` is over; the update goes on.
            RPCError: NOT_FOUND if there is no such open workflow.
        """
        check_update_options(options)
        name, declared = handler_of("update", update)
        check_handler_arguments("update", update, args, self._service.data_converter)
        handle: WorkflowUpdateHandle[Any] = await self._service.outbound.start_workflow_update(
            StartWorkflowUpdateInput(
                self._id,
                self._run_id,
                self._first_execution_run_id,
                options.get("id"),
                name,
                args,
                wait_for_stage,
                declared if result_type is None else result_type,
                options.get("rpc_metadata") or {},
                options.get("rpc_timeout"),
            )
        )
        return handle
