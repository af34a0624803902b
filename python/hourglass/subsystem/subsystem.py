"""The tree that everything native lives in, and its face for programs.

::

    subsystem (rest_for_one, on the supervision thread)
     ├── runtime             the native runtime: the epoch
     ├── bridge_holder       the worker handles
     ├── worker_registry     which worker has which name
     ├── worker_supervisor   the workers: a registration and two poll loops each
     └── worker_launcher     has the declared workers started again

A child that dies takes those below it along, and they start again in order. Beside the tree, and so
untouched by a cascade, are the engines, the evaluators, the activities that run, and the handles
that still drain. The tree starts with the first use of anything native.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypedDict, TypeVar, cast

from hourglass.subsystem import _state, events, runtime
from hourglass.subsystem.bridge_holder import BridgeHolder
from hourglass.subsystem.errors import AlreadyRegisteredError, SubsystemStoppedError
from hourglass.subsystem.runtime import RuntimeOwner
from hourglass.subsystem.worker_launcher import WorkerLauncher
from hourglass.subsystem.worker_registry import WorkerRegistry
from hourglass.subsystem.worker_supervisor import SupervisedWorker, WorkerSupervisor
from hourglass.supervision import (
    AlreadyStarted,
    ChildSpec,
    ExitReason,
    Process,
    Promise,
    Reply,
    StartFailed,
    SupervisionError,
    Supervisor,
    default_loop,
    is_abnormal,
)
from hourglass.supervision.exits import exception_of

if TYPE_CHECKING:
    from hourglass.subsystem._state import ProcessState
    from hourglass.subsystem.handle import WorkerHandle
    from hourglass.subsystem.statistics import Statistics
    from hourglass.subsystem.tree import Node
    from hourglass.subsystem.worker_spec import Declaration
    from hourglass.supervision import Subscription

P = TypeVar("P", bound=Process)


class Limits(TypedDict):
    """How many restarts are too many."""

    max_restarts: int
    max_seconds: float


_limits: Limits = {"max_restarts": 3, "max_seconds": 5.0}


class Tree:
    """One life of the tree. Its children find each other here."""

    def __init__(self, state: ProcessState) -> None:
        self._state = state
        self._limits = _limits.copy()
        self.up: Promise[None] = Promise()
        """Answered when all children were started, or why they could not be."""
        self.root = Supervisor(
            [
                ChildSpec("runtime", lambda: RuntimeOwner(state)),
                ChildSpec("bridge_holder", lambda: BridgeHolder(state)),
                ChildSpec("worker_registry", WorkerRegistry),
                ChildSpec("worker_supervisor", lambda: WorkerSupervisor(self)),
                ChildSpec("worker_launcher", lambda: WorkerLauncher(self, state)),
            ],
            strategy="rest_for_one",
            **self._limits,
        )

    def intensity(self) -> Limits:
        """How many restarts are too many, for every supervisor in the tree."""
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

    def start(self) -> None:
        """Start it, and let the state know how that went; returns at once."""
        started = default_loop().start(self.root, "subsystem")
        started.on_done(partial(self._started, started))

    def _started(self, started: Reply[Supervisor]) -> None:
        try:
            started.result()
        except Exception as error:
            self._over(error)
        else:
            self.up.resolve(None)
            self.root.monitor(self._exited)

    def _exited(self, _root: Process, reason: ExitReason) -> None:
        if is_abnormal(reason):
            events.emit(events.SubsystemFailed(reason))
        error = SubsystemStoppedError(f"the subsystem stopped: {reason}")
        error.__cause__ = exception_of(reason)
        self._over(error)

    def _over(self, error: Exception) -> None:
        """Nothing will bring anything back, until somebody uses the subsystem again."""
        state = self._state
        with state.lock:
            if state.tree is self:
                state.tree = None
            coming = state.coming
            declared = dict(state.declared)
            if not state.exiting:  # then nobody is told, and nobody is dropped
                state.declared.clear()
        coming.reject(error)
        self.up.reject(error)
        for handle in list(state.handles.values()):
            handle.release()
        for declaration in declared.values():
            if not declaration.started.reject(error) and not state.exiting:
                declaration.lost(error)


class _AtExit:
    registered = False


def start_tree(state: ProcessState) -> None:
    """Start the tree of this process, unless there is one; returns at once."""
    with state.lock:
        if state.tree is not None:
            return
        if state.coming.answer.done():
            state.coming = Promise()
        tree = state.tree = Tree(state)
    # Without the lock: what is garbage collected in there may want it.
    events.counter.start()
    tree.start()
    if not _AtExit.registered:  # after the loop's own, so that it is run before that
        _AtExit.registered = True
        atexit.register(runtime.close)


class Subsystem:
    """The subsystem of this process. Everything here may be called from any thread.

    What returns a `Reply` can be awaited in any event loop, or waited for with `.result(timeout)`.
    """

    # --- seeing it -------------------------------------------------------------------------------

    @staticmethod
    def tree() -> Node | None:
        """The tree as it is now: children, states, restarts; None when nothing runs.

        ``print(Subsystem.tree())`` draws it.
        """
        from hourglass.subsystem.tree import draw

        return draw()

    @staticmethod
    def statistics() -> Statistics:
        """Counts of now: epoch, workers, handles, polls, slots, restarts, events."""
        from hourglass.subsystem.statistics import collect

        return collect()

    @staticmethod
    def subscribe(subscriber: Callable[[events.AnyEvent], None]) -> Subscription:
        """Call `subscriber` with every telemetry event; see `hourglass.subsystem.events`."""
        return events.subscribe(subscriber)

    # --- its life --------------------------------------------------------------------------------

    @staticmethod
    def configure(*, max_restarts: int = 3, max_seconds: float = 5.0) -> None:
        """Say how many restarts within how many seconds are too many; for trees started later."""
        _limits["max_restarts"], _limits["max_seconds"] = max_restarts, max_seconds

    @staticmethod
    def stop() -> Reply[ExitReason] | None:
        """Stop the tree in reverse start order; None if there is none. The next use starts one.

        Workers that run are stopped, and told with `SubsystemStoppedError`.
        """
        tree = _state.current().tree
        if tree is None:
            return None
        tree.root.stop()
        return tree.root.exit

    # --- workers ---------------------------------------------------------------------------------

    @staticmethod
    def declare(declaration: Declaration) -> None:
        """Have a worker run until it is no longer wanted; it comes back after every cascade.

        `declaration.started` tells how its first start went. `AlreadyRegisteredError` when another
        one is declared under its name.
        """
        state = _state.current()
        name = declaration.spec.name
        with state.lock:
            if name in state.declared:
                raise AlreadyRegisteredError(f"worker {name!r} is declared already")
            state.declared[name] = declaration
        declaration.started.answer.on_done(partial(_forget_if_failed, state, declaration))
        Subsystem.start_worker(declaration)

    @staticmethod
    def undeclare(declaration: Declaration) -> Process | None:
        """Begin to stop a worker, for good: it is unregistered and its loops end. Its process."""
        state = _state.current()
        with state.lock:
            declaration.wanted = False
            if state.declared.get(declaration.spec.name) is declaration:
                del state.declared[declaration.spec.name]
            tree = state.tree
        if tree is None:
            return None
        try:
            worker = tree.registry().lookup(declaration.spec.name)
        except SubsystemStoppedError:
            return None  # a cascade has stopped it, and won't start it again
        if worker is not None:
            worker.stop()
        return worker

    @staticmethod
    def start_worker(declaration: Declaration) -> None:
        """Start a worker. Unless it is declared too, it does not come back after a cascade."""
        state = _state.current()
        start_tree(state)
        default_loop().run(_start_worker, state, declaration)

    @staticmethod
    def stop_worker(name: str) -> Reply[None]:
        """Stop a worker by name. Fails with `WorkerNotRegisteredError`."""
        return _running_tree().workers().stop_worker(name)

    @staticmethod
    def registered(name: str) -> bool:
        """Whether the worker of that name takes tasks."""
        tree = _state.current().tree
        try:
            return tree is not None and tree.holder().registered(name)
        except SubsystemStoppedError:
            return False

    @staticmethod
    def recycle(name: str) -> Reply[WorkerHandle]:
        """Replace a worker's handle by a fresh one with exactly the same options."""
        return _running_tree().holder().recycle(name)


def _running_tree() -> Tree:
    tree = _state.current().tree
    if tree is None:
        raise SubsystemStoppedError("the subsystem does not run")
    return tree


async def _start_worker(state: ProcessState, declaration: Declaration) -> None:
    """On the supervision loop. What is declared is the launcher's, while the tree is not whole."""
    try:
        tree = state.tree
        if tree is None:
            raise SubsystemStoppedError("the subsystem does not run")
        await tree.up.answer
        await tree.workers().start_worker(declaration)
    except StartFailed as failure:
        present = failure.cause.process if isinstance(failure.cause, AlreadyStarted) else None
        if not isinstance(present, SupervisedWorker) or not present.serves(declaration):
            name = declaration.spec.name
            declaration.started.reject(AlreadyRegisteredError(f"worker {name!r} is there already"))
    except (SubsystemStoppedError, SupervisionError) as error:
        if state.tree is None or declaration.spec.name not in state.declared:
            declaration.started.reject(error)


def _forget_if_failed(state: ProcessState, declaration: Declaration) -> None:
    """A worker that could not be started is not declared any more."""
    try:
        declaration.started.answer.result()
    except Exception:  # noqa: BLE001, RUF100 - whoever declared it is told
        with state.lock:
            if state.declared.get(declaration.spec.name) is declaration:
                del state.declared[declaration.spec.name]
