"""The tree that everything native lives in: one life of it.

::

    subsystem (rest_for_one, on the supervision thread)
     ├── runtime             the native runtime: the epoch
     ├── bridge_holder       the worker handles
     ├── worker_registry     which worker has which name
     ├── worker_supervisor   the workers: a registration and two poll loops each
     └── worker_launcher     has the declared workers started again

A child that dies takes those below it along, and they start again in order. Beside the tree, and so
untouched by a cascade, are the engines, the evaluators, the activities that run, and the handles
that still drain. The tree starts with the first use of anything native, or under a supervisor
of the program's (`Subsystem.child_spec`): then that takes the place of one that runs.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from hourglass.subsystem import _state, events
from hourglass.subsystem.bridge_holder import BridgeHolder
from hourglass.subsystem.errors import SubsystemStoppedError
from hourglass.subsystem.runtime_owner import RuntimeOwner
from hourglass.subsystem.worker_launcher import WorkerLauncher
from hourglass.subsystem.worker_registry import WorkerRegistry
from hourglass.subsystem.worker_supervisor import Limits, SupervisedWorker, WorkerSupervisor
from hourglass.supervision import (
    ChildSpec,
    ExitReason,
    Process,
    Promise,
    Reply,
    Supervisor,
    default_loop,
    halt,
    is_abnormal,
)
from hourglass.supervision.exits import exception_of

if TYPE_CHECKING:
    from hourglass.subsystem._state import ProcessState
    from hourglass.subsystem.worker_spec import Declaration


_limits: Limits = {"max_restarts": 3, "max_seconds": 5.0}


def limit(max_restarts: int, max_seconds: float) -> None:
    """Set the restart limits of trees made later."""
    _limits["max_restarts"], _limits["max_seconds"] = max_restarts, max_seconds


class Root(Supervisor):
    """The supervisor at the top of a tree: once it is up, so is the tree."""

    def __init__(self, tree: Tree, children: list[ChildSpec], displaced: Tree | None) -> None:
        super().__init__(children, strategy="rest_for_one", **tree.intensity())
        self._tree = tree
        self._displaced = displaced

    async def init(self) -> None:
        """Stop the tree that this one takes the place of, then start the children."""
        if self._displaced is not None:
            await self._displaced.stopped()
        await super().init()
        self._tree.up.resolve(self)


class Tree:
    """A life of the tree, in which its children find each other."""

    def __init__(
        self,
        state: ProcessState,
        *,
        placed: bool = False,
        displaced: Tree | None = None,
    ) -> None:
        self._state = state
        self._limits = _limits.copy()
        self.placed: Final = placed
        """True under a supervisor of the program's."""
        self.up: Promise[Supervisor] = Promise()
        """Answered with the root when all children were started, or why they could not be."""
        self.root = Root(
            self,
            [
                ChildSpec("runtime", lambda: RuntimeOwner(state)),
                ChildSpec("bridge_holder", lambda: BridgeHolder(state)),
                ChildSpec("worker_registry", WorkerRegistry),
                ChildSpec("worker_supervisor", lambda: WorkerSupervisor(self)),
                ChildSpec("worker_launcher", lambda: WorkerLauncher(self, state)),
            ],
            displaced,
        )
        self.root.monitor(self._exited)

    def intensity(self) -> Limits:
        """Return the restart limits of every supervisor in the tree."""
        return self._limits

    def holder(self) -> BridgeHolder:
        """Child 2. `SubsystemStoppedError` while there is none."""
        return cast("BridgeHolder", self._child("bridge_holder"))

    def registry(self) -> WorkerRegistry:
        """Child 3. `SubsystemStoppedError` while there is none."""
        return cast("WorkerRegistry", self._child("worker_registry"))

    def workers(self) -> WorkerSupervisor:
        """Child 4. `SubsystemStoppedError` while there is none."""
        return cast("WorkerSupervisor", self._child("worker_supervisor"))

    def _child(self, child_id: str) -> Process:
        child = self.root.lookup(child_id)
        if child is None:
            raise SubsystemStoppedError(f"there is no {child_id} right now")
        return child

    def called(self, name: str) -> list[SupervisedWorker]:
        """Return the workers of that name; if there is none, those of that task queue."""
        registry = self.registry()
        workers = [registry.lookup(known) for known in registry.names()]
        living = [worker for worker in workers if isinstance(worker, SupervisedWorker)]
        exact = [worker for worker in living if worker.id == name]
        return exact or [w for w in living if w.declaration.spec.task_queue == name]

    def forget(self, declaration: Declaration) -> None:
        """Let a worker not come back any more."""
        self._state.undeclare(declaration)

    def comes_back(self, declaration: Declaration) -> bool:
        """Say whether a worker is declared, so that the launcher starts it again."""
        return self._state.declared.get(declaration.spec.name) is declaration

    def start(self) -> None:
        """Start it as a tree of its own; returns at once."""
        started = default_loop().start(self.root, "subsystem")
        started.on_done(partial(self._started, started))

    async def stopped(self) -> None:
        """Stop it, and return when it has ended."""
        with contextlib.suppress(Exception):
            await self.up.answer
        if self.root.started:
            await halt(self.root, "infinity")

    def _started(self, started: Reply[Root]) -> None:
        """Tell those who wait for a tree that could not start."""
        try:
            started.result()
        except Exception as error:
            stopped = SubsystemStoppedError(f"the subsystem could not start: {error}")
            stopped.__cause__ = error
            self._over(stopped)

    def _exited(self, _root: Process, reason: ExitReason) -> None:
        if is_abnormal(reason):
            events.emit(events.SubsystemFailed(reason))
        error = SubsystemStoppedError(f"the subsystem stopped: {reason}")
        error.__cause__ = exception_of(reason)
        self._over(error)

    def _over(self, error: Exception) -> None:
        """Tell workers and waiting callers that nothing comes back before the next use.

        Unless another tree has taken its place: what waits, waits for that one.
        """
        self.up.reject(error)
        state = self._state
        with state.lock:
            if state.tree is not self:
                return
            state.tree = None
            coming = state.coming
            declared = list(state.declared.values())
            if not state.exiting:  # then no worker is told, and none is dropped
                for declaration in declared:
                    state.undeclare(declaration)
        coming.reject(error)
        for handle in list(state.handles.values()):
            handle.release()
        for declaration in declared:
            if not declaration.started.reject(error) and not state.exiting:
                declaration.lost(error)


def current_tree() -> Tree | None:
    """Return the tree of this process; None when nothing runs."""
    return cast("Tree | None", _state.current().tree)


def running_tree() -> Tree:
    """Return the tree of this process. Raises `SubsystemStoppedError` when nothing runs."""
    tree = current_tree()
    if tree is None:
        raise SubsystemStoppedError("the subsystem does not run")
    return tree
