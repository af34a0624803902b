"""Telemetry: everything the subsystem tells about itself, in one registry.

`EVENTS` is the whole list: supervision's own events and those below; nothing else is ever emitted.
Every event of this file is also a line of the log ``hourglass.subsystem``, at the level its class
names. A callback is called where the event happens, so it must be quick and must not block.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeAlias, cast

from hourglass import supervision
from hourglass.supervision import events as supervision_events

logger = logging.getLogger("hourglass.subsystem")


@dataclass(frozen=True)
class SubsystemEvent:
    """Something that happened to the subsystem; its text is the line in the log."""

    level: ClassVar[int] = logging.DEBUG
    text: ClassVar[str]

    def __str__(self) -> str:
        return self.text.format(**vars(self))


@dataclass(frozen=True)
class StaleHandleUsed(SubsystemEvent):
    """Something used a native handle whose runtime is gone: told before any restart."""

    call_site: str
    pid: int | None
    epoch: int | None
    error: str
    level: ClassVar[int] = logging.ERROR
    text: ClassVar[str] = "{call_site}: a stale handle was used: {error}"


OWN_EVENTS: Final[tuple[type[SubsystemEvent], ...]] = (StaleHandleUsed,)
EVENTS: Final[tuple[type[Any], ...]] = (*supervision.EVENTS, *OWN_EVENTS)
AnyEvent: TypeAlias = supervision.Event | SubsystemEvent


def subscribe(subscriber: Callable[[AnyEvent], None]) -> supervision.Subscription:
    """Call `subscriber` with every event from now on. Its failures are logged, and it stays."""
    return supervision.subscribe(cast("Callable[[supervision.Event], None]", subscriber))


def emit(event: SubsystemEvent) -> None:
    """Log it and tell every subscriber."""
    logger.log(event.level, "%s", event)
    supervision_events.emit(cast("supervision.Event", event))
