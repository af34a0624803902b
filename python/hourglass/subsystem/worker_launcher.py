"""Brings the declared workers back: child 5 of the tree.

It is run when the tree starts, and again by every cascade, because it is the last child: it has
every declared worker started that is not, and then has nothing more to run (`Ignore`). A worker
that can't be registered yet keeps trying by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hourglass.subsystem.errors import AlreadyRegisteredError
from hourglass.supervision import Ignore
from hourglass.supervision.task import TaskProcess

if TYPE_CHECKING:
    from hourglass.subsystem._state import ProcessState
    from hourglass.subsystem.worker_supervisor import WorkerSupervisor


class Tree(Protocol):
    """The tree, as far as the launcher sees it."""

    def workers(self) -> WorkerSupervisor:
        """The worker supervisor. Raises `SubsystemStoppedError` while there is none."""
        ...


class WorkerLauncher(TaskProcess):
    """Starts every declared worker; never stays."""

    def __init__(self, tree: Tree, state: ProcessState) -> None:
        super().__init__()
        self._tree = tree
        self._state = state

    async def main(self) -> None:
        """Start them; one that is there already stays as it is."""
        workers = self._tree.workers()
        for declaration in list(self._state.declared.values()):
            try:
                await workers.start_worker(declaration)
            except AlreadyRegisteredError as error:  # a dynamic worker took the name first
                declaration.started.reject(error)
        raise Ignore
