"""A workflow from outside: its result, and everything one can ask or tell it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from hourglass._typing import HandlerAnyParams, HandlerNoParam, HandlerOneParam, ParamT
from hourglass.client._execution import WorkflowExecutionDescription
from hourglass.client._history_events import (
    ALL_EVENT,
    WorkflowHistoryEventAsyncIterator,
    WorkflowHistoryEventFilterType,
    close_event,
)
from hourglass.client._requests import get_workflow_execution_history
from hourglass.client._requests._parts import UNSET, arguments, duration
from hourglass.client._update_calls import UpdateCalls
from hourglass.common import QueryRejectCondition
from hourglass.exceptions import InvalidArgumentError, OperationTimeoutError

if TYPE_CHECKING:
    from hourglass import _bridge
    from hourglass._bridge import Wire
    from hourglass.client._client import Client
    from hourglass.client._history import WorkflowHistory

SelfT = TypeVar("SelfT")
ResultT = TypeVar("ResultT")
AnswerT = TypeVar("AnswerT")
_T = TypeVar("_T")
_Metadata = Mapping[str, str]


class WorkflowHandle(UpdateCalls[SelfT], Generic[SelfT, ResultT]):
    """A workflow by id. Making one asks nothing; the workflow may not exist."""

    def __init__(
        self,
        client: Client,
        id: str,  # noqa: A002 - the convention's name
        *,
        run_id: str | None = None,
        result_run_id: str | None = None,
        first_execution_run_id: str | None = None,
        result_type: Any = None,
    ) -> None:
        self._client = client
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

    async def _use(
        self, call_site: str, begin: Callable[[_bridge.Client], _bridge.Operation[_T]]
    ) -> _T:
        return await self._client.connection.use(call_site, begin)

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
        if rpc_metadata or self._client.intercepted:
            event = await self._close_event(follow_runs, rpc_metadata, timeout)
        else:
            closed = await self._use(
                "client_await_workflow",
                lambda native: native.await_workflow(
                    self._id,
                    self._result_run_id or "",
                    timeout=None if timeout is None else timeout.total_seconds(),
                    follow_runs=follow_runs,
                ),
            )
            event = closed["event"]
        result: ResultT = await get_workflow_execution_history.outcome(
            event, self._result_type, self._client.data_converter
        )
        return result

    async def _close_event(
        self, follow_runs: bool, rpc_metadata: _Metadata | None, timeout: timedelta | None
    ) -> Wire:
        closing = close_event(
            self._client,
            self._id,
            self._result_run_id,
            follow_runs=follow_runs,
            rpc_metadata=rpc_metadata,
        )
        seconds = None if timeout is None else timeout.total_seconds()
        try:
            return await asyncio.wait_for(closing, seconds)
        except asyncio.TimeoutError:
            raise OperationTimeoutError(f"{self._id} did not end in {seconds} seconds") from None

    async def cancel(
        self,
        *,
        reason: str = "",
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Ask the workflow to cancel itself. Returns when that is recorded, not when it did."""
        await self._client.calls.cancel_workflow(
            id=self._id,
            run_id=self._run_id,
            first_execution_run_id=self._first_execution_run_id,
            reason=reason,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )

    async def terminate(
        self,
        *args: Any,
        reason: str | None = None,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """End the workflow at once, without asking its code. `args` are kept as details."""
        await self._client.calls.terminate_workflow(
            id=self._id,
            run_id=self._run_id,
            first_execution_run_id=self._first_execution_run_id,
            args=args,
            reason=reason,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )

    async def describe(
        self, *, rpc_metadata: _Metadata | None = None, rpc_timeout: timedelta | None = None
    ) -> WorkflowExecutionDescription:
        """What the service knows about it."""
        return await self._client.calls.describe_workflow(
            id=self._id, run_id=self._run_id, rpc_metadata=rpc_metadata, rpc_timeout=rpc_timeout
        )

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
        """The events of the run; nothing is fetched before the iteration.

        Args:
            page_size: How many are fetched at a time, at most.
            next_page_token: Where another iteration stopped.
            wait_new_event: Go on with those that are yet to come, until the run has closed.
            event_filter_type: All of them, or the last one of a closed run.
            rpc_timeout: Of each fetch.

        Raises (in the iteration):
            RPCError: NOT_FOUND if there is no such workflow.
        """
        return self._client.calls.fetch_workflow_history_events(
            id=self._id,
            run_id=self._run_id,
            page_size=page_size,
            next_page_token=next_page_token,
            wait_new_event=wait_new_event,
            event_filter_type=event_filter_type,
            skip_archival=skip_archival,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )

    async def fetch_history(
        self,
        *,
        skip_archival: bool = False,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowHistory:
        """All events of the run, over all pages. See `fetch_history_events`."""
        from hourglass.client._history import WorkflowHistory

        asked = rpc_metadata or rpc_timeout is not None or skip_archival
        if not asked and not self._client.intercepted:
            return WorkflowHistory(
                await self._use(
                    "client_fetch_history",
                    lambda native: native.fetch_history(self._id, self._run_id or ""),
                )
            )
        events = self.fetch_history_events(
            skip_archival=skip_archival,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )
        return WorkflowHistory.from_events(self._id, [event async for event in events])

    # --- signal ------------------------------------------------------------------------------

    @overload
    async def signal(
        self,
        signal: HandlerNoParam[SelfT, Any],
        *,
        rpc_metadata: _Metadata | None = ...,
        rpc_timeout: timedelta | None = ...,
    ) -> None: ...
    @overload
    async def signal(
        self,
        signal: HandlerOneParam[SelfT, ParamT, Any],
        arg: ParamT,
        *,
        rpc_metadata: _Metadata | None = ...,
        rpc_timeout: timedelta | None = ...,
    ) -> None: ...
    @overload
    async def signal(
        self,
        signal: HandlerAnyParams[SelfT, Any],
        *,
        args: Sequence[Any],
        rpc_metadata: _Metadata | None = ...,
        rpc_timeout: timedelta | None = ...,
    ) -> None: ...
    @overload
    async def signal(
        self,
        signal: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        rpc_metadata: _Metadata | None = ...,
        rpc_timeout: timedelta | None = ...,
    ) -> None: ...
    async def signal(
        self,
        signal: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Send a signal. Returns when it is recorded. RPCError NOT_FOUND if the run is closed."""
        await self._client.calls.signal_workflow(
            id=self._id,
            run_id=self._run_id,
            signal=_signal_name(signal),
            args=arguments(arg, args),
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )

    # --- query -------------------------------------------------------------------------------

    @overload
    async def query(
        self,
        query: HandlerNoParam[SelfT, AnswerT],
        *,
        reject_condition: QueryRejectCondition | None = ...,
        rpc_metadata: _Metadata | None = ...,
        rpc_timeout: timedelta | None = ...,
    ) -> AnswerT: ...
    @overload
    async def query(
        self,
        query: HandlerOneParam[SelfT, ParamT, AnswerT],
        arg: ParamT,
        *,
        reject_condition: QueryRejectCondition | None = ...,
        rpc_metadata: _Metadata | None = ...,
        rpc_timeout: timedelta | None = ...,
    ) -> AnswerT: ...
    @overload
    async def query(
        self,
        query: HandlerAnyParams[SelfT, AnswerT],
        *,
        args: Sequence[Any],
        reject_condition: QueryRejectCondition | None = ...,
        rpc_metadata: _Metadata | None = ...,
        rpc_timeout: timedelta | None = ...,
    ) -> AnswerT: ...
    @overload
    async def query(
        self,
        query: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: type | None = ...,
        reject_condition: QueryRejectCondition | None = ...,
        rpc_metadata: _Metadata | None = ...,
        rpc_timeout: timedelta | None = ...,
    ) -> Any: ...
    async def query(
        self,
        query: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        result_type: type | None = None,
        reject_condition: QueryRejectCondition | None = None,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> Any:
        """Ask a query handler; needs a worker, also when the workflow is closed.

        Raises:
            WorkflowQueryFailedError: The handler raised, or there is none of that name.
            WorkflowQueryRejectedError: The reject condition held.
            RPCError: NOT_FOUND if there is no such workflow.
        """
        name, declared = _query_name(query)
        return await self._client.calls.query_workflow(
            id=self._id,
            run_id=self._run_id,
            query=name,
            args=arguments(arg, args),
            reject_condition=reject_condition
            or self._client.default_workflow_query_reject_condition,
            ret_type=result_type or declared,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )


def _signal_name(signal: str | Callable[..., Any]) -> str:
    """The signal's name. `DefinitionError` if it isn't one."""
    if isinstance(signal, str):
        return signal
    from hourglass.workflow._definition.definition import SignalDefinition

    return _not_dynamic(SignalDefinition.of(signal).name, signal)


def _query_name(query: str | Callable[..., Any]) -> tuple[str, Any]:
    """The query's name and declared answer. `DefinitionError` if it isn't one."""
    if isinstance(query, str):
        return query, None
    from hourglass.workflow._definition.definition import QueryDefinition

    definition = QueryDefinition.of(query)
    return _not_dynamic(definition.name, query), definition.ret_type


def _not_dynamic(name: str | None, handler: Any) -> str:
    if name is None:
        shown = getattr(handler, "__qualname__", repr(handler))
        raise InvalidArgumentError(f"{shown} is a dynamic handler: say which name to send")
    return name
