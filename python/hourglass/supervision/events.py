"""Telemetry: what supervision tells about itself.

`EVENTS` is the whole list; nothing else is ever emitted. A subscriber is called on the thread where
the event happens (mostly the supervision loop's), so it must be quick and must not block.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from .errors import IntensityExceeded, StartFailed
    from .exits import ExitReason
    from .process import Process

_log = logging.getLogger("hourglass.supervision")


@dataclass(frozen=True)
class ChildStarted:
    """A child is up, for the first time or again."""

    supervisor: Process
    child_id: str
    process: Process


@dataclass(frozen=True)
class ChildIgnored:
    """A child said there is nothing to run; it stays in the list without a process."""

    supervisor: Process
    child_id: str


@dataclass(frozen=True)
class ChildStartFailed:
    """A child ended before it was up."""

    supervisor: Process
    child_id: str
    error: StartFailed


@dataclass(frozen=True)
class ChildExited:
    """A child's process ended, by itself or because its supervisor stopped it."""

    supervisor: Process
    child_id: str
    process: Process
    reason: ExitReason


@dataclass(frozen=True)
class ChildRestarting:
    """A child's end is about to be answered with a restart, which counts in the intensity."""

    supervisor: Process
    child_id: str
    reason: ExitReason


@dataclass(frozen=True)
class RestartIntensityExceeded:
    """A supervisor gives up and will exit with `error`."""

    supervisor: Process
    child_id: str
    error: IntensityExceeded


@dataclass(frozen=True)
class ProcessAbandoned:
    """A killed process would not end: a thread, or a coroutine that swallows its cancellation.

    It counts as dead; what is left of it may still run.
    """

    process: Process


Event: TypeAlias = (
    ChildStarted
    | ChildIgnored
    | ChildStartFailed
    | ChildExited
    | ChildRestarting
    | RestartIntensityExceeded
    | ProcessAbandoned
)
EVENTS: Final[tuple[type[Event], ...]] = (
    ChildStarted,
    ChildIgnored,
    ChildStartFailed,
    ChildExited,
    ChildRestarting,
    RestartIntensityExceeded,
    ProcessAbandoned,
)


class Subscription:
    """A subscriber until it is cancelled; as a context manager, for the length of a block."""

    def __init__(self, subscriber: Callable[[Event], None]) -> None:
        self.subscriber: Final = subscriber

    def cancel(self) -> None:
        """Hear no more."""
        _subscribers.pop(self, None)

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.cancel()


# An ordered set. Single dict operations are atomic, so there is no lock for a fork to inherit.
_subscribers: dict[Subscription, None] = globals().get("_subscribers") or {}


def subscribe(subscriber: Callable[[Event], None]) -> Subscription:
    """Call `subscriber` with every event from now on. Its failures are logged, and it stays."""
    subscription = Subscription(subscriber)
    _subscribers[subscription] = None
    return subscription


def emit(event: Event) -> None:
    """Tell every subscriber."""
    for subscription in tuple(_subscribers):
        _tell(subscription, event)


def _tell(subscription: Subscription, event: Event) -> None:
    try:
        subscription.subscriber(event)
    except Exception:
        _log.exception("a subscriber of supervision events failed on %r", event)
