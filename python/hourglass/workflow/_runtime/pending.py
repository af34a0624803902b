"""Futures that history resolves: their outcome is recorded, not decided here."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from hourglass.workflow._runtime.tasks import deliver

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hourglass._bridge import Payload, Wire
    from hourglass.workflow._runtime.state import RunState
    from hourglass.workflow._runtime.tasks import Chain

T = TypeVar("T")

if TYPE_CHECKING:
    _Future = asyncio.Future[T]
else:
    _Future = asyncio.Future


class Pending(_Future[T]):
    """The answer that history will give to a command.

    Cancelling it (or a task that awaits it) asks for cancellation once, and leaves it to history
    how it ends. That is why a cancelled wait ends with what was recorded, the same in every replay.

    ::

        waiting --cancel--> asked --an error--> done      the task that was cancelled knows
                            asked --a value--> done       it is cancelled again at its next wait
                            asked by a timeout --a value--> done   the timeout was first: no value

    An error is an answer, whatever it says: code that cleans up after it is let finish.
    """

    __slots__ = ("_asked_by", "_cancel_asked", "_run", "_seq")

    left_to_history = True

    kind: ClassVar[str]
    """The noun for messages."""

    def __init__(self, state: RunState, seq: int) -> None:
        super().__init__(loop=state.loop)
        self._run = state
        self._seq = seq
        self._cancel_asked = False
        self._asked_by: list[tuple[Chain, bool]] = []

    def __hash__(self) -> int:
        return self._run.loop.hash_base - self._seq

    def cancel(self, msg: Any | None = None) -> bool:
        """Ask for cancellation; False when it is done already."""
        if self.done():
            return False
        loop = self._run.loop
        if loop.evicted:
            return super().cancel(msg)
        loop.check_writable(f"cancel {self.kind}")
        if loop.cancelling:
            self._asked_by.append((loop.cancelling, loop.by_deadline))
        if not self._cancel_asked:
            self._cancel_asked = True
            loop.cancelling = ()  # what is asked for below is this wait's affair
            self._ask_to_cancel(str(msg) if msg else "")
        return True

    def set_result(self, result: T, /) -> None:
        """Take the value; a task whose time was up before it came gets none."""
        super().set_result(result)
        for chain, by_deadline in self._asked_by:
            if by_deadline:
                chain[-1][0].interrupt()
            else:
                self._run.loop.call_soon(deliver, chain)

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
