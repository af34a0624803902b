"""SIGKILL at everything that a process lets out, of workflows of every kind; nobody can tell later.

The process holds still at a gate before and after every commit of its database, or before every
message to its server, and is killed there: `tests.crash.sweep`. A kill at every such point is `make
kill-sweep`. Here it is one for every two neighbouring events, chosen by HOURGLASS_KILL_SEED.
"""

import os
import random
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.crash.sweep.nursery import Life, Nursery
from tests.crash.sweep.programs import PROGRAMS
from tests.crash.sweep.sweep import Mode, Outcome, Point, Server, apart, embedded, same

EVERYWHERE = os.environ.get("HOURGLASS_KILLS") == "all"
SEED = int(os.environ.get("HOURGLASS_KILL_SEED", "1"))
AT_ONCE = 12
"""They mostly wait: for what a killed worker had to be given out again."""
MODES = [Mode(apart, overlapping) for apart in (False, True) for overlapping in (False, True)]
Pair = tuple[str, str]


class Sweep:
    """All kills; those of a mode begin together, when the first of its tests asks for its own."""

    def __init__(self, folder: Path, nursery: Nursery, server: Server) -> None:
        self._folder = folder
        self._nursery = nursery
        self._server = server
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._kills: dict[Mode, dict[tuple[str, Point], Future[Outcome]]] = {}
        undisturbed = {
            (apart, program): self._begin(Mode(apart, False), program, None)
            for apart in (False, True)
            for program in PROGRAMS
        }
        self.undisturbed = {key: future.result() for key, future in undisturbed.items()}

    def close(self) -> None:
        """Begin no more kills."""
        self._pool.shutdown(cancel_futures=True)

    def _begin(self, mode: Mode, program: str, point: Point | None) -> "Future[Outcome]":
        if mode.apart:
            return self._pool.submit(apart, self._nursery, self._server, program, mode, point)
        return self._pool.submit(embedded, self._nursery, self._folder, program, mode, point)

    def chosen(self, mode: Mode) -> list[tuple[str, Point]]:
        """Where to kill: at every point, or at one between every two neighbouring events."""
        points = [
            (program, point) for program in PROGRAMS for point in self.points(mode.apart, program)
        ]
        if EVERYWHERE:
            return points
        random.Random(f"{SEED} {mode}").shuffle(points)
        covered: set[Pair] = set()
        chosen: list[tuple[str, Point]] = []
        for program, point in points:
            pairs = self.pairs(mode.apart, program, point)
            if not pairs <= covered:
                covered |= pairs
                chosen.append((program, point))
        return chosen

    def points(self, apart: bool, program: str) -> list[Point]:
        """List the points of the undisturbed program at which there is something left to do."""
        course = self.undisturbed[apart, program].course
        return [point for point in course.points if point.events < len(course.order)]

    def pairs(self, apart: bool, program: str, point: Point) -> set[Pair]:
        """Name the neighbours that a kill there comes between.

        Those are the last event on record and the first that is not; and where events come on
        record together, all or none, or with nothing let out between them, also each of those and
        the one after it.
        """
        outcome = self.undisturbed[apart, program]
        names = ["nothing", *outcome.names()]
        lengths = sorted({each.events for each in outcome.course.points})
        after = next(length for length in lengths if length > point.events)
        return set(
            zip(names[point.events : after], names[point.events + 1 : after + 1], strict=True)
        )

    def kills(self, mode: Mode) -> dict[tuple[str, Point], "Future[Outcome]"]:
        """Begin with the kills of a mode, if nobody did."""
        if mode not in self._kills:
            chosen = self.chosen(mode)
            self._kills[mode] = {each: self._begin(mode, *each) for each in chosen}
        return self._kills[mode]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory, temporal_server: str) -> Iterator[Sweep]:
    """Run every program undisturbed, and be ready to kill."""
    folder = tmp_path_factory.mktemp("sweep")
    with ExitStack() as stack:
        nursery = stack.enter_context(closing(Nursery(folder)))
        server = stack.enter_context(closing(Server(temporal_server)))
        yield stack.enter_context(closing(Sweep(folder, nursery, server)))


@pytest.mark.deadline(240)
@pytest.mark.parametrize("program", PROGRAMS)
def test_both_engines_leave_the_same_events(sweep: Sweep, program: str) -> None:
    ours, theirs = (sweep.undisturbed[apart, program] for apart in (False, True))
    same(ours, theirs)


@pytest.mark.deadline(1800 if EVERYWHERE else 240)
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("mode", MODES, ids=str)
def test_a_kill_at_any_event_changes_neither_result_nor_history(
    sweep: Sweep, mode: Mode, program: str
) -> None:
    control = sweep.undisturbed[mode.apart, program]
    for (of_program, point), kill in sweep.kills(mode).items():
        if of_program != program:
            continue
        try:
            outcome = kill.result()
            # How often a worker says something for its last task differs: it may have been done.
            last_task = mode.apart and point.events >= len(control.course.order) - 3
            assert outcome.victim is not None or last_task
            same(control, outcome)
            if outcome.victim is not None:
                nothing_is_forgotten(outcome.victim, outcome.told)
        except BaseException as error:
            error.args = (f"{mode} {program} killed at {point}: {error}",)
            raise


def nothing_is_forgotten(victim: Life, told: dict[str, Any]) -> None:
    """Insist that the next life finds what the victim was told, and is told the same.

    It looks before its worker starts: what a worker could do again is not found by then.
    """
    for event, times in victim.acknowledged:
        assert told["found"].count(event) >= times, f"{event} was acknowledged and is lost"
    for kind in (victim.told.keys() & told.keys()) - {"found"}:
        assert victim.told[kind] == told[kind], kind


@pytest.mark.deadline(240)
@pytest.mark.parametrize("mode", MODES, ids=str)
def test_the_sweep_comes_between_every_two_neighbouring_events(sweep: Sweep, mode: Mode) -> None:
    """And how many kills there were, and how many of them with just the events that were meant."""
    wanted = {
        pair
        for program in PROGRAMS
        for point in sweep.points(mode.apart, program)
        for pair in sweep.pairs(mode.apart, program, point)
    }
    kills = {each: kill.result() for each, kill in sweep.kills(mode).items()}
    exact = sum(kill.course.points[-1].events == point.events for (_, point), kill in kills.items())
    covered = {pair for meant in kills for pair in sweep.pairs(mode.apart, *meant)}
    sys.stdout.write(f"\n{mode}: {len(kills)} kills, {exact} as meant, {len(covered)} pairs\n")
    assert covered == wanted
