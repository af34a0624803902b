"""The typed faces of updates on a workflow handle."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from typing_extensions import TypedDict, Unpack

from hourglass._typing import ParamT
from hourglass._updates import UpdateMethod
from hourglass.client._requests._parts import UNSET, arguments
from hourglass.client._update import (
    WorkflowUpdateHandle,
    WorkflowUpdateStage,
    time_left,
    update_name,
)

if TYPE_CHECKING:
    from hourglass.client._client import Client

SelfT = TypeVar("SelfT")
R = TypeVar("R")


class UpdateOptions(TypedDict, total=False):
    """The keywords of every way to send an update."""

    id: str | None
    """Updates with one id are one update. A fresh one by default."""
    rpc_metadata: Mapping[str, str] | None
    rpc_timeout: timedelta | None
    """Give up waiting after that long; the update goes on."""


class UpdateCalls(Generic[SelfT]):
    """What a workflow handle can do with updates."""

    if TYPE_CHECKING:
        _client: Client
        _id: str
        _run_id: str | None
        _first_execution_run_id: str | None

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
        result_type: type | None = None,
        **options: Unpack[UpdateOptions],
    ) -> Any:
        """Send an update and wait for what its handler returns; needs a worker.

        Raises:
            WorkflowUpdateFailedError: It was rejected, or its handler failed: see `cause`.
            WorkflowUpdateRPCTimeoutOrCancelledError: `rpc_timeout` is over; the update goes on.
            RPCError: NOT_FOUND if there is no such open workflow.
        """
        begun, completed = time.monotonic(), WorkflowUpdateStage.COMPLETED
        handle = await self._start(update, arguments(arg, args), completed, result_type, options)
        return await handle.result(
            rpc_metadata=options.get("rpc_metadata"),
            rpc_timeout=time_left(options.get("rpc_timeout"), begun),
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
        result_type: type | None = None,
        **options: Unpack[UpdateOptions],
    ) -> WorkflowUpdateHandle[Any]:
        """Send an update and wait until it is ACCEPTED or COMPLETED; its handle.

        An update that was rejected has a handle too: its `result` raises.

        Raises:
            WorkflowUpdateRPCTimeoutOrCancelledError: `rpc_timeout` is over; the update goes on.
            RPCError: NOT_FOUND if there is no such open workflow.
        """
        return await self._start(update, arguments(arg, args), wait_for_stage, result_type, options)

    async def _start(
        self,
        update: Any,
        args: Sequence[Any],
        stage: WorkflowUpdateStage,
        result_type: type | None,
        options: UpdateOptions,
    ) -> WorkflowUpdateHandle[Any]:
        check_update_options(options)
        name, declared = update_name(update)
        return await self._client.calls.start_workflow_update(
            id=self._id,
            run_id=self._run_id,
            first_execution_run_id=self._first_execution_run_id,
            update_id=options.get("id"),
            update=name,
            args=args,
            wait_for_stage=stage,
            ret_type=declared if result_type is None else result_type,
            rpc_metadata=options.get("rpc_metadata"),
            rpc_timeout=options.get("rpc_timeout"),
        )

    def get_update_handle(
        self,
        id: str,  # noqa: A002 - the convention's name
        *,
        workflow_run_id: str | None = None,
        result_type: type | None = None,
    ) -> WorkflowUpdateHandle[Any]:
        """The handle of an update that was sent, or not: nothing is asked here."""
        return WorkflowUpdateHandle(
            self._client,
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
        """The same, typed by the update's method."""
        declared = update_name(update)[1]
        return self.get_update_handle(id, workflow_run_id=workflow_run_id, result_type=declared)


_KNOWN = frozenset(UpdateOptions.__annotations__)


def check_update_options(options: Mapping[str, Any]) -> None:
    """Refuse what is unknown, as for any call."""
    if not options.keys() <= _KNOWN:
        unknown = min(options.keys() - _KNOWN)
        raise TypeError(f"an update got an unexpected keyword argument {unknown!r}")
