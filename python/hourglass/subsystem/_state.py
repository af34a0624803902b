"""What one process has once, below every client and worker; a forked child starts with its own.

What is here lives beside the tree and survives a cascade: the engines, the declared workers, the
handles that are not released yet.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from hourglass.supervision import Promise

if TYPE_CHECKING:
    from hourglass._bridge import Runtime
    from hourglass.subsystem.engines import SharedEngine
    from hourglass.subsystem.handle import WorkerHandle
    from hourglass.subsystem.runtime import RuntimeOwner
    from hourglass.subsystem.subsystem import Tree
    from hourglass.subsystem.worker_spec import Declaration


class ProcessState:
    """What belongs to this process and must not be used in a child of it."""

    def __init__(self) -> None:
        # Re-entrant: a client that is garbage collected releases its engine wherever it happens.
        self.lock = threading.RLock()
        self.runtime: Runtime | None = None
        """The runtime of the current epoch; None while there is none."""
        self.owner: RuntimeOwner | None = None
        """Who made it last."""
        self.coming: Promise[Runtime] = Promise()
        """Answered with the runtime as soon as there is one again."""
        self.closing = threading.Lock()
        """Held while a runtime is closed."""
        self.closed_epoch = 0
        self.tree: Tree | None = None
        self.engines: dict[str, SharedEngine] = {}
        self.handles: dict[int, WorkerHandle] = {}
        """Every handle that is not released, by tag."""
        self.declared: dict[str, Declaration] = {}
        """The workers that come back by themselves after a cascade, by name."""
        self.stoppers: list[Callable[[], None]] = []
        self.exiting = False

    def publish(self, runtime: Runtime, owner: RuntimeOwner) -> None:
        """From now on this is the runtime."""
        with self.lock:
            self.runtime, self.owner = runtime, owner
            coming = self.coming
        coming.resolve(runtime)

    def retract(self, runtime: Runtime) -> bool:
        """This one is the runtime no more. False when that was said before."""
        with self.lock:
            if self.runtime is not runtime:
                return False
            self.runtime, self.coming = None, Promise()
            return True


# A reload of this module keeps what the process has, and so every handle stays what it is.
_state: ProcessState = globals().get("_state") or ProcessState()
_kept: list[ProcessState] = globals().get("_kept") or []
"""What must never be dropped: a parent's after a fork, and what still waits at exit."""


def current() -> ProcessState:
    """The state of this very process."""
    return _state


def replace() -> ProcessState:
    """Begin with a fresh state; the old one is returned, and kept."""
    global _state
    state, _state = _state, ProcessState()
    _kept.append(state)
    return state


def _after_fork() -> None:
    replace()


if "_hooked" not in globals():
    os.register_at_fork(after_in_child=_after_fork)
_hooked = True
