"""The way down of a worker: what is left at the last rung, and what is said on the way."""

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.common import RetryPolicy
from hourglass.subsystem import events
from hourglass.worker import _shutdown
from tests.subsystem.kit import Heard
from tests.support import event_types, new_worker, unique


@pytest.fixture(autouse=True)
def short_rungs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_shutdown, "_CANCEL_PERIOD", 0.3)
    monkeypatch.setattr(_shutdown, "_HARD_PERIOD", 0.3)


@pytest.fixture
def heard() -> Iterator[Heard]:
    heard = Heard()
    yield heard
    heard.end()


inside, release = threading.Event(), threading.Event()


@pytest.fixture(autouse=True)
def gate() -> Iterator[None]:
    inside.clear()
    release.clear()
    yield
    release.set()


@workflow.defn
class Stuck:
    @workflow.run
    async def run(self) -> None:
        inside.set()
        release.wait()


@workflow.defn
class Calls:
    @workflow.run
    async def run(self, name: str) -> Any:
        timeout = timedelta(minutes=5)
        return await workflow.execute_activity(name, start_to_close_timeout=timeout)


@activity.defn(no_thread_cancel_exception=True)
def deaf() -> None:
    if not inside.is_set():
        inside.set()
        release.wait()


async def test_a_workflow_task_without_an_end_is_named_and_does_not_keep_its_worker(
    heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    async with await Client.connect("sqlite://") as client:
        worker = new_worker(client, Stuck, deadlock_timeout=None)
        async with worker:
            handle = await client.start_workflow(
                Stuck.run, id=unique("stuck"), task_queue=worker.task_queue
            )
            await asyncio.to_thread(inside.wait)
        assert worker.is_shutdown
        stopped = await heard.came(events.WorkerStoppedHard)
        assert stopped.name == worker.task_queue
        assert f"code of run {handle.first_execution_run_id} in thread" in stopped.task
        assert f"worker of {worker.task_queue!r} stopped hard" in caplog.text
        release.set()


async def test_an_activity_that_ignores_its_cancellation_is_left_behind_and_done_by_another_worker(
    heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    queue = unique("deaf")
    async with await Client.connect("sqlite://") as client:
        async with new_worker(client, Calls, activities=[deaf], task_queue=queue):
            handle = await client.start_workflow(
                Calls.run, "deaf", id=unique("calls"), task_queue=queue
            )
            await asyncio.to_thread(inside.wait)
        left = await heard.came(events.ActivityLeftBehind)
        assert "activity 'deaf' (1) of workflow 'calls-" in left.task
        assert "release.wait()" in caplog.text
        assert "stopped hard" not in caplog.text
        release.set()
        async with new_worker(client, Calls, activities=[deaf], task_queue=queue):
            assert await handle.result() is None


async def test_a_worker_at_rest_stops_without_a_warning(
    heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        await Client.connect("sqlite://") as client,
        new_worker(client, Calls, activities=[deaf]),
    ):
        pass
    assert [record for record in caplog.records if record.levelname != "INFO"] == []
    assert heard.of(events.WorkerStoppedHard) == []


@activity.defn
async def waits_on_the_loop() -> str:
    return await first_attempt_waits()


@activity.defn
def waits_in_a_thread() -> str:
    if not inside.is_set():
        inside.set()
        while True:
            time.sleep(0.01)
    return "done"


@activity.defn
async def fails_first() -> str:
    if not inside.is_set():
        asyncio.get_running_loop().call_later(0.01, inside.set)  # when core has its failure
        raise ValueError("fails first")
    return "done"


@activity.defn
async def fails_when_it_is_cancelled() -> str:
    try:
        return await first_attempt_waits()
    except asyncio.CancelledError:
        raise ValueError("cancelled") from None


async def first_attempt_waits() -> str:
    if not inside.is_set():
        inside.set()
        await asyncio.Event().wait()
    return "done"


@workflow.defn
class CallsOneWay:
    @workflow.run
    async def run(self, name: str, locally: bool, initial: int) -> str:
        call: Any = workflow.execute_local_activity if locally else workflow.execute_activity
        result: str = await call(
            name,
            start_to_close_timeout=timedelta(minutes=5),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=initial)),
        )
        return result


@pytest.mark.parametrize("locally", [False, True], ids=["remote", "local"])
@pytest.mark.parametrize(
    ("name", "initial"),
    [
        ("waits_on_the_loop", 1),
        ("waits_on_the_loop", 30_000),
        ("waits_in_a_thread", 1),
        ("fails_when_it_is_cancelled", 1),
        ("fails_first", 1),
        ("fails_first", 400),
        ("fails_first", 30_000),
    ],
)
async def test_whatever_runs_a_worker_stops_in_time_and_another_goes_on(
    name: str, initial: int, locally: bool, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    """The stages are short here: what needs more than 0.3 s after the cancellation is found."""
    queue = unique(name)
    functions: list[Any] = [
        waits_on_the_loop,
        waits_in_a_thread,
        fails_first,
        fails_when_it_is_cancelled,
    ]
    async with await Client.connect("sqlite://") as client:
        async with new_worker(client, CallsOneWay, activities=functions, task_queue=queue):
            handle = await client.start_workflow(
                CallsOneWay.run, args=[name, locally, initial], id=unique(name), task_queue=queue
            )
            await asyncio.to_thread(inside.wait)
        assert heard.of(events.WorkerStoppedHard) == []
        assert [record for record in caplog.records if record.levelname == "ERROR"] == []
        if initial < 30_000 or locally:
            async with new_worker(client, CallsOneWay, activities=functions, task_queue=queue):
                assert await handle.result() == "done"
        types = await event_types(handle)
        assert "MarkerRecorded" in types or not locally
        assert "ActivityTaskCanceled" not in types


async def test_a_local_activity_may_end_within_the_grace() -> None:
    async with await Client.connect("sqlite://") as client:
        worker = new_worker(
            client,
            CallsOneWay,
            activities=[sees_the_shutdown],
            graceful_shutdown_timeout=timedelta(seconds=30),
        )
        async with worker:
            handle = await client.start_workflow(
                CallsOneWay.run,
                args=["sees_the_shutdown", True, 1],
                id=unique("sees"),
                task_queue=worker.task_queue,
            )
            await asyncio.to_thread(inside.wait)
        assert await handle.result() == "done"


@activity.defn
async def sees_the_shutdown() -> str:
    inside.set()
    await activity.wait_for_worker_shutdown()
    return "done"
