"""The state of one process, below every client and worker; a forked child starts with its own.

What is here lives beside the tree and survives a cascade: the engines, the declared workers, the
handles that are not released yet. Engines and tree are above this module, so only what it needs of
them is said here, as protocols.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from hourglass.supervision import ExitReason, Process, Promise

if TYPE_CHECKING:
    from hourglass._bridge import Operation, Runtime
    from hourglass.subsystem.worker_handle import WorkerHandle
    from hourglass.subsystem.worker_spec import Declaration


class Engine(Protocol):
    """An open engine, as the exit sees it: `engines.SharedEngine`."""

    def close(self, runtime: Runtime | None) -> Operation[None] | None:
        """Begin to close it on `runtime`."""
        ...


class Tree(Protocol):
    """The tree of this process, as the exit sees it: `tree.Tree`."""

    @property
    def root(self) -> Process:
        """The supervisor at its top."""
        ...

    @property
    def placed(self) -> bool:
        """True under a supervisor of the program's, which stops it."""
        ...


class Owner(Protocol):
    """The owner of the runtime: `runtime_owner.RuntimeOwner`."""

    def stop(self, reason: ExitReason) -> None:
        """Have it end with `reason`."""


class ProcessState:
    """State that belongs to this process and must not be used in a child of it."""

    def __init__(self) -> None:
        # Re-entrant: a client that is garbage collected releases its engine wherever it happens.
        self.lock = threading.RLock()
        self.runtime: Runtime | None = None
        """The runtime of the current epoch; None while there is none."""
        self.owner: Owner | None = None
        """The process that made it."""
        self.coming: Promise[Runtime] = Promise()
        """Answered with the runtime as soon as there is one again."""
        self.closing = threading.Lock()
        """Held while a runtime is closed."""
        self.closed_epoch = 0
        self.tree: Tree | None = None
        self.engines: dict[str, Engine] = {}
        """Open engines, by canonical path."""
        self.handles: dict[int, WorkerHandle] = {}
        """Every handle that is not released, by tag."""
        self.declared: dict[str, Declaration] = {}
        """The workers that come back by themselves after a cascade, by name."""
        self.stoppers: list[Callable[[], None]] = []
        self.exiting = False

    async def next_runtime(self) -> Runtime:
        """Return the current runtime, or wait for the one that is coming."""
        runtime = self.runtime
        return await self.coming.answer if runtime is None else runtime

    def undeclare(self, declaration: Declaration) -> None:
        """Have a worker not come back any more."""
        with self.lock:
            declaration.wanted = False
            if self.declared.get(declaration.spec.name) is declaration:
                del self.declared[declaration.spec.name]

    def publish(self, runtime: Runtime, owner: Owner) -> None:
        """Make this the current runtime."""
        with self.lock:
            self.runtime, self.owner = runtime, owner
            coming = self.coming
        coming.resolve(runtime)

    def retract(self, runtime: Runtime) -> bool:
        """Drop the current runtime; False if it is not this one, or no longer."""
        with self.lock:
            if self.runtime is not runtime:
                return False
            self.runtime, self.coming = None, Promise()
            return True


# A reload of this module keeps what the process has, and so every handle stays what it is.
_state: ProcessState = globals().get("_state") or ProcessState()
_kept: list[ProcessState] = globals().get("_kept") or []
"""States that must never be dropped: a parent's after a fork, and what still waits at exit."""


def current() -> ProcessState:
    """Return the state of this very process."""
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
