"""Counts of the subsystem: `Subsystem.statistics()`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hourglass.subsystem import _state, events
from hourglass.subsystem.runtime import current_epoch
from hourglass.subsystem.tree import TIMEOUT
from hourglass.supervision import ChildRestarting

if TYPE_CHECKING:
    from hourglass.subsystem.handle import HandleState, WorkerHandle


@dataclass(frozen=True)
class HandleStatistics:
    """One worker's handle."""

    worker: str
    tag: int
    epoch: int
    state: HandleState
    polls: int
    """How many of its polls have not ended."""
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
    """How often each event happened, by name."""


def collect() -> Statistics:
    """Count. Blocks for a moment; `CallTimeout` when a supervisor is busy for too long."""
    state = _state.current()
    tree = state.tree
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
