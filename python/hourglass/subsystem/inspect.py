"""The subsystem as a program sees it: `Subsystem.tree()` and `Subsystem.statistics()`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hourglass.subsystem import _state, events
from hourglass.subsystem.runtime_owner import current_epoch
from hourglass.subsystem.tree import current_tree
from hourglass.subsystem.worker_supervisor import SupervisedWorker
from hourglass.supervision import (
    ChildRestarting,
    ChildState,
    DynamicSupervisor,
    Process,
    Supervisor,
)

if TYPE_CHECKING:
    from hourglass.subsystem.worker_handle import HandleState, WorkerHandle

TIMEOUT = 5.0
"""Seconds that a supervisor may take to answer; busy with a cascade it does not."""


@dataclass(frozen=True)
class Node:
    """A child, as it was when asked."""

    id: str
    state: ChildState
    """`ignored`: present, but it has no process, because it found nothing to run."""
    pid: int | None
    """Tells one life of a child from the next; None without a process."""
    children: tuple[Node, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def find(self, child_id: str) -> Node | None:
        """The first node of that id, itself included."""
        if self.id == child_id:
            return self
        found = (child.find(child_id) for child in self.children)
        return next((node for node in found if node is not None), None)

    def _lines(self) -> Iterator[str]:
        yield f"{self.id} ({self.state if self.pid is None else f'{self.state}, #{self.pid}'})"
        for child in self.children:
            last = child is self.children[-1]
            for number, line in enumerate(child._lines()):
                first, further = ("└── ", "    ") if last else ("├── ", "│   ")
                yield (further if number else first) + line


def draw() -> Node | None:
    """The tree of this process as it is now; None when nothing runs. Blocks for a moment.

    `CallTimeout` when a supervisor is busy for too long.
    """
    tree = current_tree()
    if tree is None:
        return None
    tree.up.answer.result(TIMEOUT)
    return _node("subsystem", "running", tree.root)


def _node(child_id: str, state: ChildState, process: Process | None) -> Node:
    if process is None:
        return Node(child_id, state, None)
    return Node(child_id, state, process.pid, _children(process))


def _children(process: Process) -> tuple[Node, ...]:
    if isinstance(process, Supervisor | DynamicSupervisor):
        infos = process.which_children().result(TIMEOUT)
        return tuple(_node(info.id, info.state, info.process) for info in infos)
    if isinstance(process, SupervisedWorker) and process.polls is not None:
        return (_node("polls", "running", process.polls),)
    return ()


@dataclass(frozen=True)
class HandleStatistics:
    """Counts of a worker's handle."""

    worker: str
    tag: int
    epoch: int
    state: HandleState
    polls: int
    """The number of its polls that have not ended."""
    slots: Mapping[str, int]
    """`workflow_tasks_in_use`, `activities_in_use`, `cached_workflows`; empty once it is stale."""


@dataclass(frozen=True)
class Statistics:
    """The subsystem in numbers."""

    running: bool
    epoch: int | None
    """Of the runtime; None while there is none."""
    workers: int
    """Workers in the tree, registered or about to be."""
    declared: int
    """Workers that come back by themselves."""
    engines: int
    """Database files that are open."""
    handles: tuple[HandleStatistics, ...]
    restarts: int
    """Of children anywhere in the tree, since this process uses the subsystem."""
    events: Mapping[str, int]
    """The number of times each event happened, by name."""


def collect() -> Statistics:
    """Count. Blocks for a moment; `CallTimeout` when a supervisor is busy for too long."""
    state = _state.current()
    tree = current_tree()
    workers = 0
    if tree is not None:
        tree.up.answer.result(TIMEOUT)
        workers = tree.workers().count_children().result(TIMEOUT).active
    counts = dict(events.counter.counts)
    return Statistics(
        running=tree is not None,
        epoch=current_epoch(),
        workers=workers,
        declared=len(state.declared),
        engines=len(state.engines),
        handles=tuple(_handle(handle) for handle in list(state.handles.values())),
        restarts=counts.get(ChildRestarting.__name__, 0),
        events=counts,
    )


def _handle(handle: WorkerHandle) -> HandleStatistics:
    return HandleStatistics(
        worker=handle.spec.name,
        tag=handle.tag,
        epoch=handle.epoch,
        state=handle.state,
        polls=sum(not ended.answer.done() for ended in handle.ended.values()),
        slots=handle.slots(),
    )
