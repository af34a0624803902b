"""The place of a process: on which loop, started by which other, under which id.

Loop and process are above this module; it says as protocols what a place knows of them.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .clock import Clock, Timer
from .reply import Reply

if TYPE_CHECKING:
    from typing_extensions import TypeVarTuple, Unpack

    Args = TypeVarTuple("Args")

T = TypeVar("T")


class Loop(Protocol):
    """The loop that a process lives on: `loop.SupervisionLoop`."""

    @property
    def clock(self) -> Clock:
        """The time of everything on it."""
        ...

    @property
    def forked(self) -> bool:
        """Say whether it belongs to the process that this one was forked from."""
        ...

    def is_current(self) -> bool:
        """Say whether this is its thread."""
        ...

    def run(
        self, function: Callable[[Unpack[Args]], Coroutine[Any, Any, T]], *args: Unpack[Args]
    ) -> Reply[T]:
        """Run a coroutine function on it."""
        ...

    def post(self, callback: Callable[[Unpack[Args]], object], *args: Unpack[Args]) -> None:
        """Have it call `callback`, soon."""

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Have it call `callback` in `seconds`; on its own thread only."""
        ...


class Parent(Protocol):
    """The process that starts another."""

    @property
    def starting(self) -> bool:
        """Say whether it is being started itself."""
        ...

    @property
    def place(self) -> Place:
        """Where it was started."""
        ...


@dataclass(frozen=True)
class Place:
    """Where a process is started: on which loop, by whom, under which id."""

    loop: Loop
    parent: Parent | None
    id: str
