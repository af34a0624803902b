"""The way down of a worker: what is left at the last rung, and what is said on the way."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.subsystem import events
from hourglass.worker import _shutdown
from tests.subsystem.kit import Heard
from tests.support import new_worker, unique


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
