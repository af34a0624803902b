"""State behind a mailbox."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from hourglass.supervision import (
    KILLED,
    NORMAL,
    SHUTDOWN,
    CallTimeout,
    Crash,
    Exit,
    Exited,
    ExitReason,
    LoopGone,
    NotStarted,
    Process,
    Refuse,
    Reply,
    ReplyToken,
    Server,
    Shutdown,
    StartFailed,
    Task,
    WouldDeadlock,
)
from tests.supervision.kit import WAIT, Kit


class Desk(Server):
    """A server with one of everything."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[object] = []
        self.waiting: list[ReplyToken[str]] = []
        self.gate = asyncio.Event()

    def note(self, item: object) -> Reply[int]:
        return self.call(self._note, item)

    def refuse(self) -> Reply[None]:
        return self.call(self._refuse)

    def crash(self) -> Reply[None]:
        return self.call(self._crash)

    def block(self, timeout: float | None = 5.0) -> Reply[str]:
        return self.call(self._block, timeout=timeout)

    def poll(self, timeout: float | None = None) -> Reply[str]:
        return self.call_deferred(self._poll, timeout=timeout)

    def deliver(self, value: str) -> Reply[list[bool]]:
        return self.call(self._deliver, value)

    def call_itself(self) -> Reply[int]:
        return self.call(self._call_itself)

    def adopt(self, process: Process) -> Reply[Process]:
        return self.call(self.start_link, process, "adopted")

    async def _note(self, item: object) -> int:
        self.seen.append(item)
        return len(self.seen)

    async def _refuse(self) -> None:
        raise Refuse(LookupError("not here"))

    async def _crash(self) -> None:
        raise ValueError("boom")

    async def _block(self) -> str:
        await self.gate.wait()
        return "open"

    async def _poll(self, token: ReplyToken[str]) -> None:
        if len(self.waiting) >= 3:
            raise Refuse(LookupError("too many"))
        self.waiting.append(token)

    async def _deliver(self, value: str) -> list[bool]:
        return [token.resolve(value) for token in self.waiting]

    async def _call_itself(self) -> int:
        return await self.note("never")

    async def handle_down(self, process: Process, reason: ExitReason) -> None:
        self.seen.append((process, reason))

    async def terminate(self, reason: ExitReason) -> None:
        self.seen.append(reason)


@pytest.fixture
def desk(kit: Kit) -> Desk:
    return kit.start(Desk())


def test_messages_are_taken_in_order_and_answered(desk: Desk) -> None:
    replies = [desk.note(n) for n in range(5)]
    assert [reply.result(WAIT) for reply in replies] == [1, 2, 3, 4, 5]
    assert desk.seen == [0, 1, 2, 3, 4]


async def test_another_event_loop_can_await_the_answer(desk: Desk) -> None:
    assert await desk.note("x") == 1
    assert await asyncio.gather(*(desk.note(n) for n in range(3))) == [2, 3, 4]


async def test_giving_up_the_wait_does_not_take_the_message_back(kit: Kit, desk: Desk) -> None:
    blocked = desk.block()
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(blocked, 0)
    kit.loop.post(desk.gate.set)
    assert await blocked == "open"


def test_a_refusal_fails_the_call_and_nothing_else(kit: Kit, desk: Desk) -> None:
    with pytest.raises(LookupError, match="not here"):
        desk.refuse().result(WAIT)
    polls = [desk.poll() for _ in range(4)]
    with pytest.raises(LookupError, match="too many"):
        polls[3].result(WAIT)
    assert desk.alive


def test_a_crash_ends_the_server_after_terminate_and_fails_everybody_who_waits(
    kit: Kit, desk: Desk
) -> None:
    poll = desk.poll()
    crash, behind = desk.crash(), desk.note("behind")
    for reply in (poll, crash, behind):
        with pytest.raises(Exited, match="boom"):
            reply.result(WAIT)
    assert isinstance(desk.exit_reason, Crash)
    assert desk.seen == [desk.exit_reason]
    with pytest.raises(Exited):
        desk.note("after").result(WAIT)


def test_a_call_times_out_and_a_late_answer_goes_nowhere(kit: Kit, desk: Desk) -> None:
    early, late = desk.poll(timeout=2.0), desk.poll(timeout=None)
    kit.settle()
    kit.advance(2.0)
    with pytest.raises(CallTimeout, match=r"did not answer within 2\.0 s"):
        early.result(WAIT)
    assert desk.deliver("news").result(WAIT) == [False, True]
    assert late.result(WAIT) == "news"


def test_a_timeout_is_a_timeout_error(kit: Kit, desk: Desk) -> None:
    blocked = desk.block(timeout=1.0)
    kit.settle()
    kit.advance(1.0)
    with pytest.raises(TimeoutError):
        blocked.result(WAIT)


def test_a_token_knows_the_process_that_called(kit: Kit, desk: Desk) -> None:
    """B-48: two polls of one caller are two tokens."""

    async def poll_twice(process: Task) -> None:
        desk.poll()
        desk.poll()
        await asyncio.Event().wait()

    caller = kit.start(Task(poll_twice))
    desk.poll()
    kit.settle()
    assert [token.caller for token in desk.waiting] == [caller, caller, None]
    desk.watch(caller)
    kit.kill(caller)
    assert desk.seen == [(caller, KILLED)]


def test_watching_a_dead_process_tells_at_once_and_once(kit: Kit, desk: Desk) -> None:
    async def nothing(process: Task) -> None:
        return

    dead = kit.start(Task(nothing))
    kit.settle()
    desk.watch(dead)
    kit.settle()
    assert desk.seen == [(dead, NORMAL)]


def test_being_asked_to_stop_waits_its_turn_in_the_mailbox(kit: Kit, desk: Desk) -> None:
    blocked, behind = desk.block(), desk.note("behind")
    kit.settle()
    desk.stop(Shutdown("enough"))
    desk.stop(Shutdown("the first one counts"))
    kit.settle()
    assert desk.alive
    kit.loop.post(desk.gate.set)
    assert blocked.result(WAIT) == "open"
    assert behind.result(WAIT) == 1
    assert desk.exit.result(WAIT) == Shutdown("enough")
    assert desk.seen == ["behind", Shutdown("enough")]


def test_a_kill_waits_for_nothing_and_skips_terminate(kit: Kit, desk: Desk) -> None:
    blocked = desk.block()
    kit.settle()
    kit.kill(desk)
    assert desk.exit_reason == KILLED
    assert desk.seen == []
    with pytest.raises(Exited):
        blocked.result(WAIT)


def test_a_server_that_calls_itself_is_told_so(desk: Desk) -> None:
    with pytest.raises(Exited) as caught:
        desk.call_itself().result(WAIT)
    assert isinstance(caught.value.__cause__, WouldDeadlock)


def test_a_task_that_a_handler_began_may_call_the_server(kit: Kit) -> None:
    class Spawner(Desk):
        async def init(self) -> None:
            self.later = asyncio.get_running_loop().create_task(self.note_later())

        async def note_later(self) -> None:
            await self.note("from a task")

    spawner = kit.start(Spawner())
    kit.settle()
    assert spawner.seen == ["from a task"]


def test_a_thread_that_a_process_began_may_call_a_server(kit: Kit, desk: Desk) -> None:
    def blocking() -> int:
        return desk.note("from a thread").result(WAIT)

    async def body(process: Task) -> None:
        assert await asyncio.to_thread(blocking) == 1

    assert kit.start(Task(body)).exit.result(WAIT) == NORMAL


def test_a_linked_process_that_fails_takes_the_server_along(kit: Kit, desk: Desk) -> None:
    """B-30a"""
    linked = desk.adopt(Desk()).result(WAIT)
    reason = Crash(ValueError("inner"))
    kit.end(linked, reason)
    assert desk.exit_reason == reason
    assert desk.seen == [reason]


def test_a_linked_process_that_ends_well_does_not(kit: Kit, desk: Desk) -> None:
    kit.end(desk.adopt(Desk()).result(WAIT), SHUTDOWN)
    assert desk.alive


def test_a_linked_process_never_outlives_the_server(kit: Kit, desk: Desk) -> None:
    linked = desk.adopt(Desk()).result(WAIT)
    with pytest.raises(Exited):
        desk.crash().result(WAIT)
    assert linked.exit_reason == KILLED


def test_a_server_that_has_ended_starts_nothing_any_more(kit: Kit) -> None:
    late = Desk()

    class Careless(Desk):
        async def start_late(self) -> None:
            await self.gate.wait()
            await self.start_link(late, "late")

    careless = kit.start(Careless())
    left_behind = kit.loop.run(careless.start_late)
    kit.kill(careless)
    kit.loop.post(careless.gate.set)
    with pytest.raises(Exited):
        left_behind.result(WAIT)
    assert not late.started


def test_a_linked_process_that_does_not_start_is_reported_where_it_was_started(
    kit: Kit, desk: Desk
) -> None:
    class Stillborn(Desk):
        async def init(self) -> None:
            raise ValueError("no")

    class Parent(Desk):
        async def _note(self, item: object) -> int:
            with pytest.raises(StartFailed):
                await self.start_link(Stillborn(), "child")
            return 7

    parent = kit.start(Parent())
    assert parent.note("go").result(WAIT) == 7
    kit.settle()
    assert parent.alive


def test_an_exit_raised_in_a_handler_chooses_the_reason(kit: Kit) -> None:
    class Leaver(Desk):
        async def _note(self, item: object) -> int:
            raise Exit(Shutdown(item))

    leaver = kit.start(Leaver())
    with pytest.raises(Exited):
        leaver.note("bye").result(WAIT)
    assert leaver.exit_reason == Shutdown("bye")
    assert leaver.seen == [Shutdown("bye")]


def test_terminate_that_fails_is_the_reason(kit: Kit) -> None:
    class Clumsy(Desk):
        async def terminate(self, reason: ExitReason) -> None:
            raise ValueError("dropped it")

    clumsy = kit.start(Clumsy())
    kit.end(clumsy, SHUTDOWN)
    assert isinstance(clumsy.exit_reason, Crash)
    assert str(clumsy.exit_reason.exception) == "dropped it"


def test_a_message_nobody_expects_is_logged_and_survived(
    kit: Kit, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """B-46"""
    with caplog.at_level(logging.ERROR, "hourglass.supervision"):
        desk.send("hello?")
        kit.settle()
    assert "unexpected message: 'hello?'" in caplog.text
    assert desk.alive


def test_a_cast_to_a_server_that_is_gone_is_nothing(kit: Kit, desk: Desk) -> None:
    kit.kill(desk)
    desk.send("hello?")
    kit.settle()


def test_a_call_before_the_start_says_so() -> None:
    with pytest.raises(NotStarted):
        Desk().note("early")


def test_a_call_after_the_loop_was_stopped_fails(kit: Kit, desk: Desk) -> None:
    kit.loop.stop().result(WAIT)
    with pytest.raises(LoopGone):
        desk.note("late").result(WAIT)


def test_calls_from_many_threads_are_all_answered(desk: Desk) -> None:
    counts: list[int] = []

    def work() -> None:
        counts.extend(desk.note("x").result(WAIT) for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert sorted(counts) == list(range(1, 401))
