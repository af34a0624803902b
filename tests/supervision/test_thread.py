"""Processes that are threads."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from hourglass.supervision import (
    KILLED,
    NORMAL,
    SHUTDOWN,
    ChildSpec,
    Crash,
    Exit,
    ExitReason,
    Ignore,
    ProcessAbandoned,
    Resource,
    Shutdown,
    StartFailed,
    Supervisor,
    Thread,
    subscribe,
)
from tests.supervision.kit import WAIT, Kit

BOOM = ValueError("boom")


def returns(process: Thread) -> None:
    return


def fails(process: Thread) -> None:
    raise BOOM


def chooses(process: Thread) -> None:
    raise Exit(Shutdown("enough"))


@pytest.mark.parametrize(
    ("body", "reason"),
    [(returns, NORMAL), (fails, Crash(BOOM)), (chooses, Shutdown("enough"))],
)
def test_how_the_body_ends_is_the_reason(
    kit: Kit, body: Callable[[Thread], None], reason: ExitReason
) -> None:
    assert kit.start(Thread(body)).exit.result(WAIT) == reason


def test_being_asked_to_stop_sets_its_event_and_gives_the_reason(kit: Kit) -> None:
    process = kit.start(Thread(lambda process: process.stopping.wait()))
    assert process.alive
    process.stop(Shutdown("enough"))
    assert process.exit.result(WAIT) == Shutdown("enough")


def test_it_runs_on_a_daemon_thread_named_after_it(kit: Kit) -> None:
    seen: list[threading.Thread] = []
    process = kit.start(Thread(lambda process: seen.append(threading.current_thread())), "pump")
    process.exit.result(WAIT)
    assert seen[0].daemon
    assert seen[0].name == f"<pump: Thread #{process.pid}>"


@pytest.mark.parametrize(("error", "raised"), [(BOOM, StartFailed), (Ignore(), Ignore)])
def test_ending_before_it_is_ready_is_no_start(
    kit: Kit, error: Exception, raised: type[Exception]
) -> None:
    def body(process: Thread) -> None:
        raise error

    with pytest.raises(raised):
        kit.start(Thread(body, handshake=True))


def test_with_a_handshake_the_start_waits_until_it_is_ready(kit: Kit) -> None:
    gate = threading.Event()

    def body(process: Thread) -> None:
        gate.wait(WAIT)
        process.ready()
        process.stopping.wait(WAIT)

    starting = kit.loop.start(Thread(body, handshake=True))
    kit.settle()
    assert not starting.done()
    gate.set()
    assert starting.result(WAIT).alive


def test_a_killed_thread_counts_as_dead_and_is_reported_as_abandoned(kit: Kit) -> None:
    told: list[object] = []
    gate = threading.Event()
    process = kit.start(Thread(lambda process: gate.wait(WAIT)))
    with subscribe(told.append):
        kit.kill(process)
    assert process.exit_reason == KILLED
    assert told == [ProcessAbandoned(process)]
    assert process.stopping.is_set()
    gate.set()


def test_an_abandoned_thread_may_outlive_its_loop(kit: Kit) -> None:
    gate, over = threading.Event(), threading.Event()

    class Outliving(Thread):
        def _live(self) -> None:
            super()._live()
            over.set()

    process = kit.start(Outliving(lambda process: gate.wait(WAIT)))
    process.kill()
    kit.loop.stop().result(WAIT)
    gate.set()
    assert over.wait(WAIT)


def test_a_resource_is_started_and_stopped_on_one_thread(kit: Kit) -> None:
    threads: list[int] = []

    def start() -> str:
        threads.append(threading.get_ident())
        return "handle"

    def stop(value: str) -> None:
        assert value == "handle"
        threads.append(threading.get_ident())

    tree = kit.start(Supervisor([ChildSpec("db", lambda: Resource(start, stop))]))
    resource = kit.process(tree, "db")
    assert isinstance(resource, Resource)
    assert resource.value == "handle"  # pyright: ignore[reportUnknownMemberType]
    tree.stop()
    assert tree.exit.result(WAIT) == SHUTDOWN
    assert len(threads) == 2
    assert len(set(threads)) == 1


def test_a_resource_that_does_not_start_fails_the_tree(kit: Kit) -> None:
    def start() -> str:
        raise BOOM

    with pytest.raises(StartFailed) as caught:
        kit.start(Supervisor([ChildSpec("db", lambda: Resource(start, lambda value: None))]))
    assert isinstance(caught.value.cause, StartFailed)
    assert caught.value.cause.cause is BOOM
