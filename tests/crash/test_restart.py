"""An engine that is closed and opened again goes on: same timers, attempts, histories."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass.client import Client, WorkflowExecutionStatus
from hourglass.common import RetryPolicy
from hourglass.exceptions import ApplicationError
from tests.support import START, TASK, AnyHandle, event_types, history_events, new_worker, unique

QUEUE = "restart"
SECOND = timedelta(seconds=1)


@workflow.defn
class Sleeps:
    @workflow.run
    async def run(self, seconds: float) -> str:
        await workflow.sleep(seconds)
        return "woke"


@workflow.defn
class Collects:
    def __init__(self) -> None:
        self.items: list[str] = []

    @workflow.run
    async def run(self, wanted: int) -> list[str]:
        await workflow.wait_condition(lambda: len(self.items) >= wanted)
        return self.items

    @workflow.signal
    def add(self, item: str) -> None:
        self.items.append(item)

    @workflow.query
    def so_far(self) -> list[str]:
        return self.items


attempts: list[tuple[int, float, list[Any]]] = []
"""(attempt, time, heartbeat details) of every call of `fails_once`."""


@activity.defn
async def fails_once() -> int:
    info = activity.info()
    attempts.append((info.attempt, time.time(), list(info.heartbeat_details)))
    if info.attempt == 1:
        activity.heartbeat("half way")
        raise ApplicationError("once")
    return info.attempt


@workflow.defn
class Retries:
    @workflow.run
    async def run(self) -> int:
        return await workflow.execute_activity(
            fails_once,
            start_to_close_timeout=timedelta(seconds=20),
            heartbeat_timeout=timedelta(seconds=20),
            retry_policy=RetryPolicy(initial_interval=SECOND),
        )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "restart.db"


@asynccontextmanager
async def engine(path: Path, *workflows: type, **options: Any) -> AsyncIterator[Client]:
    """Open the database for a while, with a worker if there are workflows."""
    client = await Client.connect(f"sqlite:///{path}")
    try:
        if workflows or options:
            async with new_worker(client, *workflows, task_queue=QUEUE, **options):
                yield client
        else:
            yield client
    finally:
        await client.close()


async def until(handle: AnyHandle, reached: Callable[[list[str]], bool]) -> None:
    """Return once the history is as wanted."""
    while not reached(await event_types(handle)):
        pass


def moment(event: dict[str, Any]) -> float:
    """Return an event's time in seconds."""
    whole, _, fraction = event["eventTime"].removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction or 0}")


async def test_b54_a_sleep_keeps_its_time_over_a_restart(path: Path) -> None:
    """B-54: no second TimerStarted, the original time is kept, it fires once."""
    async with engine(path, Sleeps) as client:
        handle = await client.start_workflow(Sleeps.run, 1.5, id="sleeper", task_queue=QUEUE)
        await until(handle, lambda seen: "TimerStarted" in seen)
    async with engine(path, Sleeps) as client:
        handle = client.get_workflow_handle("sleeper")
        assert await handle.result() == "woke"
        assert [e for e in await event_types(handle) if not e.startswith("WorkflowTask")] == [
            "WorkflowExecutionStarted",
            "TimerStarted",
            "TimerFired",
            "WorkflowExecutionCompleted",
        ]
        events = await history_events(handle)
    started, fired = (
        next(e for e in events if e["eventType"] == f"EVENT_TYPE_TIMER_{kind}")
        for kind in ("STARTED", "FIRED")
    )
    assert 1.5 <= moment(fired) - moment(started) < 2.5


async def test_b73_b74_timers_due_while_down_fire_at_the_next_start_in_their_order(
    path: Path,
) -> None:
    """B-73, B-74: the due set comes from what is on disk, and boot completes."""
    names = [f"sleeper-{i}" for i in range(5)]
    async with engine(path, Sleeps) as client:
        for i, name in enumerate(names):
            handle = await client.start_workflow(
                Sleeps.run, 1.5 - i * 0.2, id=name, task_queue=QUEUE
            )
            await until(handle, lambda seen: "TimerStarted" in seen)
        last_due = time.time() + 1.5
    await asyncio.to_thread(wait_for_the_clock, last_due)
    times: list[tuple[float, float]] = []
    async with engine(path, Sleeps) as client:
        for i, name in enumerate(names):
            handle = client.get_workflow_handle(name)
            assert await handle.result() == "woke"
            timers = [e for e in await history_events(handle) if "TIMER" in e["eventType"]]
            started, fired = map(moment, timers)
            times.append((started + 1.5 - i * 0.2, fired))
    in_order_of_due = [fired for _, fired in sorted(times)]
    assert in_order_of_due == sorted(in_order_of_due)
    assert all(fired >= due for due, fired in times)


def wait_for_the_clock(moment: float) -> None:
    """Block until the wall clock shows that moment."""
    while time.time() < moment:
        pass


async def test_a_retry_keeps_its_attempt_its_backoff_and_its_details(path: Path) -> None:
    attempts.clear()
    async with engine(path, Retries, activities=[fails_once]) as client:
        await client.start_workflow(Retries.run, id="retry", task_queue=QUEUE)
        while not attempts:
            await asyncio.to_thread(lambda: None)
        handle = client.get_workflow_handle("retry")
        while await pending_attempt(handle) != 2:
            pass
    async with engine(path, Retries, activities=[fails_once]) as client:
        assert await client.get_workflow_handle("retry").result() == 2
    (_, first, _), (attempt, second, details) = attempts
    assert attempt == 2
    assert details == ["half way"]
    assert 0.9 <= second - first < 10


async def pending_attempt(handle: AnyHandle) -> int:
    """Return the attempt that the workflow's one pending activity is at."""
    pending = (await handle.describe()).raw_description.get("pending_activities", [])
    return pending[0].get("attempt", 1) if pending else 0


async def test_a_standalone_activity_keeps_its_attempt_its_backoff_and_its_details(
    path: Path,
) -> None:
    attempts.clear()
    async with engine(path, activities=[fails_once]) as client:
        handle = await client.start_activity(
            fails_once,
            id="retry",
            task_queue=QUEUE,
            start_to_close_timeout=timedelta(seconds=20),
            heartbeat_timeout=timedelta(seconds=20),
            retry_policy=RetryPolicy(initial_interval=SECOND),
        )
        while (await handle.describe()).attempt != 2:
            pass
    async with engine(path, activities=[fails_once]) as client:
        assert await client.get_activity_handle("retry", run_id=handle.run_id).result() == 2
    (_, first, _), (attempt, second, details) = attempts
    assert attempt == 2
    assert details == ["half way"]
    assert 0.9 <= second - first < 10


async def test_what_was_acknowledged_is_there_after_a_restart(path: Path) -> None:
    async with engine(path) as client:
        handle = await client.start_workflow(Collects.run, 3, id="collect", task_queue=QUEUE)
        await handle.signal(Collects.add, "before any worker")
    async with engine(path, Collects) as client:
        handle = client.get_workflow_handle_for(Collects.run, "collect")
        assert await handle.query(Collects.so_far) == ["before any worker"]
        await handle.signal(Collects.add, "first life")
    async with engine(path, Collects) as client:
        handle = client.get_workflow_handle_for(Collects.run, "collect")
        assert await handle.query(Collects.so_far) == ["before any worker", "first life"]
        await handle.signal(Collects.add, "second life")
        assert await handle.result() == ["before any worker", "first life", "second life"]


async def test_a_closed_run_reads_the_same_for_ever(path: Path) -> None:
    async with engine(path, Sleeps) as client:
        handle = await client.start_workflow(Sleeps.run, 0.01, id="closed", task_queue=QUEUE)
        await handle.result()
        before = (await handle.fetch_history()).to_json()
    async with engine(path) as client:
        handle = client.get_workflow_handle("closed")
        assert (await handle.fetch_history()).to_json() == before
        assert (await handle.describe()).status == WorkflowExecutionStatus.COMPLETED
        assert await handle.result() == "woke"
        assert await event_types(handle) == [
            *START,
            "TimerStarted",
            "TimerFired",
            *TASK,
            "WorkflowExecutionCompleted",
        ]


async def test_b70_two_engines_in_one_process_do_not_mix(tmp_path: Path) -> None:
    """B-70: timers never cross."""
    name = unique("same-id")
    async with (
        engine(tmp_path / "a.db", Sleeps) as one,
        engine(tmp_path / "b.db", Sleeps) as other,
    ):
        handles = [
            await client.start_workflow(Sleeps.run, 0.05, id=name, task_queue=QUEUE)
            for client in (one, other)
        ]
        assert [await handle.result() for handle in handles] == ["woke", "woke"]
        for handle in handles:
            assert (await event_types(handle)).count("TimerFired") == 1
