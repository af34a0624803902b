"""A supervisor with a fixed order of children. The algorithm is told in `restart`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from .children import Child, count, halt_child, launch, report_exit
from .errors import AlreadyPresent, AlreadyStarted, NotFound, StartFailed, StillRunning
from .exits import ExitReason
from .process import Budget, Kind, Process
from .reply import Reply
from .restart import Intensity, affected, answer
from .server import Refuse, Server
from .spec import ChildCounts, ChildInfo, ChildSpec, Strategy, choose


class Supervisor(Server):
    """Starts its children in order, stops them in reverse, and restarts them by `strategy`.

    More than `max_restarts` in `max_seconds` end it with `Crash(IntensityExceeded)`. Its calls have
    no timeout of their own: starting and stopping children may take as long as they need.
    """

    kind: ClassVar[Kind] = "supervisor"
    shutdown: ClassVar[Budget] = "infinity"

    def __init__(
        self,
        children: Iterable[ChildSpec] = (),
        *,
        strategy: Strategy = "one_for_one",
        max_restarts: int = 3,
        max_seconds: float = 5.0,
    ) -> None:
        super().__init__()
        self._children = [Child(spec) for spec in children]
        choose("strategy", strategy, Strategy)
        self._strategy: Strategy = strategy
        self._intensity = Intensity(max_restarts, max_seconds)
        ids = [child.spec.id for child in self._children]
        if len(set(ids)) < len(ids):
            raise ValueError(f"two children with one id: {sorted(ids)}")

    # --- calls, from any thread ------------------------------------------------------------------

    def start_child(self, spec: ChildSpec) -> Reply[Process | None]:
        """Add a child behind the others and start it; None when it was ignored.

        Fails with `AlreadyStarted`, `AlreadyPresent` or `StartFailed`; then nothing is added.
        """
        return self.call(self._start_child, spec, timeout=None)

    def terminate_child(self, child_id: str) -> Reply[None]:
        """Stop a child within its budget. It stays known, except a temporary one. `NotFound`."""
        return self.call(self._terminate_child, child_id, timeout=None)

    def restart_child(self, child_id: str) -> Reply[Process | None]:
        """Start a child that has no process. `NotFound`, `StillRunning`, `StartFailed`."""
        return self.call(self._restart_child, child_id, timeout=None)

    def delete_child(self, child_id: str) -> Reply[None]:
        """Forget a child that has no process. Fails with `NotFound` or `StillRunning`."""
        return self.call(self._delete_child, child_id, timeout=None)

    def which_children(self) -> Reply[list[ChildInfo]]:
        """The children, in start order."""
        return self.call(self._which_children, timeout=None)

    def count_children(self) -> Reply[ChildCounts]:
        """Count the children by sort."""
        return self.call(self._count_children, timeout=None)

    def lookup(self, child_id: str) -> Process | None:
        """The living process of a child.

        It takes no turn of the mailbox, so a child may look up its elders while it starts.
        """
        for child in tuple(self._children):
            if child.spec.id == child_id and child.process is not None and child.process.alive:
                return child.process
        return None

    # --- its life --------------------------------------------------------------------------------

    async def init(self) -> None:
        """Start all children; if one fails, stop those that are up and fail as well."""
        try:
            for child in self._children:
                await launch(self, child)
        except StartFailed:
            await self._stop(self._children)
            raise

    async def terminate(self, reason: ExitReason) -> None:
        """Stop all children, last started first."""
        await self._stop(self._children)

    async def handle_exit(self, process: Process, reason: ExitReason) -> None:
        """A child has exited by itself, unless it is old news."""
        for child in self._children:
            if child.process is process:
                child.lose("stopped")
                report_exit(self, child, process, reason)
                await self._react(child, reason)
                return

    # --- the algorithm ---------------------------------------------------------------------------

    async def _react(self, child: Child, reason: ExitReason) -> None:
        match answer(child.spec.restart, reason):
            case "restart":
                await self._restart(child, reason)
            case "forget":
                self._children.remove(child)
            case "keep":
                pass

    async def _restart(self, child: Child, reason: ExitReason) -> None:
        self._intensity.spend(self, child.spec.id, reason)
        path = affected(self._strategy, self._children, child)
        await self._stop(path)
        self._forget_temporary(path)
        for each in path:
            if each in self._children and not await self._comes_up(each):
                return

    async def _comes_up(self, child: Child) -> bool:
        try:
            await launch(self, child)
        except StartFailed as error:
            self._enqueue(partial(self._try_again, child, error.reason))
            return False
        return True

    async def _try_again(self, child: Child, reason: ExitReason) -> None:
        if child in self._children and child.state == "restarting":
            await self._restart(child, reason)

    async def _stop(self, path: Iterable[Child]) -> None:
        for child in reversed(list(path)):
            await halt_child(self, child)

    # --- handlers --------------------------------------------------------------------------------

    async def _start_child(self, spec: ChildSpec) -> Process | None:
        for present in self._children:
            if present.spec.id == spec.id:
                if present.process is not None:
                    raise Refuse(AlreadyStarted(spec.id, present.process))
                raise Refuse(AlreadyPresent(spec.id))
        child = Child(spec)
        await self._launch_or_refuse(child)
        if child.process is not None or spec.restart != "temporary":
            self._children.append(child)
        return child.process

    async def _terminate_child(self, child_id: str) -> None:
        child = self._find(child_id)
        await halt_child(self, child)
        self._forget_temporary([child])

    async def _restart_child(self, child_id: str) -> Process | None:
        child = self._find_idle(child_id)
        await self._launch_or_refuse(child)
        return child.process

    async def _delete_child(self, child_id: str) -> None:
        self._children.remove(self._find_idle(child_id))

    async def _which_children(self) -> list[ChildInfo]:
        return [child.info for child in self._children]

    async def _count_children(self) -> ChildCounts:
        return count(self._children)

    async def _launch_or_refuse(self, child: Child) -> None:
        try:
            await launch(self, child)
        except StartFailed as error:
            child.lose("stopped")
            raise Refuse(error) from error

    def _find(self, child_id: str) -> Child:
        for child in self._children:
            if child.spec.id == child_id:
                return child
        raise Refuse(NotFound(child_id, self))

    def _find_idle(self, child_id: str) -> Child:
        child = self._find(child_id)
        if child.state in ("running", "restarting"):
            raise Refuse(StillRunning(child_id))
        return child

    def _forget_temporary(self, path: Iterable[Child]) -> None:
        for child in path:
            if child.spec.restart == "temporary":
                self._children.remove(child)
