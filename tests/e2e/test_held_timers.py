"""Timers that code holds, and deadlines against what meets them: live, and replayed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.exceptions import CancelledError
from hourglass.worker import Replayer
from tests.support import AnyHandle, event_types, history_events, new_worker, unique

SECONDS_20 = timedelta(seconds=20)


async def replay(handle: AnyHandle, *workflows: type) -> None:
    """Replay the run's history; raises what does not fit."""
    await Replayer(workflows=workflows).replay_workflow(await handle.fetch_history())


async def recorded(handle: AnyHandle, *wanted: str) -> None:
    """Return once the history has events of all these types."""
    while not set(wanted) <= set(await event_types(handle)):
        pass


def timer_ends(events: list[dict[str, Any]]) -> dict[str, list[str]]:
    """List what ended each timer, by its id."""
    ends: dict[str, list[str]] = {}
    for event in events:
        for kind in ("timerStarted", "timerFired", "timerCanceled"):
            found = event.get(f"{kind}EventAttributes")
            if found is not None:
                ends.setdefault(found["timerId"], [])
                if kind != "timerStarted":
                    ends[found["timerId"]].append(kind)
    return ends


@workflow.defn
class Alarm:
    """An alarm that can be put off or stopped."""

    def __init__(self) -> None:
        self.log: list[str] = []

    @workflow.signal
    def put_off(self, seconds: float) -> None:
        timer = workflow.get_timer("alarm")
        assert timer is not None
        self.log.append(f"put off {timer.reset(seconds)}")

    @workflow.signal
    def stop(self) -> None:
        timer = workflow.get_timer("alarm")  # None: the signal has come before the first task
        self.log.append("too early" if timer is None else f"stop {timer.cancel()}")

    @workflow.run
    async def run(self, seconds: float) -> list[str]:
        alarm = workflow.start_timer(seconds, id="alarm")
        try:
            await alarm
        except CancelledError:
            return [*self.log, "stopped"]
        return [*self.log, f"fired {alarm.fired}"]


async def test_a_timer_is_reset_and_fires_at_its_new_time(client: Client) -> None:
    async with new_worker(client, Alarm) as worker:
        handle = await client.start_workflow(
            Alarm.run, 3600.0, id=unique("alarm"), task_queue=worker.task_queue
        )
        await recorded(handle, "TimerStarted")
        await handle.signal(Alarm.put_off, 0.05)
        assert await handle.result() == ["put off True", "fired True"]
        await replay(handle, Alarm)
    assert timer_ends(await history_events(handle)) == {"1": ["timerCanceled"], "2": ["timerFired"]}


async def test_a_timer_keeps_its_name_and_its_time_over_a_change_of_workers(client: Client) -> None:
    queue = unique("queue")
    async with new_worker(client, Alarm, task_queue=queue):
        handle = await client.start_workflow(
            Alarm.run, 3600.0, id=unique("alarm"), task_queue=queue
        )
        await recorded(handle, "TimerStarted")
    async with new_worker(client, Alarm, task_queue=queue):
        await handle.signal(Alarm.stop)
        assert await handle.result() == ["stop True", "stopped"]
    assert timer_ends(await history_events(handle)) == {"1": ["timerCanceled"]}


async def test_b58_whichever_comes_first_a_timer_ends_once_and_replays_the_same(
    client: Client,
) -> None:
    """B-58: cancellations and firings race; each run has one end of its timer on record."""
    runs = 40
    async with new_worker(client, Alarm) as worker:
        handles = [
            await client.start_workflow(
                Alarm.run, 0.05, id=unique("race"), task_queue=worker.task_queue
            )
            for _ in range(runs)
        ]

        async def stop(handle: AnyHandle, number: int) -> None:
            await asyncio.sleep(number % 20 / 200)  # around the time at which it fires
            try:
                await handle.signal(Alarm.stop)
            except Exception:  # it has ended
                await handle.describe()

        await asyncio.gather(*(stop(handle, number) for number, handle in enumerate(handles)))
        for handle in handles:
            result = await handle.result()
            [end] = timer_ends(await history_events(handle)).values()
            # A signal of the task that brings the firing is before it: the cancellation wins then.
            ways: dict[tuple[str, ...], tuple[str, ...]] = {
                ("stop True", "stopped"): ("timerCanceled", "timerFired"),
                ("stop False", "fired True"): ("timerFired",),
                ("too early", "fired True"): ("timerFired",),
                ("fired True",): ("timerFired",),
            }
            assert len(end) == 1
            assert end[0] in ways[tuple(result)]
            await replay(handle, Alarm)


@workflow.defn
class Receives:
    """Waits for a word, with a limit, and then for another without."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[str] = asyncio.Queue()

    @workflow.signal
    def say(self, word: str) -> None:
        self.inbox.put_nowait(word)

    @workflow.run
    async def run(self, limit: float, how: str) -> list[str]:
        got: list[str] = []
        try:
            if how == "wait_for":
                got.append(await asyncio.wait_for(self.inbox.get(), limit))
            else:
                await workflow.wait_condition(lambda: not self.inbox.empty(), timeout=limit)
                got.append(self.inbox.get_nowait())
        except asyncio.TimeoutError:
            got.append("-")
        got.append(await self.inbox.get())
        return got


@pytest.mark.parametrize("how", ["wait_for", "wait_condition"])
@pytest.mark.parametrize("fired_first", [True, False])
async def test_b59_inside_one_task_a_signal_is_before_the_deadline(
    client: Client, how: str, fired_first: bool
) -> None:
    """B-59 as ruled: whatever their order in history; nothing is lost for the next receive."""
    queue = unique("queue")
    limit = 2.0  # long enough for the worker to be gone before it is over
    async with new_worker(client, Receives, task_queue=queue):
        handle = await client.start_workflow(
            Receives.run, args=[limit, how], id=unique("receive"), task_queue=queue
        )
        await recorded(handle, "TimerStarted")
    if fired_first:  # no worker is there: both wait for the same task
        await recorded(handle, "TimerFired")
        await handle.signal(Receives.say, "one")
    else:
        await handle.signal(Receives.say, "one")
        await recorded(handle, "TimerFired")
    async with new_worker(client, Receives, task_queue=queue):
        await handle.signal(Receives.say, "two")
        assert await handle.result() == ["one", "two"]
        await replay(handle, Receives)
    kinds = await event_types(handle)
    before = kinds.index("TimerFired") < kinds.index("WorkflowExecutionSignaled")
    assert before is fired_first


@pytest.mark.parametrize("how", ["wait_for", "wait_condition"])
async def test_b59_over_two_tasks_history_decides(client: Client, how: str) -> None:
    """B-59: the deadline had a task of its own, the signal is for the next receive."""
    async with new_worker(client, Receives) as worker:
        handle = await client.start_workflow(
            Receives.run, args=[0.05, how], id=unique("receive"), task_queue=worker.task_queue
        )
        while (await event_types(handle)).count("WorkflowTaskCompleted") < 2:
            pass
        await handle.signal(Receives.say, "one")
        assert await handle.result() == ["-", "one"]
        await replay(handle, Receives)


@activity.defn
async def work() -> str:
    return "worked"


@workflow.defn
class SleepsThroughIt:
    """Sleeps while signals come and activities run, and says what woke it."""

    def __init__(self) -> None:
        self.worked = 0

    @workflow.signal
    async def nudge(self) -> None:
        await workflow.execute_activity(work, start_to_close_timeout=SECONDS_20)
        self.worked += 1

    @workflow.run
    async def run(self) -> list[Any]:
        await workflow.sleep(1)
        return ["slept", self.worked]


async def test_b56_a_sleep_finds_its_firing_among_the_events_of_everything_else(
    client: Client,
) -> None:
    """B-56: Started(T), signals, activities, Fired(T); live and replayed."""
    async with new_worker(client, SleepsThroughIt, activities=[work]) as worker:
        handle = await client.start_workflow(
            SleepsThroughIt.run, id=unique("sleep"), task_queue=worker.task_queue
        )
        await recorded(handle, "TimerStarted")
        for _ in range(3):
            await handle.signal(SleepsThroughIt.nudge)
        assert await handle.result() == ["slept", 3]
        await replay(handle, SleepsThroughIt)
    kinds = await event_types(handle)
    between = kinds[kinds.index("TimerStarted") : kinds.index("TimerFired")]
    assert between.count("ActivityTaskCompleted") == 3
    assert between.count("WorkflowExecutionSignaled") == 3
