"""A supervisor of children that come and go."""

from __future__ import annotations

import asyncio

import pytest

from hourglass.supervision import (
    KILLED,
    NORMAL,
    SHUTDOWN,
    ChildCounts,
    ChildSpec,
    Crash,
    DynamicSupervisor,
    Ignore,
    IntensityExceeded,
    NotFound,
    Process,
    Restart,
    StartFailed,
    Supervisor,
    Task,
    TooManyChildren,
)
from tests.supervision.kit import WAIT, Journal, Kit


def started(supervisor: DynamicSupervisor, spec: ChildSpec) -> Process:
    process = supervisor.start_child(spec).result(WAIT)
    assert process is not None
    return process


def listed(supervisor: DynamicSupervisor) -> list[tuple[str, str]]:
    return [(info.id, info.state) for info in supervisor.which_children().result(WAIT)]


def test_children_are_started_later_and_may_share_an_id(kit: Kit, journal: Journal) -> None:
    jobs = kit.start(DynamicSupervisor())
    assert listed(jobs) == []
    one, two = started(jobs, journal.spec("job")), started(jobs, journal.spec("job"))
    assert one is not two
    assert listed(jobs) == [("job", "running")] * 2
    assert jobs.count_children().result(WAIT) == ChildCounts(2, 2, 0, 2)


def test_a_child_is_terminated_by_its_process(kit: Kit, journal: Journal) -> None:
    jobs = kit.start(DynamicSupervisor())
    one, two = started(jobs, journal.spec("one")), started(jobs, journal.spec("two"))
    jobs.terminate_child(one).result(WAIT)
    assert one.exit_reason == SHUTDOWN
    assert two.alive
    assert listed(jobs) == [("two", "running")]
    with pytest.raises(NotFound):
        jobs.terminate_child(one).result(WAIT)


@pytest.mark.parametrize(
    ("restart", "after_normal", "after_kill"),
    [("permanent", 1, 1), ("transient", 0, 1), ("temporary", 0, 0)],
)
def test_a_child_that_is_not_restarted_is_gone(
    kit: Kit, journal: Journal, restart: Restart, after_normal: int, after_kill: int
) -> None:
    jobs = kit.start(DynamicSupervisor())
    kit.end(started(jobs, journal.spec("a", restart)), NORMAL)
    assert len(listed(jobs)) == after_normal
    kit.kill(started(jobs, journal.spec("b", restart)))
    assert len(listed(jobs)) == after_normal + after_kill


def test_only_the_child_that_exited_is_restarted(kit: Kit, journal: Journal) -> None:
    jobs = kit.start(DynamicSupervisor())
    one, two = started(jobs, journal.spec("one")), started(jobs, journal.spec("two"))
    journal.take()
    kit.kill(one)
    assert journal.take() == ["+one"]
    assert two.alive


def test_a_failed_restart_is_tried_again_until_the_intensity_ends_it(
    kit: Kit, journal: Journal
) -> None:
    jobs = kit.start(DynamicSupervisor(max_restarts=3))
    child, other = started(jobs, journal.spec("a")), started(jobs, journal.spec("b"))
    journal.fail("a", ValueError("1"), ValueError("2"))
    kit.kill(child)
    assert listed(jobs) == [("a", "running"), ("b", "running")]
    kit.kill(other)
    assert isinstance(jobs.exit_reason, Crash)
    assert isinstance(jobs.exit_reason.exception, IntensityExceeded)
    assert journal.take() == ["+a", "+b", "!a", "!a", "+a", "-a"]


def test_a_child_that_is_ignored_is_not_kept(kit: Kit, journal: Journal) -> None:
    jobs = kit.start(DynamicSupervisor())
    journal.fail("a", Ignore())
    assert jobs.start_child(journal.spec("a")).result(WAIT) is None
    child = started(jobs, journal.spec("a"))
    journal.fail("a", Ignore())
    kit.kill(child)
    assert listed(jobs) == []


def test_a_child_that_fails_to_start_is_not_kept(kit: Kit, journal: Journal) -> None:
    jobs = kit.start(DynamicSupervisor())
    journal.fail("a", ValueError("no"))
    with pytest.raises(StartFailed):
        jobs.start_child(journal.spec("a")).result(WAIT)
    assert listed(jobs) == []


def test_no_more_children_than_allowed(kit: Kit, journal: Journal) -> None:
    jobs = kit.start(DynamicSupervisor(max_children=1))
    child = started(jobs, journal.spec("a"))
    with pytest.raises(TooManyChildren) as caught:
        jobs.start_child(journal.spec("b")).result(WAIT)
    assert caught.value.limit == 1
    jobs.terminate_child(child).result(WAIT)
    started(jobs, journal.spec("b"))


def test_children_are_stopped_together(kit: Kit) -> None:
    async def stubborn(process: Task) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.Event().wait()

    jobs = kit.start(DynamicSupervisor())
    children = [started(jobs, ChildSpec("a", lambda: Task(stubborn))) for _ in range(3)]
    jobs.stop()
    kit.advance(5.1)  # one budget, not three
    assert [child.exit_reason for child in children] == [KILLED] * 3
    assert jobs.exit_reason == SHUTDOWN


def test_after_a_restart_of_its_own_it_is_empty(kit: Kit, journal: Journal) -> None:
    """B-17"""
    tree = kit.start(Supervisor([ChildSpec("jobs", DynamicSupervisor)]))
    first = kit.process(tree, "jobs")
    assert isinstance(first, DynamicSupervisor)
    child = started(first, journal.spec("a"))
    kit.kill(first)
    second = kit.process(tree, "jobs")
    assert isinstance(second, DynamicSupervisor)
    assert child.exit_reason == KILLED
    assert listed(second) == []
