"""The thread and event loop on which supervision lives."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextvars import ContextVar
from typing import Any

import pytest

from hourglass.supervision import (
    KILLED,
    SHUTDOWN,
    ChildSpec,
    Crash,
    Exited,
    ExitReason,
    LoopFailed,
    LoopGone,
    Reply,
    ReplyToken,
    Server,
    StartFailed,
    SupervisionLoop,
    Supervisor,
    Task,
    Thread,
    WouldDeadlock,
    default_loop,
)
from tests.supervision.kit import WAIT, Journal, Kit, Witness, die

SETTING: ContextVar[str] = ContextVar("SETTING", default="none")


async def forever(process: Task) -> None:
    await asyncio.Event().wait()


def test_no_thread_before_there_is_something_to_run() -> None:
    before = threading.active_count()
    loop = SupervisionLoop()
    loop.stop().result(WAIT)
    assert threading.active_count() == before
    with pytest.raises(LoopGone):
        loop.start(Task(forever)).result(WAIT)


def test_trees_stop_last_started_first(kit: Kit, journal: Journal) -> None:
    for name in "abc":
        kit.start(Witness(journal), name)
    journal.take()
    kit.loop.stop().result(WAIT)
    assert journal.take() == ["-c", "-b", "-a"]


def test_stopping_twice_is_stopping_once(kit: Kit, journal: Journal) -> None:
    kit.start(Witness(journal), "a")
    first, second = kit.loop.stop(), kit.loop.stop()
    first.result(WAIT)
    second.result(WAIT)
    kit.loop.stop().result(WAIT)
    assert journal.take() == ["+a", "-a"]


def test_what_is_left_after_the_timeout_is_killed(kit: Kit) -> None:
    gate = threading.Event()
    spec = ChildSpec("a", lambda: Thread(lambda process: gate.wait(WAIT)), shutdown="infinity")
    tree = kit.start(Supervisor([spec]))
    stopped = kit.loop.stop(3.0)
    kit.settle()
    assert not stopped.done()
    kit.clock.advance(3.0)
    stopped.result(WAIT)
    assert tree.exit_reason == KILLED
    gate.set()


def test_nothing_starts_on_a_loop_that_is_stopping(kit: Kit) -> None:
    gate = threading.Event()
    kit.start(Thread(lambda process: gate.wait(WAIT)))
    stopped = kit.loop.stop()
    kit.settle()
    assert kit.loop.gone
    with pytest.raises(LoopGone):
        kit.start(Task(forever))
    gate.set()
    stopped.result(WAIT)


def test_work_that_the_stop_overtakes_is_told_so(kit: Kit) -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    work = kit.loop.run(wait)
    kit.settle()
    kit.loop.stop()
    with pytest.raises(LoopGone):
        work.result(WAIT)


def test_a_root_that_fails_is_logged(kit: Kit, caplog: pytest.LogCaptureFixture) -> None:
    process = kit.start(Task(forever), "root")
    with caplog.at_level(logging.ERROR, "hourglass.supervision"):
        kit.end(process, Crash(ValueError("boom")))
    assert "exited: ValueError: boom" in caplog.text
    assert "boom" in caplog.text


def test_a_root_that_does_not_start_is_forgotten(kit: Kit, journal: Journal) -> None:
    journal.fail("a", ValueError("no"))
    with pytest.raises(StartFailed):
        kit.start(Witness(journal), "a")
    kit.start(Witness(journal), "a")
    kit.loop.stop().result(WAIT)
    assert journal.take() == ["!a", "+a", "-a"]


def test_a_root_that_resists_startup_is_stopped_too(kit: Kit) -> None:
    starting = kit.loop.start(Task(forever, handshake=True))
    kit.settle()
    kit.loop.stop().result(WAIT)
    with pytest.raises(StartFailed):
        starting.result(WAIT)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_nothing_on_the_loop_can_end_its_thread(
    kit: Kit, journal: Journal, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    tree = kit.start(Supervisor([journal.spec("a")]))

    def leave() -> None:
        raise error

    with caplog.at_level(logging.ERROR, "hourglass.supervision"):
        kit.loop.post(leave)
        kit.kill(kit.process(tree, "a"))
    assert "tried to end the thread" in caplog.text
    assert kit.states(tree) == {"a": "running"}


def test_a_failure_of_work_is_the_one_s_who_asked_for_it(kit: Kit) -> None:
    async def fail() -> None:
        raise LookupError("theirs")

    with pytest.raises(LookupError, match="theirs"):
        kit.loop.run(fail).result(WAIT)


def test_nothing_of_the_starter_s_context_is_carried_on(kit: Kit) -> None:
    seen: list[str] = []

    async def look(process: Task) -> None:
        seen.append(SETTING.get())

    token = SETTING.set("of the starter")
    try:
        kit.start(Task(look)).exit.result(WAIT)
    finally:
        SETTING.reset(token)
    assert seen == ["none"]


def test_blocking_the_loop_on_itself_is_refused(kit: Kit) -> None:
    async def block() -> None:
        kit.loop.run(asyncio.sleep, 0).result()

    with pytest.raises(WouldDeadlock):
        kit.loop.run(block).result(WAIT)


def test_a_loop_whose_user_loop_is_blocked_goes_on(kit: Kit, journal: Journal) -> None:
    async def user_program() -> None:
        tree = kit.start(Supervisor([journal.spec("a")]))  # blocks this event loop, not ours
        kit.kill(kit.process(tree, "a"))

    asyncio.run(user_program())
    assert journal.take() == ["+a", "+a"]


def test_the_default_loop_is_one_until_it_is_stopped() -> None:
    first = default_loop()
    assert default_loop() is first
    first.start(Task(forever)).result(WAIT)
    first.stop().result(WAIT)
    second = default_loop()
    assert second is not first
    second.stop().result(WAIT)


def test_many_threads_may_start_it_at_once() -> None:
    loop = SupervisionLoop()
    processes: list[Task] = []

    def start() -> None:
        processes.append(loop.start(Task(forever)).result(WAIT))

    threads = [threading.Thread(target=start) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    loop.stop().result(WAIT)
    assert [process.exit_reason for process in processes] == [SHUTDOWN] * 16


class Answers(Server):
    """Answers never, unless it ends."""

    def ask(self) -> Reply[None]:
        return self.call_deferred(self._never, timeout=None)

    async def _never(self, token: ReplyToken[None]) -> None:
        """Keep the token."""


def test_when_the_thread_dies_everything_that_waits_is_told(
    kit: Kit, caplog: pytest.LogCaptureFixture
) -> None:
    stopping = threading.Event()

    def thread(process: Thread) -> None:
        process.stopping.wait(WAIT)
        stopping.set()

    server = Answers()
    tree = kit.start(
        Supervisor([ChildSpec("server", lambda: server), ChildSpec("t", lambda: Thread(thread))])
    )
    told: list[ExitReason] = []
    tree.monitor(lambda _, reason: told.append(reason))
    asked, run = server.ask(), kit.loop.run(asyncio.Event().wait)
    kit.settle()
    die(kit.loop, OSError("bad descriptor"))
    for waiting in (asked, run, tree.exit, server.exit, kit.loop.stop()):
        waiting_ended(waiting)
    with pytest.raises(Exited, match="bad descriptor"):
        asked.result()
    with pytest.raises(LoopFailed, match="bad descriptor"):
        run.result()
    assert isinstance(server.exit_reason, Crash)
    assert isinstance(server.exit_reason.exception, LoopFailed)
    assert told == [tree.exit_reason]
    assert stopping.wait(WAIT)
    with pytest.raises(LoopFailed, match="bad descriptor"):
        kit.loop.start(Task(forever)).result(WAIT)
    with pytest.raises(LoopFailed, match="bad descriptor"):
        server.ask().result(WAIT)
    assert kit.loop.gone
    assert "died" in caplog.text


def waiting_ended(waiting: Reply[Any]) -> None:
    """Wait until a reply has its answer, whichever."""
    ended = threading.Event()
    waiting.on_done(ended.set)
    assert ended.wait(WAIT)


def test_what_is_asked_of_a_thread_that_dies_at_its_start_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = asyncio.new_event_loop()

    def broken() -> None:
        raise RuntimeError("another loop is running")

    made.run_forever = broken  # type: ignore[method-assign]
    monkeypatch.setattr(asyncio, "new_event_loop", lambda: made)
    loop = SupervisionLoop()
    with pytest.raises(LoopFailed, match="another loop is running"):
        loop.start(Task(forever)).result(WAIT)
    loop.stop().result(WAIT)
    assert "another loop is running" in caplog.text


def test_a_loop_without_a_thread_to_be_had_fails_its_caller_and_tries_again(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(LoopFailed, match="can't start new thread"):
            kit.loop.start(Task(forever)).result(WAIT)
    assert kit.start(Task(forever)).alive


def test_a_program_whose_threads_are_greenlets_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They would block each other in native code, and no loop runs beside another."""

    def get_ident() -> int:
        raise AssertionError

    get_ident.__module__ = "gevent.thread"
    monkeypatch.setattr(threading, "get_ident", get_ident)
    loop = SupervisionLoop()
    reply = loop.run(asyncio.Event().wait)
    monkeypatch.undo()
    with pytest.raises(LoopFailed, match=r"greenlets of gevent.*thread=False, select=False"):
        reply.result(WAIT)
