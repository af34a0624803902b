"""What is seen of a program: in the model, as often as it takes to know what depends on luck."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.random_programs.interpreter import Entry
from tests.random_programs.model import Model, run_model
from tests.random_programs.program import Program

LATENESS = 20.0
"""Seconds of workflow time that an event may be late in the model, and is, at random."""


@dataclass
class Seen:
    """What happened to a program, in the model or in reality."""

    outcome: Any
    said: list[Any]
    """What came of each stimulus."""
    traces: dict[str, list[list[Entry]]]
    """The traces of the runs of each workflow, in order."""


def _seen_in(model: Model) -> Seen:
    traces: dict[str, list[list[Entry]]] = {}
    for world in model.worlds:
        traces.setdefault(world.id, []).append(world.interpreter.trace)
    return Seen(model.outcome, model.said, traces)


def _latenesses(times: int) -> list[Callable[[], float]]:
    """Make ways to be late: events that meet come in order, in reverse, at once, at random."""
    count = iter(range(1, 10**9)).__next__
    back = iter(range(1, 10**9)).__next__
    rng = random.Random(times)
    ways: list[Callable[[], float]] = [
        lambda: count() / 1000,
        lambda: LATENESS / 2 - min(back(), 9000) / 1000,
        lambda: 1.0,
        *[lambda: rng.choice((1.0, 2.0))] * 2,
    ]
    return ways + [lambda: LATENESS * 10 ** rng.uniform(-4, 0)] * times


def _shape(seen: Seen) -> Any:
    """Leave out the times, and the order of the entries: those at one time have none."""
    traces = {
        world: [sorted((node, json.dumps(said)) for node, _, said in trace) for trace in runs]
        for world, runs in sorted(seen.traces.items())
    }
    return [seen.outcome, seen.said, traces]


def modelled(program: Program, times: int = 6) -> list[Seen]:
    """Run the model, for each way to be late."""
    return [
        _seen_in(run_model(program.main, program.stimuli, way, number))
        for number, way in enumerate(_latenesses(times))
    ]


def is_definite(versions: list[Seen]) -> bool:
    """Tell whether the model gives the same whatever is late."""
    first = _shape(versions[0])
    return all(_shape(version) == first for version in versions[1:])
