"""What a supervisor knows of a child."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .process import Budget, Kind, Process

Restart: TypeAlias = Literal["permanent", "transient", "temporary"]
Strategy: TypeAlias = Literal["one_for_one", "rest_for_one", "one_for_all"]
ChildState: TypeAlias = Literal["running", "restarting", "stopped", "ignored"]


@dataclass(frozen=True)
class ChildSpec:
    """How to start a child, and what its end means.

    `start` makes a new, unstarted process each time; None says there is nothing to run (see
    `Ignore`). `shutdown` is the time it gets to stop before it is killed: seconds, `infinity` or
    `brutal_kill`; left out, its class decides (5 s for workers, `infinity` for supervisors).
    """

    id: str
    start: Callable[[], Process | None]
    restart: Restart = "permanent"
    shutdown: Budget | None = None


@dataclass(frozen=True)
class ChildInfo:
    """A child as `which_children` tells of it.

    `restarting`: its last start failed and is queued again. `ignored`: it found nothing to run.
    """

    id: str
    process: Process | None
    state: ChildState
    kind: Kind
    restart: Restart


@dataclass(frozen=True)
class ChildCounts:
    """`count_children`: all children, those with a process, and how many are of which kind."""

    specs: int
    active: int
    supervisors: int
    workers: int
