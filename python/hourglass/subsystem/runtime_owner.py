"""The owner of the native runtime: child 1 of the tree.

The runtime's life is the *epoch*: clients and workers are made on it, and are stale when it is
gone. One runtime at a time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from hourglass import _bridge
from hourglass.subsystem import _state
from hourglass.subsystem.events import RuntimeClosed, RuntimeRenewal, RuntimeStarted, emit
from hourglass.supervision import Budget, Crash, LoopGone
from hourglass.supervision.thread import ThreadProcess

if TYPE_CHECKING:
    from hourglass._bridge import Runtime
    from hourglass.subsystem._state import ProcessState


class RuntimeOwner(ThreadProcess):
    """Owns the runtime: made when it starts, closed when it ends, however it ends."""

    shutdown: ClassVar[Budget] = 15.0

    def __init__(self, state: ProcessState) -> None:
        super().__init__()
        self._state = state
        self.epoch = 0

    def main(self) -> None:
        """Close what a killed owner left, make the runtime, keep it, close it."""
        state = self._state
        self._close(lambda: state.runtime)
        runtime = _bridge.Runtime()
        self.epoch = runtime.epoch
        state.publish(runtime, self)
        emit(RuntimeStarted(runtime.epoch))
        self.ready()
        self.stopping.wait()
        self._close(lambda: runtime)

    def _close(self, which: Callable[[], Runtime | None]) -> None:
        """Close a runtime once. A killed owner and its successor may both ask: the second waits."""
        state = self._state
        with state.closing:
            runtime = which()
            if runtime is None:
                return
            state.retract(runtime)
            runtime.close(engines=False)
            news, state.closed_epoch = state.closed_epoch < runtime.epoch, runtime.epoch
        if news:
            emit(RuntimeClosed(runtime.epoch))


def current_epoch() -> int | None:
    """Return the epoch of the runtime there is now; None while there is none."""
    runtime = _state.current().runtime
    return None if runtime is None else runtime.epoch


def renew(epoch: int, reason: str) -> bool:
    """Have the runtime of `epoch` replaced: the restart signal.

    Only the first signal of an epoch does anything (True): a handle left over from an older epoch
    never restarts the current one. Never raises, and returns at once.
    """
    state = _state.current()
    runtime, owner = state.runtime, state.owner
    if runtime is None or owner is None or runtime.epoch != epoch or state.exiting:
        return False
    if not state.retract(runtime):
        return False
    emit(RuntimeRenewal(epoch, reason))
    with contextlib.suppress(LoopGone):
        owner.stop(Crash(_bridge.StaleHandleError("stale_handle", reason)))
    return True
