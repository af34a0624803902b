"""Other workflows as a workflow sees them: signals to them, and cancellation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from hourglass._bridge import OtherCommand
from hourglass._typing import (
    HandlerAnyParams,
    HandlerNoParam,
    HandlerOneParam,
    ParamT,
    RunAnyParams,
    RunNoParam,
)
from hourglass.exceptions import InvalidArgumentError
from hourglass.workflow._definition.definition import SignalDefinition
from hourglass.workflow._runtime.activities import UNSET, arguments_of
from hourglass.workflow._runtime.context import current
from hourglass.workflow._runtime.pending import Pending, PendingJob

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire
    from hourglass.workflow._runtime.instance import WorkflowInstance

SelfT = TypeVar("SelfT")


class PendingSignal(PendingJob[None]):
    """A signal on its way. Cancelled, it is not sent if it has not been yet."""

    __slots__ = ()

    kind = "a signal"

    def _ask_to_cancel(self, reason: str) -> None:
        self._instance.commands.append(OtherCommand("cancel_signal_workflow", {"seq": self._seq}))

    def resolve_job(self, variant: str, fields: Mapping[str, Any]) -> None:
        if self.done():
            return
        if (failure := fields.get("failure")) is not None:
            self.set_exception(self._error(failure))
        else:
            self.set_result(None)


class PendingCancel(PendingSignal):
    """A request to cancel on its way. It can't be taken back: a cancelled wait ends at once."""

    __slots__ = ()

    kind = "a request to cancel"

    def cancel(self, msg: Any | None = None) -> bool:
        """Stop waiting; the request stands."""
        return super(Pending, self).cancel(msg)

    def _ask_to_cancel(self, reason: str) -> None:
        raise AssertionError("there is nothing to ask for")


async def send_signal(
    instance: WorkflowInstance,
    target: Wire,
    signal: Any,
    arguments: Sequence[Any],
    *,
    headers: Mapping[str, Payload] | None = None,
) -> None:
    """Signal a workflow or a child and wait until that is recorded at its end."""
    instance.loop.check_writable("signal a workflow")
    name = signal_name(signal)
    args = instance.payload_converter.to_payloads(arguments)
    seq = instance.next_seq("signal")
    fields = {"seq": seq, **target, "signal_name": name, "args": args}
    if headers:
        fields["headers"] = dict(headers)
    instance.pending["signal", seq] = pending = PendingSignal(instance, seq)
    instance.commands.append(OtherCommand("signal_external_workflow_execution", fields))
    await pending


async def request_cancel(execution: Wire, reason: str) -> None:
    """Ask a workflow to cancel itself and wait until that is recorded at its end."""
    instance = current()
    instance.loop.check_writable("cancel a workflow")
    seq = instance.next_seq("cancel")
    fields = {"seq": seq, "workflow_execution": execution, "reason": reason}
    instance.pending["cancel", seq] = pending = PendingCancel(instance, seq)
    instance.commands.append(OtherCommand("request_cancel_external_workflow_execution", fields))
    await pending


def signal_name(signal: Any) -> str:
    """The name to send; `DefinitionError` for what is no signal, or only takes any name."""
    if isinstance(signal, str):
        return signal
    name = SignalDefinition.of(signal).name
    if name is None:
        raise InvalidArgumentError(
            f"{signal.__qualname__} is a dynamic handler: say which name to send"
        )
    return name


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
        await request_cancel(self._execution(), reason)


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
    """The same, typed by the workflow's run method."""
    del workflow
    return get_external_workflow_handle(workflow_id, run_id=run_id)
