"""What every process has: identity, one end with a reason, monitors."""

from __future__ import annotations

import asyncio
import threading
import weakref

import pytest

from hourglass.supervision import (
    KILLED,
    NORMAL,
    SHUTDOWN,
    Crash,
    ExitReason,
    NotStarted,
    Process,
    Shutdown,
    StartedTwice,
    StartFailed,
    Task,
    Thread,
    current_process,
    is_abnormal,
)
from hourglass.supervision.exits import exception_of
from tests.supervision.kit import WAIT, Kit


async def forever(process: Task) -> None:
    await asyncio.Event().wait()


async def nothing(process: Task) -> None:
    return


def test_every_process_has_an_identity_of_its_own() -> None:
    assert Task(forever).pid != Task(forever).pid


def test_its_name_shows_where_it_was_started(kit: Kit) -> None:
    process = Task(forever)
    assert repr(process) == f"<Task #{process.pid}>"
    kit.start(process, "worker")
    assert repr(process) == f"<worker: Task #{process.pid}>"
    assert process.id == "worker"


def test_a_process_that_was_never_started_is_not_alive_and_has_no_place() -> None:
    process = Task(forever)
    assert not process.alive
    with pytest.raises(NotStarted):
        process.stop()


@pytest.mark.parametrize("kind", [Task, Thread])
def test_the_first_who_asks_it_to_stop_sets_the_reason(kit: Kit, kind: type[Task | Thread]) -> None:
    """Also before it has come to read of the first."""
    process = kit.start(Task(forever) if kind is Task else Thread(until_asked))

    async def ask_twice() -> None:
        process.stop(Shutdown("first"))
        process.stop(Shutdown("second"))

    kit.loop.run(ask_twice).result(WAIT)
    assert process.exit.result(WAIT) == Shutdown("first")


def until_asked(process: Thread) -> None:
    process.stopping.wait(WAIT)


def test_a_process_lives_once(kit: Kit) -> None:
    process = kit.start(Task(nothing))
    with pytest.raises(StartedTwice):
        kit.start(process)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_monitor_is_told_exactly_once(kit: Kit, when: str) -> None:
    told: list[tuple[Process, ExitReason]] = []
    process = kit.start(Task(forever))
    if when == "before":
        process.monitor(lambda dead, reason: told.append((dead, reason)))
    kit.end(process, SHUTDOWN)
    if when == "after":
        process.monitor(lambda dead, reason: told.append((dead, reason)))
    kit.kill(process)
    process.stop(NORMAL)
    kit.settle()
    assert told == [(process, SHUTDOWN)]


def test_a_cancelled_monitor_is_not_told(kit: Kit) -> None:
    told: list[object] = []
    process = kit.start(Task(forever))
    process.monitor(lambda dead, reason: told.append((dead, reason))).cancel()
    kit.kill(process)
    assert told == []


def test_a_monitor_that_is_over_is_forgotten(kit: Kit) -> None:
    """Else a process that lives long would collect one for every call it ever made."""
    process = kit.start(Task(forever))
    monitor = process.monitor(lambda dead, reason: None)
    gone = weakref.ref(monitor)
    monitor.cancel()
    del monitor
    assert gone() is None


def test_monitors_set_while_it_exits_are_all_told_once(kit: Kit) -> None:
    for _ in range(50):
        process = kit.start(Task(forever))
        told: list[int] = []
        begin = threading.Barrier(3)

        def watch(process: Task, told: list[int], begin: threading.Barrier) -> None:
            begin.wait(WAIT)
            for n in range(20):
                process.monitor(lambda dead, reason, n=n: told.append(n))  # type: ignore[misc]

        threads = [threading.Thread(target=watch, args=(process, told, begin)) for _ in range(2)]
        for thread in threads:
            thread.start()
        begin.wait(WAIT)
        process.kill()
        for thread in threads:
            thread.join(WAIT)
        process.exit.result(WAIT)
        kit.settle()
        assert sorted(told) == sorted([*range(20), *range(20)])


def test_a_monitor_that_fails_does_not_keep_others_from_being_told(
    kit: Kit, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[object] = []
    process = kit.start(Task(forever))

    def broken(dead: Process, reason: ExitReason) -> None:
        raise ValueError("monitor")

    process.monitor(broken)
    process.monitor(lambda dead, reason: told.append((dead, reason)))
    kit.kill(process)
    assert told == [(process, KILLED)]
    assert f"a monitor of {process} failed" in caplog.text


async def test_an_exit_can_be_awaited_anywhere_and_often(kit: Kit) -> None:
    process = kit.start(Task(forever))
    process.stop()
    assert await process.exit == await process.exit == process.exit.result(WAIT) == SHUTDOWN


def test_code_knows_the_process_it_runs_in(kit: Kit) -> None:
    seen: list[Process | None] = [current_process()]
    came = threading.Event()

    async def in_task(process: Task) -> None:
        seen.append(current_process())

    def in_thread(process: Thread) -> None:
        seen.append(current_process())
        came.set()

    task = kit.start(Task(in_task))
    kit.settle()
    thread = kit.start(Thread(in_thread))
    assert came.wait(WAIT)
    assert seen == [None, task, thread]


def test_a_life_that_can_not_begin_is_a_failed_start(kit: Kit) -> None:
    class NoThreads(Thread):
        def _launch(self) -> None:
            raise RuntimeError("can't start new thread")

    process = NoThreads(lambda process: None)
    with pytest.raises(StartFailed, match="can't start new thread"):
        kit.start(process)
    assert isinstance(process.exit_reason, Crash)


def test_kills_and_crashes_are_abnormal() -> None:
    crash = Crash(ValueError("boom"))
    assert [is_abnormal(reason) for reason in (NORMAL, SHUTDOWN, KILLED, crash)] == [
        False,
        False,
        True,
        True,
    ]
    assert exception_of(crash) is crash.exception
    assert exception_of(KILLED) is None
