"""The subsystem's face for programs: see it, bound its restarts, stop it, and name its workers.

The tree itself is drawn in `tree`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from hourglass.subsystem import _state, events, tree
from hourglass.subsystem.errors import AlreadyRegisteredError, SubsystemStoppedError
from hourglass.subsystem.runtime import start_tree
from hourglass.subsystem.worker_supervisor import SupervisedWorker
from hourglass.supervision import (
    AlreadyStarted,
    ExitReason,
    Process,
    Reply,
    StartFailed,
    SupervisionError,
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
        with state.lock:
            declaration.wanted = False
            if state.declared.get(declaration.spec.name) is declaration:
                del state.declared[declaration.spec.name]
            running = tree.current_tree()
        if running is None:
            return None
        try:
            worker = running.registry().lookup(declaration.spec.name)
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
        return tree.running_tree().workers().stop_worker(name)

    @staticmethod
    def registered(name: str) -> bool:
        """Say whether the worker of that name takes tasks."""
        running = tree.current_tree()
        try:
            return running is not None and running.holder().registered(name)
        except SubsystemStoppedError:
            return False

    @staticmethod
    def recycle(name: str) -> Reply[WorkerHandle]:
        """Replace a worker's handle by a fresh one with exactly the same options."""
        return tree.running_tree().holder().recycle(name)


async def _start_worker(state: ProcessState, declaration: Declaration) -> None:
    """On the supervision loop. What is declared is the launcher's, while the tree is not whole."""
    try:
        running = tree.running_tree()
        await running.up.answer
        await running.workers().start_worker(declaration)
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
    except Exception:  # noqa: BLE001, RUF100 - its declarer is told
        with state.lock:
            if state.declared.get(declaration.spec.name) is declaration:
                del state.declared[declaration.spec.name]
