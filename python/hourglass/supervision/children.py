"""A child's record, and the two things done to children: launch and halt.

Both supervisors use them; neither decides here what an exit means.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import StartedTwice, StartFailed
from .events import ChildExited, ChildIgnored, ChildStarted, ChildStartFailed, emit
from .exits import Crash, ExitReason, Ignore, exception_of, is_abnormal
from .process import Budget, Kind, Process
from .spec import ChildCounts, ChildInfo, ChildSpec, ChildState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .server import Server

_log = logging.getLogger("hourglass.supervision")


@dataclass(eq=False)
class Child:
    """A child of a supervisor: its spec, and the process it has now."""

    spec: ChildSpec
    process: Process | None = None
    state: ChildState = "stopped"
    kind: Kind = "worker"
    """As seen on its last process; a spec alone does not tell."""

    @property
    def info(self) -> ChildInfo:
        """For `which_children`."""
        return ChildInfo(self.spec.id, self.process, self.state, self.kind, self.spec.restart)

    def lose(self, state: ChildState) -> None:
        """Record that it has no process any more."""
        self.process = None
        self.state = state


async def launch(supervisor: Server, child: Child) -> None:
    """Start `child`; afterwards it is running or ignored. Raises `StartFailed`."""
    child.lose("restarting")
    try:
        process = _make(child.spec)
        child.kind = process.kind
        await supervisor.start_link(process, child.spec.id)
    except Ignore:
        child.state = "ignored"
        emit(ChildIgnored(supervisor, child.spec.id))
    except StartFailed as error:
        _log.error("%s: %s", supervisor, error, exc_info=error.cause)
        emit(ChildStartFailed(supervisor, child.spec.id, error))
        raise
    else:
        child.process = process
        child.state = "running"
        emit(ChildStarted(supervisor, child.spec.id, process))


def _make(spec: ChildSpec) -> Process:
    try:
        process = spec.start()
    except Ignore:
        raise
    except Exception as error:
        raise StartFailed(spec.id, Crash(error)) from error
    if process is None:
        raise Ignore
    if not isinstance(process, Process):
        wrong = TypeError(f"start of child {spec.id!r} returned {process!r}, which is no process")
        raise StartFailed(spec.id, Crash(wrong))
    if process.started:
        raise StartFailed(spec.id, Crash(StartedTwice(process)))
    return process


async def halt(process: Process, budget: Budget) -> ExitReason:
    """Ask `process` to stop, kill it when it takes longer than `budget`, and wait for its exit."""
    if budget == "brutal_kill":
        process.kill()
        return await process.exit
    process.stop()
    if budget == "infinity":
        return await process.exit
    timer = process.place.loop.call_later(budget, process.kill)
    try:
        return await process.exit
    finally:
        timer.cancel()


async def halt_child(supervisor: Server, child: Child) -> None:
    """Stop `child` if it has a process; afterwards it is stopped."""
    process = child.process
    if process is not None:
        budget = process.shutdown if child.spec.shutdown is None else child.spec.shutdown
        reason = await halt(process, budget)
        report_exit(supervisor, child, process, reason, expected=budget == "brutal_kill")
    child.lose("stopped")


def report_exit(
    supervisor: Server,
    child: Child,
    process: Process,
    reason: ExitReason,
    *,
    expected: bool = False,
) -> None:
    """Tell subscribers that a child's process ended, and the log if that is news to anybody."""
    if is_abnormal(reason) and not expected:
        name = child.spec.id
        _log.error(
            "%s: child %r exited: %s", supervisor, name, reason, exc_info=exception_of(reason)
        )
    emit(ChildExited(supervisor, child.spec.id, process, reason))


def count(children: Iterable[Child]) -> ChildCounts:
    """For `count_children`."""
    infos = [child.info for child in children]
    supervisors = sum(info.kind == "supervisor" for info in infos)
    return ChildCounts(
        specs=len(infos),
        active=sum(info.process is not None for info in infos),
        supervisors=supervisors,
        workers=len(infos) - supervisors,
    )
