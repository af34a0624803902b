"""A supervisor of children that come and go."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import ClassVar

from .children import Child, count, halt_child, launch, report_exit
from .errors import NotFound, StartFailed, TooManyChildren
from .exits import ExitReason
from .process import Budget, Kind, Process
from .reply import Reply
from .restart import Intensity, answer
from .server import Refuse, Server
from .spec import ChildCounts, ChildInfo, ChildSpec


class DynamicSupervisor(Server):
    """Starts with no children; they are started later, stand for themselves, and stop together.

    Its strategy is one_for_one (see `restart`). Children are known by their process, so ids may
    repeat, and a child that is not restarted is gone: nothing is kept. After a restart of the
    supervisor itself there are none.
    """

    kind: ClassVar[Kind] = "supervisor"
    shutdown: ClassVar[Budget] = "infinity"

    def __init__(
        self,
        *,
        max_children: int | None = None,
        max_restarts: int = 3,
        max_seconds: float = 5.0,
    ) -> None:
        super().__init__()
        self._children: list[Child] = []
        self._max_children = max_children
        self._intensity = Intensity(max_restarts, max_seconds)

    # --- calls, from any thread ------------------------------------------------------------------

    def start_child(self, spec: ChildSpec) -> Reply[Process | None]:
        """Start a child; None when it was ignored. Fails with `StartFailed`, `TooManyChildren`."""
        return self.call(self._start_child, spec, timeout=None)

    def terminate_child(self, process: Process) -> Reply[None]:
        """Stop a child within its budget and forget it. Fails with `NotFound`."""
        return self.call(self._terminate_child, process, timeout=None)

    def which_children(self) -> Reply[list[ChildInfo]]:
        """The children, oldest first."""
        return self.call(self._which_children, timeout=None)

    def count_children(self) -> Reply[ChildCounts]:
        """Count the children by sort."""
        return self.call(self._count_children, timeout=None)

    # --- its life --------------------------------------------------------------------------------

    async def terminate(self, reason: ExitReason) -> None:
        """Stop all children at once: none depends on another."""
        await asyncio.gather(*(halt_child(self, child) for child in self._children))

    async def handle_exit(self, process: Process, reason: ExitReason) -> None:
        """A child has exited by itself, unless it is old news."""
        for child in self._children:
            if child.process is process:
                child.lose("stopped")
                report_exit(self, child, process, reason)
                if answer(child.spec.restart, reason) == "restart":
                    await self._restart(child, reason)
                else:
                    self._children.remove(child)
                return

    async def _restart(self, child: Child, reason: ExitReason) -> None:
        self._intensity.spend(self, child.spec.id, reason)
        try:
            await launch(self, child)
        except StartFailed as error:
            self._enqueue(partial(self._restart, child, error.reason))
            return
        if child.state == "ignored":
            self._children.remove(child)

    # --- handlers --------------------------------------------------------------------------------

    async def _start_child(self, spec: ChildSpec) -> Process | None:
        if self._max_children is not None and len(self._children) >= self._max_children:
            raise Refuse(TooManyChildren(self, self._max_children))
        child = Child(spec)
        try:
            await launch(self, child)
        except StartFailed as error:
            raise Refuse(error) from error
        if child.process is not None:
            self._children.append(child)
        return child.process

    async def _terminate_child(self, process: Process) -> None:
        for child in self._children:
            if child.process is process:
                await halt_child(self, child)
                self._children.remove(child)
                return
        raise Refuse(NotFound(process, self))

    async def _which_children(self) -> list[ChildInfo]:
        return [child.info for child in self._children]

    async def _count_children(self) -> ChildCounts:
        return count(self._children)
