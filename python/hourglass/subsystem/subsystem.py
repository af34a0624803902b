"""The subsystem's face for programs: see it, bound its restarts, stop it, and name its workers.

The tree itself is drawn in `tree`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from hourglass.subsystem import _state, events, tree
from hourglass.subsystem.errors import (
    AlreadyRegisteredError,
    AmbiguousWorkerError,
    SubsystemStoppedError,
    WorkerNotRegisteredError,
)
from hourglass.subsystem.runtime import place_tree, start_tree
from hourglass.supervision import (
    ChildSpec,
    Exited,
    ExitReason,
    Process,
    Reply,
    StartFailed,
    Supervisor,
    default_loop,
)

if TYPE_CHECKING:
    from hourglass.subsystem._state import ProcessState
    from hourglass.subsystem.inspect import Node, Statistics
    from hourglass.subsystem.worker_handle import WorkerHandle
    from hourglass.subsystem.worker_spec import Declaration
    from hourglass.supervision import Subscription


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
        from hourglass.subsystem.inspect import draw

        return draw()

    @staticmethod
    def statistics() -> Statistics:
        """Counts of now: epoch, workers, handles, polls, slots, restarts, events."""
        from hourglass.subsystem.inspect import collect

        return collect()

    @staticmethod
    def subscribe(subscriber: Callable[[events.AnyEvent], None]) -> Subscription:
        """Call `subscriber` with every telemetry event; see `hourglass.subsystem.events`."""
        return events.subscribe(subscriber)

    # --- its life --------------------------------------------------------------------------------

    @staticmethod
    def configure(*, max_restarts: int = 3, max_seconds: float = 5.0) -> None:
        """Say how many restarts within how many seconds are too many; for trees started later."""
        tree.limit(max_restarts, max_seconds)

    @staticmethod
    def child_spec() -> ChildSpec:
        """Return a specification to run the subsystem under a supervisor of the program's::

            loop = hourglass.supervision.default_loop()
            await loop.start(Supervisor([Subsystem.child_spec(), ChildSpec("app", App)]))

        Its tree then takes the place of one that runs by itself; the declared workers move over.
        While it is being restarted a use may start one by itself, which ends when it is back.
        `AlreadyStarted` when it runs under a supervisor already.
        """
        return ChildSpec("subsystem", lambda: place_tree(_state.current()))

    @staticmethod
    def start_link() -> Reply[Supervisor]:
        """Start the tree now, unless it runs; answered with its root when it is up.

        Fails with `SubsystemStoppedError`.
        """
        state = _state.current()
        start_tree(state)
        return tree.running_tree().up.answer

    @staticmethod
    def stop() -> Reply[ExitReason] | None:
        """Stop the tree in reverse start order; None if there is none. The next use starts one.

        Workers that run are stopped, and told with `SubsystemStoppedError`.
        """
        running = tree.current_tree()
        if running is None:
            return None
        running.root.stop()
        return running.root.exit

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
        state.undeclare(declaration)
        name = declaration.spec.name
        declaration.never_registered("was stopped")
        running = tree.current_tree()
        if running is None:
            return None
        try:
            worker = running.registry().lookup(name)
        except SubsystemStoppedError:
            return None  # a cascade has stopped it, and won't start it again
        if worker is not None:
            worker.stop()
        return worker

    @staticmethod
    def start_worker(declaration: Declaration) -> None:
        """Start a worker. Unless it is declared too, it does not come back after a cascade."""
        start_tree(_state.current())
        starting = default_loop().run(_start_worker, declaration)
        starting.on_done(partial(_check_start, starting, declaration))

    @staticmethod
    def workers() -> list[str]:
        """Return the names of the workers in the tree: task queue and a number, as `orders#1`.

        A worker can be named by its task queue, too, wherever a name is asked for.
        """
        running = tree.current_tree()
        try:
            return [] if running is None else [str(name) for name in running.registry().names()]
        except SubsystemStoppedError:
            return []

    @staticmethod
    def stop_worker(name: str) -> Reply[None]:
        """Stop a worker for good. Fails with `WorkerNotRegisteredError`."""
        return tree.running_tree().workers().stop_worker(_one(name))

    @staticmethod
    def registered(name: str) -> bool:
        """Say whether tasks are taken by the worker of that name, or by one of that task queue."""
        running = tree.current_tree()
        try:
            if running is None:
                return False
            holder = running.holder()
            return any(holder.registered(worker.id) for worker in running.called(name))
        except SubsystemStoppedError:
            return False

    @staticmethod
    def recycle(name: str) -> Reply[WorkerHandle]:
        """Replace a worker's handle by a fresh one with exactly the same options."""
        return tree.running_tree().holder().recycle(_one(name))

    @staticmethod
    def inner_supervisor(name: str) -> Supervisor:
        """Return the supervisor of a worker's poll loops. Raises `WorkerNotRegisteredError`."""
        for worker in tree.running_tree().called(_one(name)):
            if worker.polls is not None:
                return worker.polls
        raise WorkerNotRegisteredError(f"worker {name!r} is not registered")


def _one(name: str) -> str:
    """Return the name of the worker that is meant: by its own, or by its task queue."""
    found = [worker.id for worker in tree.running_tree().called(name)]
    if len(found) > 1:
        raise AmbiguousWorkerError(f"task queue {name!r} has several workers, name one: {found}")
    return found[0] if found else name


async def _start_worker(declaration: Declaration) -> None:
    """Start a worker, on the supervision loop, once the tree is up."""
    running = tree.running_tree()
    await running.up.answer
    await running.workers().start_worker(declaration)


def _check_start(starting: Reply[None], declaration: Declaration) -> None:
    """Tell the starter of a worker that could not be started.

    While the tree is not whole, what is declared is the launcher's: that will start it.
    """
    try:
        starting.result()
    except Exception as error:
        cause = error.cause if isinstance(error, StartFailed) else error
        not_whole = isinstance(cause, SubsystemStoppedError | Exited)
        state = _state.current()
        if not_whole and state.tree is not None and declaration.spec.name in state.declared:
            return
        declaration.started.reject(error)


def _forget_if_failed(state: ProcessState, declaration: Declaration) -> None:
    """A worker that could not be started is not declared any more."""
    try:
        declaration.started.answer.result()
    except Exception:  # noqa: BLE001, RUF100 - its declarer is told
        with state.lock:
            if state.declared.get(declaration.spec.name) is declaration:
                del state.declared[declaration.spec.name]
