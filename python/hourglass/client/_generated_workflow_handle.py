# Written by tools/generate_overloads.py from _workflow_handle.py.
"""The calls of `WorkflowHandle` to handlers, typed for every way to call them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from hourglass.client._requests._parts import UNSET, arguments

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from hourglass._typing import HandlerAnyParams, HandlerNoParam, HandlerOneParam
    from hourglass._updates import UpdateMethod
    from hourglass.client._update import UpdateOptions, WorkflowUpdateHandle, WorkflowUpdateStage
    from hourglass.common import QueryRejectCondition

SelfT = TypeVar("SelfT")
ParamT = TypeVar("ParamT")
R = TypeVar("R")


class WorkflowHandleCalls(Generic[SelfT]):
    """The typed calls of `WorkflowHandle`, which has their code."""

    @overload
    async def signal(
        self,
        signal: HandlerNoParam[SelfT, Any],
        *,
        rpc_metadata: Mapping[str, str] | None = ...,
        rpc_timeout: timedelta | None = ...,
    ) -> None: ...
    @overload
    async def signal(
        self,
        signal: HandlerOneParam[SelfT, ParamT, Any],
        arg: ParamT,
        *,
        rpc_metadata: Mapping[str, str] | None = ...,
        rpc_timeout: timedelta | None = ...,
    ) -> None: ...
    @overload
    async def signal(
        self,
        signal: HandlerAnyParams[SelfT, Any],
        *,
        args: Sequence[Any],
        rpc_metadata: Mapping[str, str] | None = ...,
        rpc_timeout: timedelta | None = ...,
    ) -> None: ...
    @overload
    async def signal(
        self,
        signal: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        rpc_metadata: Mapping[str, str] | None = ...,
        rpc_timeout: timedelta | None = ...,
    ) -> None: ...
    async def signal(
        self,
        signal: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        rpc_metadata: Mapping[str, str] | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> Any:
        """Send a signal. Returns when it is recorded. RPCError NOT_FOUND if the run is closed."""
        own: Any = self
        return await own._signal(
            signal, arguments(arg, args), rpc_metadata=rpc_metadata, rpc_timeout=rpc_timeout
        )

    @overload
    async def query(
        self,
        query: HandlerNoParam[SelfT, R],
        *,
        reject_condition: QueryRejectCondition | None = ...,
        rpc_metadata: Mapping[str, str] | None = ...,
        rpc_timeout: timedelta | None = ...,
    ) -> R: ...
    @overload
    async def query(
        self,
        query: HandlerOneParam[SelfT, ParamT, R],
        arg: ParamT,
        *,
        reject_condition: QueryRejectCondition | None = ...,
        rpc_metadata: Mapping[str, str] | None = ...,
        rpc_timeout: timedelta | None = ...,
    ) -> R: ...
    @overload
    async def query(
        self,
        query: HandlerAnyParams[SelfT, R],
        *,
        args: Sequence[Any],
        reject_condition: QueryRejectCondition | None = ...,
        rpc_metadata: Mapping[str, str] | None = ...,
        rpc_timeout: timedelta | None = ...,
    ) -> R: ...
    @overload
    async def query(
        self,
        query: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        reject_condition: QueryRejectCondition | None = ...,
        rpc_metadata: Mapping[str, str] | None = ...,
        rpc_timeout: timedelta | None = ...,
        result_type: type | None = ...,
    ) -> Any: ...
    async def query(
        self,
        query: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        reject_condition: QueryRejectCondition | None = None,
        rpc_metadata: Mapping[str, str] | None = None,
        rpc_timeout: timedelta | None = None,
        result_type: Any = None,
    ) -> Any:
        """Ask a query handler; needs a worker, also when the workflow is closed.

        Raises:
            WorkflowQueryFailedError: The handler raised, or there is none of that name.
            WorkflowQueryRejectedError: The reject condition held.
            RPCError: NOT_FOUND if there is no such workflow.
        """
        own: Any = self
        return await own._query(
            query,
            arguments(arg, args),
            reject_condition=reject_condition,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
            result_type=result_type,
        )

    @overload
    async def execute_update(
        self, update: UpdateMethod[SelfT, [], Any, R], **options: Unpack[UpdateOptions]
    ) -> R: ...
    @overload
    async def execute_update(
        self,
        update: UpdateMethod[SelfT, [ParamT], Any, R],
        arg: ParamT,
        **options: Unpack[UpdateOptions],
    ) -> R: ...
    @overload
    async def execute_update(
        self,
        update: UpdateMethod[SelfT, ..., Any, R],
        *,
        args: Sequence[Any],
        **options: Unpack[UpdateOptions],
    ) -> R: ...
    @overload
    async def execute_update(
        self,
        update: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: type | None = ...,
        **options: Unpack[UpdateOptions],
    ) -> Any: ...
    async def execute_update(
        self,
        update: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        result_type: Any = None,
        **options: Any,
    ) -> Any:
        """Send an update and wait for what its handler returns; needs a worker.

        Raises:
            WorkflowUpdateFailedError: It was rejected, or its handler failed: see `cause`.
            WorkflowUpdateRPCTimeoutOrCancelledError: `rpc_timeout` is over; the update goes on.
            RPCError: NOT_FOUND if there is no such open workflow.
        """
        own: Any = self
        return await own._execute_update(
            update, arguments(arg, args), result_type=result_type, **options
        )

    @overload
    async def start_update(
        self,
        update: UpdateMethod[SelfT, [], Any, R],
        *,
        wait_for_stage: WorkflowUpdateStage,
        **options: Unpack[UpdateOptions],
    ) -> WorkflowUpdateHandle[R]: ...
    @overload
    async def start_update(
        self,
        update: UpdateMethod[SelfT, [ParamT], Any, R],
        arg: ParamT,
        *,
        wait_for_stage: WorkflowUpdateStage,
        **options: Unpack[UpdateOptions],
    ) -> WorkflowUpdateHandle[R]: ...
    @overload
    async def start_update(
        self,
        update: UpdateMethod[SelfT, ..., Any, R],
        *,
        args: Sequence[Any],
        wait_for_stage: WorkflowUpdateStage,
        **options: Unpack[UpdateOptions],
    ) -> WorkflowUpdateHandle[R]: ...
    @overload
    async def start_update(
        self,
        update: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        wait_for_stage: WorkflowUpdateStage,
        result_type: type | None = ...,
        **options: Unpack[UpdateOptions],
    ) -> WorkflowUpdateHandle[Any]: ...
    async def start_update(
        self,
        update: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        wait_for_stage: WorkflowUpdateStage,
        result_type: Any = None,
        **options: Any,
    ) -> Any:
        """Send an update and wait until it is ACCEPTED or COMPLETED; its handle.

        An update that was rejected has a handle too: its `result` raises.

        Raises:
            WorkflowUpdateRPCTimeoutOrCancelledError: `rpc_timeout` is over; the update goes on.
            RPCError: NOT_FOUND if there is no such open workflow.
        """
        own: Any = self
        return await own._start_update(
            update,
            arguments(arg, args),
            wait_for_stage=wait_for_stage,
            result_type=result_type,
            **options,
        )
