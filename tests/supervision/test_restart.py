"""The table of the restart algorithm, cell by cell, and the restart intensity."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import cast, get_args

import pytest

from hourglass.supervision import (
    KILLED,
    NORMAL,
    ChildSpec,
    Crash,
    ExitReason,
    Ignore,
    IntensityExceeded,
    Restart,
    Shutdown,
    Strategy,
    Supervisor,
    restart,
)
from hourglass.supervision.restart import Intensity, affected
from tests.supervision.kit import WAIT, Journal, Kit

REASONS: dict[str, list[ExitReason]] = {
    "Normal": [NORMAL],
    "Shutdown": [Shutdown(), Shutdown("enough")],
    "Killed": [KILLED],
    "Crash": [Crash(ValueError("boom"))],
}

JOURNALS = {
    "restart it": ["+b"],
    "restart rest": ["-c", "+b", "+c"],
    "restart all": ["-c", "-a", "+a", "+b", "+c"],
    "keep it": [],
    "forget it": [],
}
"""What happens to children a, b and c, of which b has exited."""

RUNNING = [("a", "running"), ("b", "running"), ("c", "running")]
STATES = {
    "restart it": RUNNING,
    "restart rest": RUNNING,
    "restart all": RUNNING,
    "keep it": [("a", "running"), ("b", "stopped"), ("c", "running")],
    "forget it": [("a", "running"), ("c", "running")],
}


def table() -> Iterator[tuple[Strategy, Restart, ExitReason, str]]:
    """The cells of the table in the docstring of `restart`."""
    text = (restart.__doc__ or "").split("The table\n")[1]
    _, header, _, *rows, _ = text[text.index("=") :].splitlines()
    strategies = header.split()[2:]
    for row in rows:
        kind, exit_name, *actions = re.split(r"\s{2,}", row)
        for strategy, action in zip(strategies, actions, strict=True):
            for reason in REASONS[exit_name]:
                yield cast("Strategy", strategy), cast("Restart", kind), reason, action


CELLS = list(table())


def test_the_table_has_every_combination() -> None:
    combinations = itertools.product(
        get_args(Strategy), get_args(Restart), itertools.chain.from_iterable(REASONS.values())
    )
    assert sorted(map(repr, combinations)) == sorted(repr(cell[:3]) for cell in CELLS)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_an_exit_is_answered_as_the_table_says(
    kit: Kit, journal: Journal, cell: tuple[Strategy, Restart, ExitReason, str]
) -> None:
    strategy, kind, reason, action = cell
    children = [journal.spec("a"), journal.spec("b", kind), journal.spec("c")]
    tree = kit.start(Supervisor(children, strategy=strategy))
    victim = kit.process(tree, "b")
    journal.take()

    if reason == KILLED:
        kit.kill(victim)
    else:
        kit.end(victim, reason)
        assert journal.lines.pop(0) == "-b"

    assert victim.exit_reason == reason
    assert journal.take() == JOURNALS[action]
    assert list(kit.states(tree).items()) == STATES[action]


def test_a_temporary_sibling_in_the_path_of_a_restart_is_stopped_and_forgotten(
    kit: Kit, journal: Journal
) -> None:
    children = [journal.spec("a"), journal.spec("b", "temporary"), journal.spec("c")]
    tree = kit.start(Supervisor(children, strategy="one_for_all"))
    journal.take()
    kit.kill(kit.process(tree, "a"))
    assert journal.take() == ["-c", "-b", "+a", "+c"]
    assert list(kit.states(tree)) == ["a", "c"]


def test_a_finished_transient_sibling_in_the_path_of_a_restart_is_started_again(
    kit: Kit, journal: Journal
) -> None:
    children = [journal.spec("a"), journal.spec("b", "transient")]
    tree = kit.start(Supervisor(children, strategy="rest_for_one"))
    kit.end(kit.process(tree, "b"), NORMAL)
    assert kit.states(tree) == {"a": "running", "b": "stopped"}
    journal.take()
    kit.kill(kit.process(tree, "a"))
    assert journal.take() == ["+a", "+b"]


def test_children_that_die_together_are_one_restart(kit: Kit, journal: Journal) -> None:
    children = [journal.spec(name) for name in "abcdef"]
    tree = kit.start(Supervisor(children, strategy="one_for_all", max_restarts=1))
    victims = [kit.process(tree, name) for name in "abcdef"]
    journal.take()

    async def kill_all() -> None:
        for victim in victims:
            victim.kill()

    kit.loop.run(kill_all).result(WAIT)
    kit.settle()
    assert journal.take() == ["+a", "+b", "+c", "+d", "+e", "+f"]
    assert tree.alive


@pytest.mark.parametrize("strategy", get_args(Strategy))
def test_b21_restarts_up_to_the_intensity_are_granted_and_one_more_ends_the_supervisor(
    kit: Kit, journal: Journal, strategy: Strategy
) -> None:
    """B-21"""
    tree = kit.start(Supervisor([journal.spec("a"), journal.spec("b")], strategy=strategy))
    last = Crash(ValueError("the last one"))
    for _ in range(3):
        kit.kill(kit.process(tree, "a"))
    journal.take()
    kit.end(kit.process(tree, "a"), last)

    match tree.exit_reason:
        case Crash(IntensityExceeded() as error):
            assert error.last_reason == error.root_reason == last
            assert error.child_id == "a"
            assert error.__cause__ is last.exception
        case other:
            pytest.fail(f"ended with {other}")
    assert journal.take() == ["-a", "-b"]


def test_restarts_age_out_of_the_intensity(kit: Kit, journal: Journal) -> None:
    tree = kit.start(Supervisor([journal.spec("a")], max_restarts=2, max_seconds=5.0))
    for _ in range(10):
        kit.kill(kit.process(tree, "a"))
        kit.kill(kit.process(tree, "a"))
        kit.advance(5.1)
    assert tree.alive


def test_b21_escalation_climbs_until_a_restart_cures_it(kit: Kit, journal: Journal) -> None:
    """B-21, B-30a: the parent sees the reason, and restarts the whole subtree."""
    inner = ChildSpec("inner", lambda: Supervisor([journal.spec("x")], max_restarts=0))
    tree = kit.start(Supervisor([journal.spec("a"), inner]))
    first = kit.process(tree, "inner")
    assert isinstance(first, Supervisor)
    journal.take()
    kit.kill(kit.process(first, "x"))
    assert isinstance(first.exit_reason, Crash)
    assert journal.take() == ["+x"]
    assert kit.process(tree, "inner") is not first


def test_escalation_to_the_top_names_the_root_reason(kit: Kit, journal: Journal) -> None:
    def nest(depth: int) -> Supervisor:
        child = ChildSpec(f"level{depth}", lambda: nest(depth - 1)) if depth else journal.spec("x")
        return Supervisor([child], max_restarts=0)

    tree = process = kit.start(nest(3))
    for name in ("level3", "level2", "level1", "x"):
        process = cast("Supervisor", kit.process(process, name))
    reason = Crash(ValueError("boom"))
    kit.end(process, reason)
    assert isinstance(tree.exit_reason, Crash)
    assert isinstance(tree.exit_reason.exception, IntensityExceeded)
    assert tree.exit_reason.exception.root_reason == reason


@pytest.mark.parametrize(
    ("strategy", "first", "second"),
    [
        ("one_for_one", ["!a"], ["+a"]),
        ("rest_for_one", ["-c", "-b", "!a"], ["+a", "+b", "+c"]),
        ("one_for_all", ["-c", "-b", "!a"], ["+a", "+b", "+c"]),
    ],
)
def test_a_failed_restart_is_queued_and_tried_again(
    kit: Kit, journal: Journal, strategy: Strategy, first: list[str], second: list[str]
) -> None:
    tree = kit.start(Supervisor([journal.spec(name) for name in "abc"], strategy=strategy))
    journal.take()
    journal.fail("a", ValueError("not yet"))
    kit.kill(kit.process(tree, "a"))
    assert journal.take() == first + second
    assert set(kit.states(tree).values()) == {"running"}


def test_a_restart_that_fails_further_on_is_taken_up_at_the_child_that_failed(
    kit: Kit, journal: Journal
) -> None:
    specs = [journal.spec(name) for name in "abcd"]
    tree = kit.start(Supervisor(specs, strategy="rest_for_one"))
    journal.take()
    journal.fail("c", ValueError("not yet"))
    kit.kill(kit.process(tree, "a"))
    assert journal.take() == ["-d", "-c", "-b", "+a", "+b", "!c", "+c", "+d"]


def test_failed_restarts_count_against_the_intensity(kit: Kit, journal: Journal) -> None:
    tree = kit.start(Supervisor([journal.spec("a")]))
    journal.fail("a", *(ValueError(f"try {n}") for n in range(10)))
    journal.take()
    kit.kill(kit.process(tree, "a"))
    assert journal.take() == ["!a", "!a", "!a"]
    match tree.exit_reason:
        case Crash(IntensityExceeded(last_reason=Crash(ValueError() as error))):
            assert str(error) == "try 2"
        case other:
            pytest.fail(f"ended with {other}")


def test_a_queued_restart_waits_behind_the_mailbox(kit: Kit, journal: Journal) -> None:
    """Else a child that can't start would shut out everybody who could take it away."""
    tree = kit.start(Supervisor([journal.spec("a")], max_restarts=1))
    victim = kit.process(tree, "a")
    journal.fail("a", ValueError("not yet"))

    async def kill_then_terminate() -> None:
        exited = victim.exit
        victim.kill()
        await exited
        await tree.terminate_child("a")

    kit.loop.run(kill_then_terminate).result(WAIT)
    kit.settle()
    assert kit.states(tree) == {"a": "stopped"}


def test_a_queued_restart_that_a_cascade_has_overtaken_is_dropped(
    kit: Kit, journal: Journal
) -> None:
    tree = kit.start(Supervisor([journal.spec("a"), journal.spec("b")], strategy="rest_for_one"))
    first, second = kit.process(tree, "b"), kit.process(tree, "a")
    journal.take()
    journal.fail("b", ValueError("not yet"))

    async def kill_both() -> None:
        first.kill()
        second.kill()

    kit.loop.run(kill_both).result(WAIT)
    kit.settle()
    assert journal.take() == ["!b", "+a", "+b"]


def test_b23_an_ignored_child_is_present_without_a_process_and_run_again_by_a_cascade(
    kit: Kit, journal: Journal
) -> None:
    """B-23"""
    journal.fail("b", Ignore(), Ignore())
    specs = [journal.spec(name) for name in "abc"]
    tree = kit.start(Supervisor(specs, strategy="rest_for_one", max_restarts=2))
    assert journal.take() == ["+a", "~b", "+c"]
    assert kit.states(tree) == {"a": "running", "b": "ignored", "c": "running"}

    kit.kill(kit.process(tree, "a"))
    assert journal.take() == ["-c", "+a", "~b", "+c"]
    kit.kill(kit.process(tree, "a"))
    assert journal.take() == ["-c", "+a", "+b", "+c"]
    assert tree.alive


def test_the_intensity_counts_within_its_seconds_and_the_edge_belongs_to_them() -> None:
    intensity = Intensity(2, 5.0)
    assert [intensity.admit(t) for t in (0.0, 1.0, 5.0)] == [True, True, False]
    assert intensity.admit(6.1) is True


@pytest.mark.parametrize(("restarts", "seconds"), [(-1, 5.0), (3, 0.0), (3, -1.0)])
def test_an_intensity_that_means_nothing_is_refused(restarts: int, seconds: float) -> None:
    with pytest.raises(ValueError, match=f"{restarts} restarts in {seconds} s"):
        Supervisor(max_restarts=restarts, max_seconds=seconds)


def test_the_affected_are_in_start_order() -> None:
    assert affected("one_for_one", "abc", "b") == ["b"]
    assert affected("rest_for_one", list("abc"), "b") == ["b", "c"]
    assert affected("one_for_all", list("abc"), "b") == ["a", "b", "c"]
