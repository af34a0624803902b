"""Timers that code holds: names, resets, cancellations, and all races with firing."""

from __future__ import annotations

import asyncio
import gc
import random
from datetime import timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass._bridge import CancelTimer, StartTimer
from hourglass.exceptions import CancelledError
from hourglass.workflow import HandlerUnfinishedPolicy, ReadOnlyContextError, Timer
from tests.workflow.harness import Run, completed, fire, names, query, result_of, signal, value


@workflow.defn
class Holds:
    """Does to its timer what signals say, and notes what becomes of it."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.timer: Timer | None = None

    def of(self) -> Timer:
        found = workflow.get_timer("x")
        assert found is not None
        return found

    @workflow.signal
    def start(self) -> None:
        try:
            workflow.start_timer(5, id="x")
        except RuntimeError:
            self.log.append("refused")

    @workflow.signal
    def cancel(self) -> None:
        self.log.append(f"cancel {self.of().cancel()}")

    @workflow.signal
    def reset(self, seconds: float) -> None:
        self.log.append(f"reset {self.of().reset(seconds)}")

    @workflow.signal(unfinished_policy=HandlerUnfinishedPolicy.ABANDON)
    async def watch(self, name: str) -> None:
        try:
            await self.of()
        except CancelledError as error:
            self.log.append(f"{name}: {error}")
        else:
            self.log.append(f"{name}: fired {self.of().fired}")

    @workflow.signal
    async def give_up(self) -> None:
        watching = asyncio.create_task(self.watch("gone"))
        await asyncio.sleep(0)
        watching.cancel()

    @workflow.signal
    def end(self) -> None:
        self.log.append("end")

    @workflow.query
    def seen(self) -> list[str]:
        return self.log

    @workflow.query
    def meddle(self, what: str) -> None:
        if what == "cancel":
            self.of().cancel()
        else:
            self.of().reset(1)

    @workflow.run
    async def run(self) -> list[str]:
        workflow.start_timer(10, "x")
        await workflow.wait_condition(lambda: "end" in self.log)
        return self.log


def started(*signals: Any) -> Run:
    run = Run(Holds)
    [command] = run.start(*signals).commands
    assert isinstance(command, StartTimer)
    assert (command.seq, command.start_to_fire_timeout.total_seconds()) == (1, 10)
    assert value(command.summary) == "x"  # user interfaces show the name
    return run


def test_a_timer_is_started_without_waiting_and_fires_for_all_who_wait() -> None:
    run = started()
    assert names(run.send(signal("watch", "one"), signal("watch", "two"))) == []
    assert names(run.send(fire(1))) == []
    assert run.ask("seen") == ["one: fired True", "two: fired True"]
    run.send(signal("watch", "late"))
    assert run.ask("seen")[-1] == "late: fired True"


def test_a_cancelled_timer_raises_for_all_who_wait_and_never_fires() -> None:
    run = started()
    run.send(signal("watch", "one"))
    assert run.send(signal("cancel"), signal("cancel")).commands == [CancelTimer(1)]
    run.send(signal("watch", "late"))
    assert run.ask("seen") == [
        "cancel True",
        "cancel False",
        "one: the timer 'x' was cancelled",
        "late: the timer 'x' was cancelled",
    ]


def test_a_reset_timer_fires_once_at_its_new_time_and_those_who_wait_go_on_waiting() -> None:
    run = started()
    run.send(signal("watch", "one"))
    start, stop = run.send(signal("reset", 20)).commands
    assert isinstance(start, StartTimer)
    assert (start.seq, start.start_to_fire_timeout) == (2, timedelta(seconds=20))
    assert stop == CancelTimer(1)
    assert run.ask("seen") == ["reset True"]
    assert names(run.send(fire(2))) == []
    assert run.ask("seen") == ["reset True", "one: fired True"]


def test_b65_a_timer_that_fired_or_was_cancelled_is_started_again_by_its_name() -> None:
    """B-65: fires again, is cancelled again."""
    run = started()
    run.send(fire(1))
    assert names(run.send(signal("start"), signal("start"))) == ["StartTimer"]
    run.send(fire(2))
    assert names(run.send(signal("start"), signal("watch", "third"))) == ["StartTimer"]
    assert names(run.send(signal("cancel"))) == ["CancelTimer"]
    assert names(run.send(signal("reset", 1))) == ["StartTimer"]
    run.send(fire(4), signal("watch", "fourth"))
    assert run.ask("seen") == [
        "refused",
        "cancel True",
        "third: the timer 'x' was cancelled",
        "reset False",
        "fourth: fired True",
    ]


def test_cancelling_who_waits_leaves_the_timer_alone() -> None:
    run = started()
    assert names(run.send(signal("give_up"), signal("watch", "one"))) == []
    run.send(fire(1))
    assert run.ask("seen") == ["one: fired True"]


@pytest.mark.parametrize("what", ["cancel", "reset"])
def test_b64_a_query_can_not_touch_a_timer(what: str) -> None:
    """B-64."""
    run = started()
    run.send(signal("watch", "one"))
    [answer] = run.send(query("meddle", what)).commands
    failure: Any = getattr(answer, "failure", None)
    assert failure["application_failure_info"]["type"] == ReadOnlyContextError.__name__
    assert names(run.send(fire(1))) == []
    assert run.ask("seen") == ["one: fired True"]


@workflow.defn
class Names:
    @workflow.run
    async def run(self, name: Any, delay: Any) -> list[str]:
        refused: list[str] = []
        try:
            workflow.start_timer(delay, id=name)
        except (TypeError, ValueError) as error:
            refused.append(f"{type(error).__name__}: {error}")
        return refused


@pytest.mark.parametrize(
    ("name", "delay", "message"),
    [
        ("", 1, "ValueError: a timer's id can't be empty"),
        ("deadline:x", 1, "ValueError: a timer's id can't begin with"),
        ("schedule:x", 1, "ValueError: a timer's id can't begin with"),
        ("timer:named:x", 1, "ValueError: a timer's id can't begin with"),
        (5, 1, "TypeError: a timer's id is a string, not 5"),
        ("x", -1, "ValueError: timer: -1 is not a duration"),
        ("x", "soon", "TypeError: timer: a number of seconds"),
        ("x", 1e300, "ValueError: timer: "),
    ],
)
def test_b68_b69_names_and_delays_are_refused_before_anything_is_recorded(
    name: Any, delay: Any, message: str
) -> None:
    """B-68, B-69."""
    completion = Run(Names, name, delay).start()
    assert names(completion) == ["CompleteWorkflowExecution"]
    assert result_of(completion)[0].startswith(message)


@pytest.mark.parametrize("name", ["x", "日本", "👩‍🚀", "a" * 4096, "new\nline", "nul\0", None])
def test_any_other_text_is_a_name(name: str | None) -> None:
    assert names(Run(Names, name, 0).start())[0] == "StartTimer"


# --- races -------------------------------------------------------------------------------------


@workflow.defn
class Meets:
    """Cancels or resets its timer when an activity has ended, and waits for both."""

    @workflow.run
    async def run(self, what: str) -> list[Any]:
        timer = workflow.start_timer(5, id="x")
        fired: list[str] = []

        async def watch() -> None:
            try:
                await timer
                fired.append("fired")
            except CancelledError:
                fired.append("cancelled")

        watching = asyncio.create_task(watch())
        await workflow.execute_activity("a", start_to_close_timeout=timedelta(seconds=9))
        done = timer.cancel() if what == "cancel" else timer.reset(5)
        await watching
        return [done, *fired]


@pytest.mark.parametrize(
    ("what", "fired_first", "result", "again"),
    [
        ("cancel", True, [False, "fired"], []),
        ("cancel", False, [False, "fired"], []),
        ("reset", True, [False, "fired"], ["StartTimer"]),
        ("reset", False, [False, "fired"], ["StartTimer"]),
    ],
)
def test_b58_what_meets_a_firing_in_one_activation_finds_the_timer_fired(
    what: str, fired_first: bool, result: list[Any], again: list[str]
) -> None:
    """B-58: it is on record, in whichever order; it fires exactly once."""
    run = Run(Meets, what)
    assert names(run.start()) == ["StartTimer", "ScheduleActivity"]
    jobs = [fire(1), completed(1)]
    completion = run.send(*(jobs if fired_first else jobs[::-1]))
    if again:
        assert names(completion)[0] == "StartTimer"
        completion = run.send(fire(2)) if names(completion) == ["StartTimer"] else completion
    assert result_of(completion) == result


def model(steps: list[str]) -> list[str]:
    """Say what a timer that is one variable would log."""
    state, waiting = "running", 0
    log: list[str] = []
    for step in steps:
        if step == "fire" and state == "running":
            log += ["w: fired True"] * waiting
            state, waiting = "fired", 0
        elif step == "watch":
            waiting += state == "running"
            if state == "fired":
                log.append("w: fired True")
            elif state == "cancelled":
                log.append("w: the timer 'x' was cancelled")
        elif step == "cancel":
            log.append(f"cancel {state == 'running'}")
            if state == "running":
                log += ["w: the timer 'x' was cancelled"] * waiting
                state, waiting = "cancelled", 0
        elif step == "reset":
            log.append(f"reset {state == 'running'}")
            state = "running"
    return log


def play(steps: list[str]) -> tuple[list[bytes], list[str]]:
    """Send the steps, each in an activation; the answers, and what the workflow has logged."""
    run, sent, seq = started(), list[bytes](), 1
    sends = {
        "watch": signal("watch", "w"),
        "cancel": signal("cancel"),
        "reset": signal("reset", 5),
    }
    for step in steps:
        if step == "fire" and seq == 0:
            continue  # no timer runs: history can't have that
        completion = run.send(fire(seq) if step == "fire" else sends[step])
        sent.append(completion.SerializeToString())
        seq = 0 if step == "fire" else seq
        for command in completion.commands:
            if isinstance(command, StartTimer):
                seq = command.seq
            elif isinstance(command, CancelTimer) and command.seq == seq:
                seq = 0
    return sent, run.ask("seen")


@pytest.mark.parametrize("seed", range(60))
def test_any_sequence_does_what_one_variable_would_and_the_same_in_every_replay(seed: int) -> None:
    chance = random.Random(seed)
    steps = [chance.choice(["fire", "cancel", "reset", "watch"]) for _ in range(30)]
    sent, log = play(steps)
    assert log == model(steps)
    assert (sent, log) == play(steps)


@workflow.defn
class ResetsWhileItFires:
    """Resets the timer in the very turn in which it fires, before who waits has had its turn."""

    @workflow.run
    async def run(self) -> list[str]:
        log: list[str] = []
        timer = workflow.start_timer(5)

        async def watch(name: str) -> None:
            await timer
            log.append(name)
            timer.reset(5)

        first, second = asyncio.create_task(watch("one")), asyncio.create_task(watch("two"))
        await first
        await second
        return log


def test_a_timer_that_is_reset_as_it_fires_has_fired_for_all_who_waited() -> None:
    run = Run(ResetsWhileItFires)
    run.start()
    assert result_of(run.send(fire(1))) == ["one", "two"]


def test_a_run_that_is_evicted_with_timers_leaves_no_garbage() -> None:
    run = started()
    run.send(signal("watch", "one"))
    gc.collect()
    gc.disable()
    try:
        run.evict()
        assert gc.collect() == 0
    finally:
        gc.enable()


@workflow.defn
class CancelsHandles:
    @workflow.run
    async def run(self) -> list[bool]:
        loop, called = asyncio.get_running_loop(), list[str]()
        later, soon = loop.call_later(1, called.append, "a"), loop.call_soon(called.append, "b")
        before = [later.cancelled(), soon.cancelled()]
        later.cancel()
        soon.cancel()
        await asyncio.sleep(2)
        return [*before, later.cancelled(), soon.cancelled(), called == []]


def test_a_handle_says_whether_it_is_cancelled_and_is_not_called_then() -> None:
    run = Run(CancelsHandles)
    run.start()
    assert result_of(run.send(fire(2))) == [False, False, True, True, True]
