"""What a supervisor with a fixed order of children does when asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hourglass.supervision import (
    KILLED,
    SHUTDOWN,
    AlreadyPresent,
    AlreadyStarted,
    ChildCounts,
    ChildExited,
    ChildSpec,
    Crash,
    DynamicSupervisor,
    Event,
    Exited,
    Ignore,
    NotFound,
    Process,
    StartedTwice,
    StartFailed,
    StillRunning,
    Supervisor,
    Task,
    WouldDeadlock,
    subscribe,
)
from tests.supervision.kit import WAIT, Journal, Kit, Witness


def test_children_start_in_order_and_stop_in_reverse(kit: Kit, journal: Journal) -> None:
    """B-20"""
    tree = kit.start(Supervisor([journal.spec(name) for name in "abc"]))
    assert journal.take() == ["+a", "+b", "+c"]
    kit.end(tree, SHUTDOWN)
    assert journal.take() == ["-c", "-b", "-a"]
    assert tree.exit_reason == SHUTDOWN


def test_the_second_child_falls_and_the_first_keeps_its_identity(
    kit: Kit, journal: Journal
) -> None:
    """B-13"""
    specs = [journal.spec(str(n)) for n in range(1, 6)]
    tree = kit.start(Supervisor(specs, strategy="rest_for_one"))
    before = [info.process for info in tree.which_children().result(WAIT)]
    journal.take()
    kit.kill(kit.process(tree, "2"))
    after = [info.process for info in tree.which_children().result(WAIT)]
    assert journal.take() == ["-5", "-4", "-3", "+2", "+3", "+4", "+5"]
    assert after[0] is before[0]
    assert not set(after[1:]) & set(before)


def test_a_child_that_does_not_start_fails_the_start_and_those_before_it_are_stopped(
    kit: Kit, journal: Journal
) -> None:
    journal.fail("c", ValueError("no c today"))
    specs = [journal.spec(name) for name in "abcd"]
    outer = Supervisor([ChildSpec("inner", lambda: Supervisor(specs))])
    with pytest.raises(StartFailed, match="'outer' did not start") as caught:
        kit.start(outer, "outer")
    assert journal.take() == ["+a", "+b", "!c", "-b", "-a"]
    causes: list[str] = []
    error: BaseException | None = caught.value
    while isinstance(error, StartFailed):
        causes.append(error.child_id)
        error = error.cause
    assert causes == ["outer", "inner", "c"]
    assert str(error) == "no c today"
    assert not outer.alive


def test_a_factory_that_raises_or_has_nothing_is_a_failed_or_an_ignored_start(kit: Kit) -> None:
    def broken() -> Process:
        raise ValueError("no process")

    def absent() -> Process:
        raise Ignore

    with pytest.raises(StartFailed, match="no process"):
        kit.start(Supervisor([ChildSpec("a", broken)]))
    tree = kit.start(Supervisor([ChildSpec("a", lambda: None), ChildSpec("b", absent)]))
    assert kit.states(tree) == {"a": "ignored", "b": "ignored"}


def test_a_factory_that_makes_the_same_process_twice_is_named(kit: Kit, journal: Journal) -> None:
    process = Witness(journal)
    tree = kit.start(Supervisor([ChildSpec("a", lambda: process)]))
    kit.kill(process)
    assert isinstance(tree.exit_reason, Crash)
    with pytest.raises(StartFailed) as caught:
        kit.start(Supervisor([ChildSpec("b", lambda: process)]))
    assert isinstance(caught.value.cause, StartFailed)
    assert isinstance(caught.value.cause.cause, StartedTwice)
    parent = kit.start(Supervisor())
    with pytest.raises(StartFailed, match="started before"):
        parent.start_child(ChildSpec("c", lambda: process)).result(WAIT)
    assert parent.alive


def test_two_children_with_one_id_are_refused(journal: Journal) -> None:
    with pytest.raises(ValueError, match="two children with one id"):
        Supervisor([journal.spec("a"), journal.spec("a")])


def test_a_word_that_means_nothing_is_refused_by_name() -> None:
    anything: Any = "sometimes"
    for make in (
        lambda: Supervisor(strategy=anything),
        lambda: ChildSpec("a", lambda: None, restart=anything),
        lambda: ChildSpec("a", lambda: None, shutdown=anything),
    ):
        with pytest.raises(ValueError, match="is 'sometimes', not one of"):
            make()
    with pytest.raises(ValueError, match=r"shutdown of child 'a' is -1 s"):
        ChildSpec("a", lambda: None, shutdown=-1)


def test_a_child_can_be_added_terminated_restarted_and_deleted(kit: Kit, journal: Journal) -> None:
    tree = kit.start(Supervisor([journal.spec("a")]))
    added = tree.start_child(journal.spec("b")).result(WAIT)
    assert added is kit.process(tree, "b")

    with pytest.raises(AlreadyStarted) as caught:
        tree.start_child(journal.spec("b")).result(WAIT)
    assert caught.value.process is added
    with pytest.raises(StillRunning):
        tree.restart_child("b").result(WAIT)
    with pytest.raises(StillRunning):
        tree.delete_child("b").result(WAIT)

    tree.terminate_child("b").result(WAIT)
    tree.terminate_child("b").result(WAIT)
    assert kit.states(tree) == {"a": "running", "b": "stopped"}
    with pytest.raises(AlreadyPresent):
        tree.start_child(journal.spec("b")).result(WAIT)
    assert tree.lookup("b") is None

    again = tree.restart_child("b").result(WAIT)
    assert again is not None
    assert again.alive
    assert again is not added
    tree.terminate_child("b").result(WAIT)
    tree.delete_child("b").result(WAIT)
    assert kit.states(tree) == {"a": "running"}
    assert journal.take() == ["+a", "+b", "-b", "+b", "-b"]


def test_a_temporary_child_that_is_terminated_is_forgotten(kit: Kit, journal: Journal) -> None:
    tree = kit.start(Supervisor([journal.spec("a", "temporary")]))
    tree.terminate_child("a").result(WAIT)
    assert kit.states(tree) == {}


@pytest.mark.parametrize("verb", ["terminate_child", "restart_child", "delete_child"])
def test_a_child_that_nobody_knows_is_not_found(kit: Kit, verb: str) -> None:
    tree = kit.start(Supervisor())
    with pytest.raises(NotFound, match="has no 'x'"):
        getattr(tree, verb)("x").result(WAIT)


def test_a_child_that_fails_when_added_is_not_added(kit: Kit, journal: Journal) -> None:
    journal.fail("a", ValueError("no"))
    tree = kit.start(Supervisor())
    with pytest.raises(StartFailed):
        tree.start_child(journal.spec("a")).result(WAIT)
    assert kit.states(tree) == {}
    assert tree.alive


def test_a_child_that_fails_when_restarted_by_hand_stays_stopped(
    kit: Kit, journal: Journal
) -> None:
    tree = kit.start(Supervisor([journal.spec("a")]))
    tree.terminate_child("a").result(WAIT)
    journal.fail("a", ValueError("no"))
    with pytest.raises(StartFailed):
        tree.restart_child("a").result(WAIT)
    kit.settle()
    assert kit.states(tree) == {"a": "stopped"}


def test_an_added_child_that_is_ignored_is_kept_unless_temporary(
    kit: Kit, journal: Journal
) -> None:
    tree = kit.start(Supervisor())
    journal.fail("a", Ignore())
    journal.fail("b", Ignore())
    assert tree.start_child(journal.spec("a")).result(WAIT) is None
    assert tree.start_child(journal.spec("b", "temporary")).result(WAIT) is None
    assert kit.states(tree) == {"a": "ignored"}


def test_children_are_counted_by_kind(kit: Kit, journal: Journal) -> None:
    journal.fail("b", Ignore())
    specs = [journal.spec("a"), journal.spec("b"), ChildSpec("c", DynamicSupervisor)]
    tree = kit.start(Supervisor(specs))
    counts = tree.count_children().result(WAIT)
    assert counts == ChildCounts(specs=3, active=2, supervisors=1, workers=2)


async def stubborn(process: Task) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.Event().wait()


@pytest.mark.parametrize("budget", [None, 2.0])
def test_a_child_that_takes_longer_than_its_budget_is_killed(
    kit: Kit, budget: float | None
) -> None:
    tree = kit.start(Supervisor([ChildSpec("a", lambda: Task(stubborn), shutdown=budget)]))
    child = kit.process(tree, "a")
    tree.stop()
    kit.advance((budget or 5.0) - 0.1)
    assert child.alive
    kit.advance(0.2)
    assert child.exit_reason == KILLED
    assert tree.exit_reason == SHUTDOWN


def test_a_child_with_no_budget_is_killed_at_once(
    kit: Kit, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    tree = kit.start(Supervisor([journal.spec("a", shutdown="brutal_kill")]))
    child = kit.process(tree, "a")
    kit.end(tree, SHUTDOWN)
    assert child.exit_reason == KILLED
    assert journal.take() == ["+a"]
    assert caplog.text == ""  # it is what was wanted


def test_a_child_with_an_infinite_budget_is_never_killed(kit: Kit) -> None:
    spec = ChildSpec("a", lambda: Task(stubborn), shutdown="infinity")
    tree = kit.start(Supervisor([spec]))
    child = kit.process(tree, "a")
    tree.stop()
    kit.advance(1e9)
    assert child.alive
    kit.kill(child)
    assert tree.exit_reason == SHUTDOWN


def test_a_killed_supervisor_takes_its_children_along_before_its_exit_is_told(
    kit: Kit, journal: Journal
) -> None:
    inner = ChildSpec("inner", lambda: Supervisor([journal.spec("x")]))
    tree = kit.start(Supervisor([inner]))
    nested = kit.process(tree, "inner")
    assert isinstance(nested, Supervisor)
    leaf = kit.process(nested, "x")
    alive: list[bool] = []
    tree.monitor(lambda dead, reason: alive.extend([nested.alive, leaf.alive]))
    kit.kill(tree)
    assert alive == [False, False]
    assert leaf.exit_reason == nested.exit_reason == tree.exit_reason == KILLED


def test_a_supervisor_killed_while_it_starts_leaves_no_child(kit: Kit, journal: Journal) -> None:
    async def never_up(process: Task) -> None:
        await asyncio.Event().wait()

    hanging = Task(never_up, handshake=True)
    tree = Supervisor([journal.spec("a"), ChildSpec("b", lambda: hanging)])
    starting = kit.loop.start(tree)
    kit.settle()
    assert hanging.starting
    kit.kill(tree)
    assert hanging.exit_reason == KILLED
    with pytest.raises(StartFailed):
        starting.result(WAIT)


def test_a_stopped_supervisor_answers_that_it_has_exited(kit: Kit) -> None:
    tree = kit.start(Supervisor())
    kit.end(tree, SHUTDOWN)
    with pytest.raises(Exited) as caught:
        tree.which_children().result(WAIT)
    assert caught.value.reason == SHUTDOWN


def test_a_child_that_asks_its_own_supervisor_while_starting_is_told_so(kit: Kit) -> None:
    class Curious(Witness):
        async def init(self) -> None:
            parent = self.place.parent
            assert isinstance(parent, Supervisor)
            await parent.which_children()

    with pytest.raises(StartFailed) as caught:
        kit.start(Supervisor([ChildSpec("a", lambda: Curious(Journal()))]))
    assert isinstance(caught.value.cause, StartFailed)
    assert isinstance(caught.value.cause.cause, WouldDeadlock)


def test_a_child_may_look_up_its_elders_while_it_starts(kit: Kit, journal: Journal) -> None:
    seen: list[Process | None] = []

    class Younger(Witness):
        async def init(self) -> None:
            parent = self.place.parent
            assert isinstance(parent, Supervisor)
            seen.extend(parent.lookup(name) for name in ("a", "b", "c"))

    specs = [journal.spec("a"), ChildSpec("b", lambda: Younger(journal)), journal.spec("c")]
    tree = kit.start(Supervisor(specs, strategy="one_for_all"))
    assert seen == [kit.process(tree, "a"), None, None]


def test_a_child_that_has_just_exited_is_not_found(kit: Kit, journal: Journal) -> None:
    tree = kit.start(Supervisor([journal.spec("a")]))
    process = kit.process(tree, "a")
    found: list[Process | None] = []
    process.monitor(lambda dead, reason: found.append(tree.lookup("a")))
    kit.kill(process)
    assert found == [None]


def test_every_exit_of_a_child_is_told_once(kit: Kit, journal: Journal) -> None:
    told: list[Event] = []
    specs = [journal.spec(name) for name in "ab"]
    tree = kit.start(Supervisor(specs, strategy="one_for_all"))
    with subscribe(told.append):
        kit.kill(kit.process(tree, "a"))
        kit.end(tree, SHUTDOWN)
    exits = [(e.child_id, e.reason) for e in told if isinstance(e, ChildExited)]
    assert exits == [("a", KILLED), ("b", SHUTDOWN), ("b", SHUTDOWN), ("a", SHUTDOWN)]


@pytest.mark.parametrize("wrong", ["a text", Supervisor])
def test_a_child_whose_start_makes_no_process_fails_to_start_by_name(
    kit: Kit, wrong: object
) -> None:
    spec = ChildSpec("odd", lambda: wrong)  # type: ignore[arg-type, return-value]
    with pytest.raises(StartFailed, match=r"^'Supervisor' did not start: .*'odd' returned"):
        kit.start(Supervisor([spec]))
    tree = kit.start(Supervisor())
    with pytest.raises(StartFailed, match="is no process"):
        tree.start_child(spec).result(WAIT)
    assert tree.alive
