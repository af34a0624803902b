"""Other workflows as a workflow sees them: signals to them, and cancellation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from hourglass._bridge import OtherCommand
from hourglass.exceptions import InvalidArgumentError
from hourglass.workflow._definition.definition import SignalDefinition
from hourglass.workflow._runtime.pending import Pending, PendingJob

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire
    from hourglass.workflow._runtime.state import RunState

SelfT = TypeVar("SelfT")


class PendingSignal(PendingJob[None]):
    """A signal on its way. Cancelled, it is not sent if it has not been yet."""

    __slots__ = ()

    kind = "a signal"

    def _ask_to_cancel(self, reason: str) -> None:
        self._run.commands.append(OtherCommand("cancel_signal_workflow", {"seq": self._seq}))

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
    state: RunState,
    target: Wire,
    signal: Any,
    arguments: Sequence[Any],
    *,
    headers: Mapping[str, Payload] | None = None,
) -> None:
    """Signal a workflow or a child and wait until that is recorded at its end."""
    state.loop.check_writable("signal a workflow")
    name = signal_name(signal)
    if not isinstance(signal, str):
        types = SignalDefinition.of(signal).arg_types
        state.payload_converter.check_values(arguments, types)
    args = state.payload_converter.to_payloads(arguments)
    seq = state.next_seq("signal")
    fields = {"seq": seq, **target, "signal_name": name, "args": args}
    if headers:
        fields["headers"] = dict(headers)
    state.pending["signal", seq] = pending = PendingSignal(state, seq)
    state.commands.append(OtherCommand("signal_external_workflow_execution", fields))
    await pending


async def request_cancel(state: RunState, execution: Wire, reason: str) -> None:
    """Ask a workflow to cancel itself and wait until that is recorded at its end."""
    state.loop.check_writable("cancel a workflow")
    seq = state.next_seq("cancel")
    fields = {"seq": seq, "workflow_execution": execution, "reason": reason}
    state.pending["cancel", seq] = pending = PendingCancel(state, seq)
    state.commands.append(OtherCommand("request_cancel_external_workflow_execution", fields))
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
