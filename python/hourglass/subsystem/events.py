"""Telemetry: everything the subsystem tells about itself, in one registry.

`EVENTS` is the whole list: supervision's own events and those below; nothing else is ever emitted.
Every event of this file is also a line of the log ``hourglass.subsystem``, at the level its class
names. A callback is called where the event happens, so it must be quick and must not block::

    with hourglass.Subsystem.subscribe(print):
        ...
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
class RuntimeStarted(SubsystemEvent):
    """A native runtime is up; its handles carry its epoch."""

    epoch: int
    text: ClassVar[str] = "the native runtime of epoch {epoch} is up"


@dataclass(frozen=True)
class RuntimeClosed(SubsystemEvent):
    """A native runtime was closed; its handles are stale from now on."""

    epoch: int
    text: ClassVar[str] = "the native runtime of epoch {epoch} is closed"


@dataclass(frozen=True)
class RuntimeRenewal(SubsystemEvent):
    """The runtime of an epoch was found dead, and is about to be replaced, once."""

    epoch: int
    reason: str
    level: ClassVar[int] = logging.WARNING
    text: ClassVar[str] = "the native runtime of epoch {epoch} is replaced: {reason}"


@dataclass(frozen=True)
class StaleHandleUsed(SubsystemEvent):
    """Something used a native handle whose runtime is gone: told before any restart."""

    call_site: str
    pid: int | None
    epoch: int | None
    error: str
    level: ClassVar[int] = logging.ERROR
    text: ClassVar[str] = "{call_site}: a stale handle was used: {error}"


@dataclass(frozen=True)
class WorkerRegistered(SubsystemEvent):
    """A worker has a handle and takes tasks."""

    name: str
    epoch: int
    text: ClassVar[str] = "worker {name!r} is registered in epoch {epoch}"


@dataclass(frozen=True)
class WorkerUnregistered(SubsystemEvent):
    """A worker takes no more tasks; what it took is being finished."""

    name: str
    text: ClassVar[str] = "worker {name!r} is unregistered"


@dataclass(frozen=True)
class WorkerRecycled(SubsystemEvent):
    """A worker has a fresh handle with its original options."""

    name: str
    epoch: int
    text: ClassVar[str] = "worker {name!r} is recycled in epoch {epoch}"


@dataclass(frozen=True)
class RegistrationFailed(SubsystemEvent):
    """A worker could not be registered; `retry_in` seconds, None: it is not tried again."""

    name: str
    error: BaseException
    retry_in: float | None
    level: ClassVar[int] = logging.ERROR
    text: ClassVar[str] = "worker {name!r} could not be registered: {error}"

    def __str__(self) -> str:
        again = "" if self.retry_in is None else f" (again in {self.retry_in} s)"
        return super().__str__() + again


@dataclass(frozen=True)
class HandleReleased(SubsystemEvent):
    """Everything that a worker's handle delivered is answered, or given up."""

    name: str
    epoch: int
    text: ClassVar[str] = "a handle of worker {name!r} of epoch {epoch} is released"


@dataclass(frozen=True)
class CompletionLost(SubsystemEvent):
    """A completion found its handle gone. The service gives the task out again after its timeout.

    `task`: the run, or the activity; for an activity its side effect may happen twice.
    """

    name: str
    kind: str
    task: str
    level: ClassVar[int] = logging.WARNING
    text: ClassVar[str] = "worker {name!r}: the completion of {kind} {task} is lost"


@dataclass(frozen=True)
class EvaluatorGivenUp(SubsystemEvent):
    """Workflow code of a run did not come back: another evaluator has taken over.

    `task`: the run. The stack is in `error`, and in the log of the worker.
    """

    task: str
    error: BaseException
    text: ClassVar[str] = "the evaluator at run {task} is given up: {error}"


@dataclass(frozen=True)
class ActivityLeftBehind(SubsystemEvent):
    """An activity ignores its cancellation and is answered for: its worker stops without it.

    `task`: the activity, and where it is.
    """

    task: str
    text: ClassVar[str] = "{task} is left behind"


@dataclass(frozen=True)
class WorkerStoppedHard(SubsystemEvent):
    """A worker did not end in its time; `task`: what is left undone."""

    name: str
    task: str
    text: ClassVar[str] = "worker {name!r} is stopped hard, with this undone: {task}"


@dataclass(frozen=True)
class CompletionRescued(SubsystemEvent):
    """An activity ended after its handle was gone; the service was told all the same."""

    name: str
    task: str
    text: ClassVar[str] = "worker {name!r}: the completion of activity {task} is rescued"


@dataclass(frozen=True)
class SubsystemFailed(SubsystemEvent):
    """The tree gave up after too many restarts."""

    reason: supervision.ExitReason
    level: ClassVar[int] = logging.CRITICAL
    text: ClassVar[str] = "the subsystem gave up: {reason}"


OWN_EVENTS: Final[tuple[type[SubsystemEvent], ...]] = (
    RuntimeStarted,
    RuntimeClosed,
    RuntimeRenewal,
    StaleHandleUsed,
    WorkerRegistered,
    WorkerUnregistered,
    WorkerRecycled,
    RegistrationFailed,
    HandleReleased,
    CompletionLost,
    EvaluatorGivenUp,
    ActivityLeftBehind,
    WorkerStoppedHard,
    CompletionRescued,
    SubsystemFailed,
)
EVENTS: Final[tuple[type[Any], ...]] = (*supervision.EVENTS, *OWN_EVENTS)
AnyEvent: TypeAlias = supervision.Event | SubsystemEvent


def subscribe(subscriber: Callable[[AnyEvent], None]) -> supervision.Subscription:
    """Call `subscriber` with every event from now on. Its failures are logged, and it stays."""
    return supervision.subscribe(cast("Callable[[supervision.Event], None]", subscriber))


def emit(event: SubsystemEvent) -> None:
    """Log it and tell every subscriber."""
    logger.log(event.level, "%s", event)
    supervision_events.emit(cast("supervision.Event", event))


class Counter:
    """Counts of the events of this process, by name, since the first tree started."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._subscription: supervision.Subscription | None = None

    def start(self) -> None:
        """Begin to count; once is enough."""
        if self._subscription is None:
            self._subscription = subscribe(self._count)

    def _count(self, event: AnyEvent) -> None:
        name = type(event).__name__
        self.counts[name] = self.counts.get(name, 0) + 1


counter: Final = Counter()
