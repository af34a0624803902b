"""Futures that history resolves: their outcome is recorded, not decided here."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hourglass._bridge import Payload, Wire
    from hourglass.workflow._runtime.state import RunState

T = TypeVar("T")

if TYPE_CHECKING:
    _Future = asyncio.Future[T]
else:
    _Future = asyncio.Future


class Pending(_Future[T]):
    """The answer that history will give to a command.

    Cancelling it (or a task that awaits it) asks for cancellation once, and leaves it to history
    how it ends. That is why a cancelled wait ends with what was recorded, the same in every replay.
    """

    __slots__ = ("_cancel_asked", "_run", "_seq")

    kind: ClassVar[str]
    """The noun for messages."""

    def __init__(self, state: RunState, seq: int) -> None:
        super().__init__(loop=state.loop)
        self._run = state
        self._seq = seq
        self._cancel_asked = False

    def __hash__(self) -> int:
        return self._run.loop.hash_base - self._seq

    def cancel(self, msg: Any | None = None) -> bool:
        """Ask for cancellation; False when it is done already."""
        if self.done():
            return False
        loop = self._run.loop
        if loop.evicted:
            return super().cancel(msg)
        if not self._cancel_asked:
            loop.check_writable(f"cancel {self.kind}")
            self._cancel_asked = True
            self._ask_to_cancel(str(msg) if msg else "")
        return True

    @abstractmethod
    def _ask_to_cancel(self, reason: str) -> None:
        """Add the command, if there is one."""

    def _succeed(self, payload: Payload | None, result_type: Any) -> None:
        if payload is None:
            self.set_result(None)  # type: ignore[arg-type]
            return
        hints = None if result_type is None else [result_type]
        converter = self._run.payload_converter
        self.set_result(converter.from_payloads([payload], hints)[0])

    def _error(self, failure: Wire) -> BaseException:
        state = self._run
        return state.failure_converter.from_failure(failure, state.payload_converter)


class PendingJob(Pending[T]):
    """A future that jobs without a class of their own resolve (`hourglass._bridge.OtherJob`)."""

    __slots__ = ()

    @abstractmethod
    def resolve_job(self, variant: str, fields: Mapping[str, Any]) -> None:
        """Take what history recorded; done when nothing more comes."""


RESOLVES = {
    "resolve_child_workflow_execution_start": "child",
    "resolve_child_workflow_execution": "child",
    "resolve_signal_external_workflow": "signal",
    "resolve_request_cancel_external_workflow": "cancel",
}
"""Which of the run's numberings the ``seq`` of such a job belongs to."""
