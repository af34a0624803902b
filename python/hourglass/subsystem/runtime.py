"""The native runtime of this process, from its first use to the exit.

Made at first use, by starting the tree that owns it. A forked child makes its own; what it
inherited is kept untouched for ever, since the threads behind it exist in the parent only.

At exit, after the last ordinary thread has ended: evaluators stop, engines close, the runtime's
threads are joined with the GIL released. Nothing native runs while Python is finalized.
"""

from __future__ import annotations

import atexit
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from hourglass.subsystem import _state, events
from hourglass.subsystem.runtime_owner import current_epoch
from hourglass.supervision import AlreadyStarted, LoopGone, Process, Promise

if TYPE_CHECKING:
    from hourglass._bridge import Runtime
    from hourglass.subsystem._state import ProcessState, Tree

CLOSE_TIMEOUT = 10.0
"""Seconds that closing one engine may take at exit."""
READY_TIMEOUT = 30.0
"""Seconds to wait for a runtime that is being replaced."""


def process_runtime() -> Runtime:
    """Return the runtime of this process, made now if there is none. Blocks while it is being made.

    `SubsystemStoppedError` when the tree gives up meanwhile.
    """
    state = _state.current()
    runtime = state.runtime
    if runtime is None:
        start_tree(state)
        runtime = state.coming.answer.result(READY_TIMEOUT)
    return runtime


async def runtime_ready() -> Runtime:
    """Return the runtime like `process_runtime`, without blocking, on any event loop."""
    state = _state.current()
    if state.runtime is None:
        start_tree(state)
    return await state.next_runtime()


def start_tree(state: ProcessState) -> None:
    """Start the tree of this process, unless there is one; returns at once."""
    from hourglass.subsystem.tree import Tree

    with state.lock:
        if state.tree is not None:
            return
        tree = Tree(state)
        _install(state, tree)
    # Without the lock: what is garbage collected in there may want it.
    events.counter.start()
    tree.start()
    _close_at_exit()


def place_tree(state: ProcessState) -> Process:
    """Make the tree that runs under a supervisor of the program's, instead of one that runs.

    `AlreadyStarted` when one runs under a supervisor already.
    """
    from hourglass.subsystem.tree import Tree, current_tree

    with state.lock:
        running = current_tree()
        if running is not None and running.placed:
            raise AlreadyStarted("subsystem", running.root)
        tree = Tree(state, placed=True, displaced=running)
        _install(state, tree)
    events.counter.start()
    _close_at_exit()
    return tree.root


def _install(state: ProcessState, tree: Tree) -> None:
    state.tree = tree
    if state.runtime is None and state.coming.answer.done():
        state.coming = Promise()


def _close_at_exit() -> None:
    atexit.unregister(close)
    atexit.register(close)  # after the loop's own, so that it is run before that


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
    if state.tree is not None and not state.tree.placed:
        with contextlib.suppress(LoopGone):
            state.tree.root.stop()


__all__ = [
    "CLOSE_TIMEOUT",
    "close",
    "current_epoch",
    "on_exit",
    "place_tree",
    "process_runtime",
    "runtime_ready",
    "start_tree",
]
