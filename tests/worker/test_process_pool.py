"""Synchronous activities in processes: one that dies takes its own attempt along and no other."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass.client import Client, WorkflowFailureError
from hourglass.common import RetryPolicy
from hourglass.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
)
from hourglass.worker import Worker
from tests.support import unique
from tests.worker import process_activities as given

ACTIVITIES: list[Callable[..., Any]] = [
    given.process_id,
    given.dies_once,
    given.waits_for,
    given.fails,
    given.returns_a_lambda,
    given.heartbeats_until_cancelled,
    given.remembers,
    given.on_the_loop,
]


@workflow.defn
class Runs:
    @workflow.run
    async def run(self, name: str, args: list[Any], attempts: int) -> Any:
        return await workflow.execute_activity(
            name,
            args=args,
            start_to_close_timeout=timedelta(seconds=50),
            heartbeat_timeout=timedelta(seconds=20),
            retry_policy=RetryPolicy(
                initial_interval=timedelta(milliseconds=10), maximum_attempts=attempts
            ),
        )


class Bench:
    """A client and a worker with two processes."""

    def __init__(self, client: Client, queue: str) -> None:
        self.client = client
        self.queue = queue

    async def start(self, name: str, *args: Any, attempts: int = 3) -> Any:
        return await self.client.start_workflow(
            Runs.run, args=[name, list(args), attempts], id=unique("run"), task_queue=self.queue
        )

    async def run(self, name: str, *args: Any, attempts: int = 3) -> Any:
        return await (await self.start(name, *args, attempts=attempts)).result()

    async def cause_of(self, name: str, *args: Any, attempts: int = 1) -> BaseException | None:
        with pytest.raises(WorkflowFailureError) as raised:
            await self.run(name, *args, attempts=attempts)
        assert isinstance(raised.value.cause, ActivityError)
        return raised.value.cause.cause


@pytest.fixture(params=["fork", "spawn"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    queue = unique("queue")
    pool = ProcessPoolExecutor(2, mp_context=get_context(request.param))
    async with (
        await Client.connect("sqlite://") as client,
        Worker(
            client,
            task_queue=queue,
            workflows=[Runs],
            activities=ACTIVITIES,
            activity_executor=pool,
            graceful_shutdown_timeout=timedelta(seconds=5),
        ),
    ):
        yield Bench(client, queue)


pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")


async def test_sync_activities_run_in_processes_and_async_ones_on_the_loop(bench: Bench) -> None:
    assert await bench.run("process_id") != os.getpid()
    assert await bench.run("on_the_loop") == os.getpid()


async def test_a_process_that_dies_takes_only_its_own_attempt_along(
    bench: Bench, tmp_path: Path
) -> None:
    """sp #245: the other process goes on, and what was lost is retried in a new one."""
    waiting = await bench.start("waits_for", str(tmp_path / "go"))
    assert await bench.run("dies_once", str(tmp_path / "died")) == 2
    (tmp_path / "go").touch()
    assert await waiting.result() == 1
    assert await bench.run("process_id") != os.getpid()


async def test_a_lost_attempt_says_how_its_process_ended(bench: Bench, tmp_path: Path) -> None:
    cause = await bench.cause_of("dies_once", str(tmp_path / "died"))
    assert isinstance(cause, ApplicationError)
    assert cause.type == "ProcessDied"
    assert "by signal 9" in cause.message


async def test_a_failure_crosses_with_its_type_and_details(bench: Bench) -> None:
    cause = await bench.cause_of("fails", "ours", attempts=5)
    assert isinstance(cause, ApplicationError)
    assert (cause.type, list(cause.details), cause.non_retryable) == (
        "Mine",
        [{"detail": 1}],
        True,
    )


async def test_an_exception_that_can_not_be_unpickled_keeps_its_name_and_cause(
    bench: Bench,
) -> None:
    cause = await bench.cause_of("fails", "other")
    assert isinstance(cause, ApplicationError)
    assert (cause.type, cause.message) == ("NeedsTwoError", "ab")
    first = cause.__cause__
    assert isinstance(first, ApplicationError)
    assert (first.type, first.message) == ("ValueError", "first")
    assert "process_activities.py" in str(first.__cause__)


async def test_a_result_that_can_not_be_pickled_is_an_error_and_not_retried(bench: Bench) -> None:
    cause = await bench.cause_of("returns_a_lambda", attempts=5)
    assert isinstance(cause, ApplicationError)
    assert cause.type == "EncodingError"
    assert "the result can't leave the process" in cause.message


async def test_heartbeats_and_their_details_cross(bench: Bench) -> None:
    assert await bench.run("remembers") == "so far"


async def test_a_cancellation_is_seen_in_the_process(bench: Bench, tmp_path: Path) -> None:
    """The convention raises in threads only."""
    running = await bench.start("heartbeats_until_cancelled", str(tmp_path / "seen"))
    await running.cancel()
    with pytest.raises(WorkflowFailureError) as raised:
        await running.result()
    assert isinstance(raised.value.cause, CancelledError)
    while not (tmp_path / "seen").exists():  # noqa: ASYNC110 - a process makes it
        await asyncio.sleep(0.01)
    assert await bench.run("process_id") != os.getpid()


async def test_what_can_not_be_pickled_is_refused_before_anything_starts() -> None:
    @activity.defn
    def inside() -> None: ...

    client = await Client.connect("sqlite://", lazy=True)
    with pytest.raises(TypeError, match=r"'inside'.*top level of a module"):
        Worker(
            client, task_queue="q", activities=[inside], activity_executor=ProcessPoolExecutor(1)
        )
