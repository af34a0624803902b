"""Handles of other workflows: signal and cancel them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from hourglass._typing import (
    HandlerAnyParams,
    HandlerNoParam,
    HandlerOneParam,
    ParamT,
    RunAnyParams,
    RunNoParam,
)
from hourglass.exceptions import InvalidArgumentError
from hourglass.workflow._api.current import current
from hourglass.workflow._runtime.arguments import UNSET, arguments_of
from hourglass.workflow._runtime.external import request_cancel

if TYPE_CHECKING:
    from hourglass._bridge import Wire

SelfT = TypeVar("SelfT")


class ExternalWorkflowHandle(Generic[SelfT]):
    """A workflow that is not this one's child. Made by `get_external_workflow_handle`."""

    __slots__ = ("_id", "_run_id")

    def __init__(self, id: str, run_id: str | None) -> None:  # noqa: A002 - the convention's name
        self._id = id
        self._run_id = run_id

    @property
    def id(self) -> str:
        """The workflow id."""
        return self._id

    @property
    def run_id(self) -> str | None:
        """The run; None is whichever is open."""
        return self._run_id

    def _execution(self) -> Wire:
        return {
            "namespace": current().namespace,
            "workflow_id": self._id,
            "run_id": self._run_id or "",
        }

    @overload
    async def signal(self, signal: HandlerNoParam[SelfT, Any]) -> None: ...
    @overload
    async def signal(self, signal: HandlerOneParam[SelfT, ParamT, Any], arg: ParamT) -> None: ...
    @overload
    async def signal(
        self, signal: HandlerAnyParams[SelfT, Any], *, args: Sequence[Any]
    ) -> None: ...
    @overload
    async def signal(self, signal: str, arg: Any = ..., *, args: Sequence[Any] = ...) -> None: ...
    async def signal(self, signal: Any, arg: Any = UNSET, *, args: Sequence[Any] = ()) -> None:
        """Send a signal; returns when it is recorded there.

        Raises:
            ApplicationError: There is no such open workflow; `type` says so.
            CancelledError: It was cancelled before it was sent.
        """
        running = current()
        target = {"workflow_execution": self._execution()}
        await running.calls.send_signal(running, target, signal, arguments_of(arg, args))

    async def cancel(self, *, reason: str = "") -> None:
        """Ask it to cancel itself; returns when that is recorded there, not when it did.

        Raises:
            ApplicationError: There is no such workflow; `type` says so.
        """
        await request_cancel(current(), self._execution(), reason)


def get_external_workflow_handle(
    workflow_id: str, *, run_id: str | None = None
) -> ExternalWorkflowHandle[Any]:
    """The handle of a workflow that exists, or not: nothing is asked here."""
    current()
    if not workflow_id:
        raise InvalidArgumentError("the workflow id is empty")
    return ExternalWorkflowHandle(workflow_id, run_id)


@overload
def get_external_workflow_handle_for(
    workflow: RunNoParam[SelfT, Any], workflow_id: str, *, run_id: str | None = ...
) -> ExternalWorkflowHandle[SelfT]: ...
@overload
def get_external_workflow_handle_for(
    workflow: RunAnyParams[SelfT, Any], workflow_id: str, *, run_id: str | None = ...
) -> ExternalWorkflowHandle[SelfT]: ...
def get_external_workflow_handle_for(
    workflow: Any, workflow_id: str, *, run_id: str | None = None
) -> ExternalWorkflowHandle[Any]:
    """Return the handle of a workflow, typed by its run method."""
    del workflow
    return get_external_workflow_handle(workflow_id, run_id=run_id)
