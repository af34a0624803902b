"""Specifications of children, and their state as told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from .process import Budget, Kind, Process

Restart: TypeAlias = Literal["permanent", "transient", "temporary"]
Strategy: TypeAlias = Literal["one_for_one", "rest_for_one", "one_for_all"]
ChildState: TypeAlias = Literal["running", "restarting", "stopped", "ignored"]


def choose(what: str, value: str, choices: object) -> None:
    """Raise `ValueError` unless `value` is one of the literal type `choices`."""
    if value not in get_args(choices):
        raise ValueError(f"{what} is {value!r}, not one of {get_args(choices)}")


@dataclass(frozen=True)
class ChildSpec:
    """A specification of a child: its start, and the meaning of its end.

    `start` makes a new, unstarted process each time; None says there is nothing to run (see
    `Ignore`). `shutdown` is the time it gets to stop before it is killed: seconds, `infinity` or
    `brutal_kill`; left out, its class decides (5 s for workers, `infinity` for supervisors).
    """

    id: str
    start: Callable[[], Process | None]
    restart: Restart = "permanent"
    shutdown: Budget | None = None

    def __post_init__(self) -> None:
        """Refuse what is no restart type or no budget, by name."""
        choose(f"restart of child {self.id!r}", self.restart, Restart)
        if isinstance(self.shutdown, str):
            choose(f"shutdown of child {self.id!r}", self.shutdown, get_args(Budget)[1])
        elif self.shutdown is not None and not self.shutdown >= 0:
            raise ValueError(f"shutdown of child {self.id!r} is {self.shutdown} s")


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
