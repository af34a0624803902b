"""One kill: where, of whom, who takes over, and what may be different afterwards."""

import asyncio
import json
import signal
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from hourglass.client import Client
from tests.crash.sweep.nursery import PATIENCE, Life, Nursery
from tests.crash.sweep.programs import PROGRAMS
from tests.crash.sweep.record import Place, histories, named, places
from tests.support import short_name, unique

T = TypeVar("T")


class Mode(NamedTuple):
    """Who is killed, and when the next one comes."""

    apart: bool
    """A worker whose server lives on; else engine, worker and client in one process.

    The embedded engine belongs to one process: a worker apart from its engine is one of a server.
    """
    overlapping: bool
    """The next one is there before the old one is killed; else it starts afterwards."""

    def __str__(self) -> str:
        return ("apart" if self.apart else "embedded") + ("-overlapping" * self.overlapping)


class Point(NamedTuple):
    """A moment in a program's life: so many events on record, and the so-manieth thing to be let
    out since the last of them was seen there."""

    events: int
    ask: int


@dataclass
class Course:
    """The way that the record grew, as seen from the gate."""

    look: Callable[[], list[Place]]
    order: list[Place] = field(default_factory=list[Place])
    points: list[Point] = field(default_factory=list[Point])

    def now(self) -> Point:
        """Look at the record; the moment that this is."""
        known = set(self.order)
        self.order += [place for place in self.look() if place not in known]
        last = self.points[-1] if self.points else Point(0, 0)
        point = Point(len(self.order), last.ask + 1 if last.events == len(self.order) else 1)
        self.points.append(point)
        return point


@dataclass
class Outcome:
    """What came of it."""

    told: dict[str, Any]
    """What was told in the end."""
    course: Course
    victim: Life | None = None
    """Who was killed, if the moment to do so came."""

    def names(self) -> list[str]:
        """Name the events in the order in which they came on record."""
        names = dict(named(self.told["histories"]))
        return [names[place] for place in self.course.order]


class Server:
    """The real server, asked from threads about what it has on record."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._client = self._run(Client.connect(address))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def places(self, ids: list[str]) -> list[Place]:
        """List the events on record of these workflows."""
        return [place for place, _ in named(self._run(histories(self._client, ids)))]

    def close(self) -> None:
        """End the thread."""
        self._run(self._client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def embedded(
    nursery: Nursery, folder: Path, program: str, mode: Mode, point: Point | None
) -> Outcome:
    """Kill a process that has engine, worker and client; the next one does the rest."""
    database = folder / f"{unique(program)}.db"
    options: dict[str, Any] = {
        "program": program,
        "name": program,
        "target": f"sqlite:///{database}",
        "role": "both",
    }
    first = nursery.start(**options, gated=True, overlapping=False)
    course = Course(lambda: places(database))
    if not reached(first, first, course, point):
        first.ended()
        first.ended_well()
        return Outcome(first.told, course)
    second = relieved(nursery, first, mode, **options)
    second.ended()
    second.ended_well()
    return Outcome(second.told, course, first)


def apart(
    nursery: Nursery, server: Server, program: str, mode: Mode, point: Point | None
) -> Outcome:
    """Kill a worker process; the next one does the rest, for a client that notices nothing."""
    name = unique(program)
    options: dict[str, Any] = {"program": program, "name": name, "target": server.address}
    client = nursery.start(**options, role="client", gated=False, overlapping=False)
    worker = nursery.start(**options, role="worker", gated=True, overlapping=False)
    course = Course(lambda: server.places(PROGRAMS[program].ids(name)))
    victim = None
    if reached(worker, client, course, point):
        victim, worker = worker, relieved(nursery, worker, mode, **options, role="worker")
    client.ended()
    client.ended_well()
    worker.wait_until_told("works")
    worker.stop()
    worker.ended_well()
    return Outcome(client.told, course, victim)


def reached(life: Life, talker: Life, course: Course, point: Point | None) -> bool:
    """Let it live until the point; it stands still there. False if it was over before."""
    for _ in life.asks(until=talker):
        now = course.now()
        if point is not None and now >= point:
            return True
    return False


def relieved(nursery: Nursery, old: Life, mode: Mode, **options: Any) -> Life:
    """Kill the old one, which stands still; the one that takes over."""
    old.rest()
    options.update(gated=False, overlapping=mode.overlapping)
    if not mode.overlapping:
        old.kill()
        return nursery.start(**options)
    new = nursery.start(**options)
    new.wait_until_told("works" if mode.apart else "refused")
    if not mode.apart:
        assert f"is in use by the process {old.pid};" in new.told["refused"], new.told
    old.kill()
    assert old.status == -signal.SIGKILL, old.described()
    return new


STABLE = {
    "acceptedRequest",
    "activityId",
    "activityType",
    "input",
    "outcome",
    "parentClosePolicy",
    "result",
    "signalName",
    "startToFireTimeout",
    "workflowId",
    "workflowType",
}
"""What is compared of an event beside its name, as far as it has it."""


def same(these: Outcome, those: Outcome) -> None:
    """Insist that nobody can tell the one from the other by its events."""
    ones, others = (essence(outcome.told["histories"]) for outcome in (these, those))
    if ones != others:
        lines = unified_diff(ones, others, "these", "those", n=100, lineterm="")
        raise AssertionError("\n".join(lines))


def essence(runs: list[dict[str, Any]]) -> list[str]:
    """Every workflow's events, one run after the other, but for what a kill may change.

    Which is this, and nothing else:

    * Workflow tasks: the one that a killed worker had is lost and comes again, perhaps together
      with what came since.
    * An activity that was asked to be cancelled ends as such, or because its worker is gone; and
      if it waits for its next attempt, it never started.
    """
    events: list[str] = []
    for run in runs:
        name = runs[0]["id"]
        asked = False
        for event in run["events"]:
            kind = short_name(event)
            asked |= kind == "ActivityTaskCancelRequested"
            if kind in ("ActivityTaskCanceled", "ActivityTaskTimedOut") and asked:
                if events[-1].startswith("ActivityTaskStarted"):
                    events.pop()
                kind, asked = "ActivityTaskCanceled or ActivityTaskTimedOut", False
            if not kind.startswith("WorkflowTask"):
                attributes = next(
                    value for key, value in event.items() if key.endswith("Attributes")
                )
                same = {key: value for key, value in attributes.items() if key in STABLE}
                events.append(f"{kind} {json.dumps(same, sort_keys=True)}".replace(name, "<name>"))
    return events
