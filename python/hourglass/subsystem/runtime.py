"""The native runtime of this process: child 1 of the tree.

The runtime's life is the *epoch*: clients and workers are made on it, and are stale when it is
gone. One runtime at a time, made at first use. A forked child makes its own; what it inherited is
kept untouched for ever, since the threads behind it exist in the parent only.

At exit, after the last ordinary thread has ended: evaluators stop, engines close, the runtime's
threads are joined with the GIL released. Nothing native runs while Python is finalized.
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

CLOSE_TIMEOUT = 10.0
"""Seconds that closing one engine may take at exit."""
READY_TIMEOUT = 30.0
"""Seconds to wait for a runtime that is being replaced."""


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
        """A killed owner and its successor may both come here with the same: the second waits."""
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


def process_runtime() -> Runtime:
    """The runtime of this process, made now if there is none. Blocks while it is being made.

    `SubsystemStoppedError` when the tree gives up meanwhile.
    """
    state = _state.current()
    runtime = state.runtime
    if runtime is None:
        _start_tree(state)
        runtime = state.coming.answer.result(READY_TIMEOUT)
    return runtime


async def runtime_ready() -> Runtime:
    """The same, without blocking, on any event loop."""
    state = _state.current()
    runtime = state.runtime
    if runtime is None:
        _start_tree(state)
        runtime = await state.coming.answer
    return runtime


def current_epoch() -> int | None:
    """The epoch of the runtime there is now; None while there is none."""
    runtime = _state.current().runtime
    return None if runtime is None else runtime.epoch


def renew(epoch: int, reason: str) -> bool:
    """The restart signal: have the runtime of `epoch` replaced.

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


def on_exit(stop: Callable[[], None]) -> None:
    """Call `stop` at exit of this very process, before engines and runtime close."""
    _state.current().stoppers.append(stop)


def close() -> None:
    """Close everything native in order: for the exit; harmless when nothing was opened.

    Evaluators stop, engines close, the runtime's threads are joined; the supervision loop then
    finds nothing but stale handles to stop. The next use starts anew.
    """
    _state.current().exiting = True
    state = _state.replace()
    for stop in state.stoppers:
        stop()
    closing = [shared.close(state.runtime) for shared in list(state.engines.values())]
    for operation in filter(None, closing):
        operation.wait(CLOSE_TIMEOUT)
    if state.runtime is not None:
        state.runtime.close()
    if state.tree is not None:
        with contextlib.suppress(LoopGone):
            state.tree.root.stop()


def _start_tree(state: ProcessState) -> None:
    from hourglass.subsystem.subsystem import start_tree

    start_tree(state)


__all__ = [
    "CLOSE_TIMEOUT",
    "RuntimeOwner",
    "close",
    "current_epoch",
    "on_exit",
    "process_runtime",
    "renew",
    "runtime_ready",
]
