"""Sleeping, waiting for conditions, and racing the two."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass.client import Client
from tests.support import START, TASK, event_types, history_events, new_worker, unique

FIRED = ["TimerStarted", "TimerFired", *TASK]


@workflow.defn
class Sleeps:
    @workflow.run
    async def run(self, kind: str) -> float:
        before = workflow.time()
        if kind == "workflow":
            await workflow.sleep(0.2)
        elif kind == "asyncio":
            await asyncio.sleep(0.2)
        else:
            await workflow.sleep(timedelta(milliseconds=200))
        return workflow.time() - before


@pytest.mark.parametrize("kind", ["workflow", "asyncio", "timedelta"])
async def test_every_way_to_sleep_is_one_durable_timer(client: Client, kind: str) -> None:
    async with new_worker(client, Sleeps) as worker:
        handle = await client.start_workflow(
            Sleeps.run, kind, id=unique("sleep"), task_queue=worker.task_queue
        )
        assert 0.2 <= await handle.result() < 10
    assert await event_types(handle) == [*START, *FIRED, "WorkflowExecutionCompleted"]
    started = (await history_events(handle))[4]["timerStartedEventAttributes"]
    assert started["startToFireTimeout"] == "0.200s"


@workflow.defn
class Races:
    def __init__(self) -> None:
        self.ready = False

    @workflow.run
    async def run(self, timeout: float) -> str:
        try:
            await workflow.wait_condition(lambda: self.ready, timeout=timeout)
        except asyncio.TimeoutError:
            return "timed out"
        return "ready"

    @workflow.signal
    def set_ready(self) -> None:
        self.ready = True


async def test_a_condition_that_never_comes_true_times_out(client: Client) -> None:
    async with new_worker(client, Races) as worker:
        handle = await client.start_workflow(
            Races.run, 0.1, id=unique("expire"), task_queue=worker.task_queue
        )
        assert await handle.result() == "timed out"
    assert await event_types(handle) == [*START, *FIRED, "WorkflowExecutionCompleted"]


async def test_a_condition_met_in_time_cancels_its_timer(client: Client) -> None:
    queue = unique("met")
    async with new_worker(client, Races, task_queue=queue):
        handle = await client.start_workflow(Races.run, 600, id=unique("met"), task_queue=queue)
        while "TimerStarted" not in await event_types(handle):
            pass
        await handle.signal(Races.set_ready)
        assert await handle.result() == "ready"
    assert await event_types(handle) == [
        *START,
        "TimerStarted",
        "WorkflowExecutionSignaled",
        *TASK,
        "TimerCanceled",
        "WorkflowExecutionCompleted",
    ]


@workflow.defn
class ManyTimers:
    @workflow.run
    async def run(self) -> list[int]:
        order: list[int] = []

        async def after(index: int, seconds: float) -> None:
            await workflow.sleep(seconds)
            order.append(index)

        await asyncio.gather(*(after(i, 0.05 * (5 - i)) for i in range(5)))
        return order


async def test_timers_fire_in_the_order_they_are_due(client: Client) -> None:
    async with new_worker(client, ManyTimers) as worker:
        result = await client.execute_workflow(
            ManyTimers.run, id=unique("order"), task_queue=worker.task_queue
        )
    assert result == [4, 3, 2, 1, 0]


@workflow.defn
class CancelsTimer:
    @workflow.run
    async def run(self) -> str:
        timer = asyncio.create_task(workflow.sleep(600))
        await workflow.sleep(0.01)
        timer.cancel()
        try:
            await timer
        except asyncio.CancelledError:
            return "cancelled"
        return "fired"


async def test_a_cancelled_sleep_is_recorded_as_cancelled(client: Client) -> None:
    async with new_worker(client, CancelsTimer) as worker:
        handle = await client.start_workflow(
            CancelsTimer.run, id=unique("cancel-timer"), task_queue=worker.task_queue
        )
        assert await handle.result() == "cancelled"
    assert await event_types(handle) == [
        *START,
        "TimerStarted",
        "TimerStarted",
        "TimerFired",
        *TASK,
        "TimerCanceled",
        "WorkflowExecutionCompleted",
    ]


@workflow.defn
class SleepsFirst:
    @workflow.run
    async def run(self, seconds: float) -> float:
        await workflow.sleep(seconds)
        return workflow.time()


async def test_b71_b78_a_sleep_as_the_first_instruction_counts_from_the_current_task(
    client: Client,
) -> None:
    """B-71, B-78: nobody works on it for a second; the sleep begins when somebody does."""
    queue = unique("queue")
    handle = await client.start_workflow(SleepsFirst.run, 0.5, id=unique("first"), task_queue=queue)
    await asyncio.sleep(1)
    async with new_worker(client, SleepsFirst, task_queue=queue):
        await handle.result()
    started, timer, fired = (
        event_time(event) for event in await history_events(handle) if is_about_time(event)
    )
    assert timer - started >= 1
    assert 0.5 <= fired - timer < 10


def is_about_time(event: dict[str, Any]) -> bool:
    kinds = ("EXECUTION_STARTED", "TIMER_STARTED", "TIMER_FIRED")
    return str(event["eventType"]).endswith(kinds)


def event_time(event: dict[str, Any]) -> float:
    """Return an event's time in seconds."""
    whole, _, fraction = event["eventTime"].removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction or 0}")


@workflow.defn
class LeavesATimerBehind:
    @workflow.run
    async def run(self, again: bool) -> str:
        timer = asyncio.ensure_future(workflow.sleep(0.3 if again else 0.6))
        await workflow.sleep(0.01)
        if again:
            workflow.continue_as_new(False)
        await timer
        return "fired once"


async def test_b66_a_timer_of_a_run_that_was_continued_does_not_reach_the_next(
    client: Client,
) -> None:
    """B-66: both runs number their timers from the start; the first one's never fires."""
    async with new_worker(client, LeavesATimerBehind) as worker:
        handle = await client.start_workflow(
            LeavesATimerBehind.run, True, id=unique("again"), task_queue=worker.task_queue
        )
        assert await handle.result() == "fired once"
    latest = client.get_workflow_handle(handle.id)
    fired = [e for e in await history_events(latest) if e["eventType"].endswith("TIMER_FIRED")]
    started = [e for e in await history_events(latest) if e["eventType"].endswith("TIMER_STARTED")]
    assert len(fired) == len(started) == 2
    assert event_time(fired[1]) - event_time(started[0]) >= 0.6


@workflow.defn
class Summarises:
    @workflow.run
    async def run(self) -> None:
        summaries = ["", "deadline:x", "x", "x"]
        await asyncio.gather(*(workflow.sleep(0.05, summary=text) for text in summaries))


async def test_b68_what_a_program_calls_its_timers_never_makes_two_one(client: Client) -> None:
    async with new_worker(client, Summarises) as worker:
        handle = await client.start_workflow(
            Summarises.run, id=unique("summaries"), task_queue=worker.task_queue
        )
        await handle.result()
    events = await history_events(handle)
    started = [event for event in events if "timerStartedEventAttributes" in event]
    assert len({event["timerStartedEventAttributes"]["timerId"] for event in started}) == 4
    assert sum("timerFiredEventAttributes" in event for event in events) == 4
    shown = [event.get("userMetadata", {}).get("summary", {}).get("data", "") for event in started]
    assert len(set(shown)) == 3
