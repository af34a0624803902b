"""Activities run by a test: what they see, and how they are cancelled."""

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest

from hourglass import activity
from hourglass.activity import ActivityCancellationDetails
from hourglass.client import Client
from hourglass.exceptions import CancelledError
from hourglass.testing import ActivityEnvironment


@activity.defn
async def add(left: int, right: int = 1) -> int:
    return left + right


@activity.defn
def multiply(left: int, right: int = 1) -> int:
    return left * right


class Counter:
    def __init__(self, start: int) -> None:
        self.count = start

    @activity.defn
    async def next(self) -> int:
        self.count += 1
        return self.count


async def test_functions_of_every_kind_run_and_answer() -> None:
    env = ActivityEnvironment()
    assert await env.run(add, 1, right=2) == 3
    assert env.run(multiply, 3, right=2) == 6
    assert await env.run(Counter(1).next) == 2
    assert env.run(lambda: activity.info().workflow_id) == "test"  # also without a decorator
    assert not activity.in_activity()


async def test_an_activity_sees_what_the_test_says() -> None:
    env = ActivityEnvironment()
    env.info = replace(ActivityEnvironment.default_info(), attempt=7)
    beats: list[Any] = []
    env.on_heartbeat = lambda *details: beats.append(details)

    async def look() -> int:
        activity.heartbeat("half", 50)
        assert activity.payload_converter() is env.payload_converter
        with pytest.raises(RuntimeError, match="without a client"):
            activity.client()
        return activity.info().attempt

    assert await env.run(look) == 7
    assert beats == [("half", 50)]


def test_an_activity_may_be_told_that_it_is_standalone() -> None:
    env = ActivityEnvironment()
    assert env.run(lambda: activity.info().in_workflow)
    env.info = replace(
        env.info,
        workflow_id=None,
        workflow_namespace=None,
        workflow_run_id=None,
        workflow_type=None,
        activity_run_id="run",
    )
    assert not env.run(lambda: activity.info().in_workflow)
    assert env.run(lambda: activity.info().activity_run_id) == "run"


async def test_an_activity_has_the_client_it_is_given() -> None:
    async with await Client.connect("sqlite://") as client:
        assert ActivityEnvironment(client).run(activity.client) is client


async def test_a_cancelled_coroutine_is_told_why() -> None:
    env = ActivityEnvironment()
    begun = asyncio.Event()

    async def wait() -> ActivityCancellationDetails | None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await activity.wait_for_cancelled()
            return activity.cancellation_details()
        return None

    running = asyncio.ensure_future(env.run(wait))
    await begun.wait()
    env.cancel(ActivityCancellationDetails(timed_out=True))
    env.cancel()
    assert await running == ActivityCancellationDetails(timed_out=True)
    with pytest.raises(asyncio.CancelledError):
        await env.run(add, 1)  # it stays cancelled


async def test_whoever_stops_waiting_stops_the_activity() -> None:
    env = ActivityEnvironment()
    ended: list[str] = []
    begun = asyncio.Event()

    async def wait() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")

    running = asyncio.ensure_future(env.run(wait))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended == ["ended"]


def test_a_thread_is_cancelled_by_an_exception() -> None:
    env = ActivityEnvironment()
    begun = threading.Event()

    def wait() -> None:
        begun.set()
        while True:
            activity.wait_for_worker_shutdown_sync(0.01)

    def cancel() -> None:
        begun.wait()
        env.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(CancelledError):
        env.run(wait)
    canceller.join()
    with pytest.raises(CancelledError):
        env.run(multiply, 1)


def test_a_thread_that_wants_no_exception_asks() -> None:
    env = ActivityEnvironment()

    @activity.defn(no_thread_cancel_exception=True)
    def polite() -> bool:
        env.cancel()
        activity.wait_for_cancelled_sync()
        return activity.is_cancelled()

    assert env.run(polite)


async def test_a_worker_that_stops_is_seen() -> None:
    env = ActivityEnvironment()

    async def wait() -> bool:
        await activity.wait_for_worker_shutdown()
        return activity.is_worker_shutdown()

    running = asyncio.ensure_future(env.run(wait))
    await asyncio.sleep(0)
    env.worker_shutdown()
    assert await running
    assert await env.run(wait)
    assert env.run(activity.is_worker_shutdown)
