"""What users of Temporal's Python SDK (sp) reported, as tests; written from their descriptions.

Elsewhere: a process of a pool that dies (sp #245) in `tests/worker/test_processes.py`, a client
that is used before a fork (sp #11, #385) in `test_fork.py`, an abort at exit (sp #300) in
`test_exit.py`, workflow code that does not come back (sp PR #806) in `tests/worker/test_watchdog`.
"""

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from hourglass import activity, workflow
from hourglass.client import Client, WorkflowFailureError
from hourglass.common import RetryPolicy
from hourglass.exceptions import ActivityError
from hourglass.worker import Worker
from tests.conftest import ROOT
from tests.crash import pod
from tests.support import unique

LIMIT = timedelta(seconds=50)
ONCE = RetryPolicy(maximum_attempts=1)


@activity.defn
async def heartbeats_on_the_loop(times: int) -> int:
    for number in range(times):
        activity.heartbeat(number)
        if number % 20 == 0:
            await asyncio.sleep(0)
    return times


@activity.defn
def heartbeats_in_a_thread(times: int) -> int:
    for number in range(times):
        activity.heartbeat(number)
    return times


@workflow.defn
class HeartbeatsEverywhere:
    @workflow.run
    async def run(self, times: int) -> int:
        attempts = [
            workflow.execute_activity(
                name,
                times,
                result_type=int,
                start_to_close_timeout=LIMIT,
                heartbeat_timeout=timedelta(seconds=30),
            )
            for name in ("heartbeats_on_the_loop", "heartbeats_in_a_thread") * 5
        ]
        results: list[int] = await asyncio.gather(*attempts)
        return sum(results)


async def test_heartbeats_in_a_tight_loop_never_wedge_a_worker(client: Client) -> None:
    """sp #1642: the GIL and core's lock, each held by one who waits for the other.

    There are no slot suppliers here, and no native thread ever enters Python; heartbeats come from
    the loop and from threads as fast as they can while tasks start and end all the time.
    """
    queue = unique("queue")
    async with Worker(
        client,
        task_queue=queue,
        workflows=[HeartbeatsEverywhere],
        activities=[heartbeats_on_the_loop, heartbeats_in_a_thread],
        max_concurrent_activities=20,
    ):
        results = await asyncio.gather(
            *(
                client.execute_workflow(
                    HeartbeatsEverywhere.run, 200, id=unique("hb"), task_queue=queue
                )
                for _ in range(10)
            )
        )
    assert results == [2000] * 10


THREADS = 4
meeting = threading.Barrier(THREADS)


@activity.defn
def ends_about_when_it_is_cancelled(seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        activity.heartbeat()


@activity.defn
def meets_the_others() -> str:
    """Return when it runs in as many threads at once as there are."""
    meeting.wait(30)
    return threading.current_thread().name


@workflow.defn
class CancelsLate:
    """Cancel the activity about when that ends by itself; tell whether that came through."""

    @workflow.run
    async def run(self, seconds: float) -> bool:
        handle = workflow.start_activity(
            ends_about_when_it_is_cancelled,
            seconds,
            start_to_close_timeout=LIMIT,
            heartbeat_timeout=timedelta(milliseconds=100),
            retry_policy=ONCE,
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )
        await workflow.sleep(0.02)
        handle.cancel()
        try:
            await handle
        except ActivityError:
            return True
        return False


@workflow.defn
class Meets:
    @workflow.run
    async def run(self) -> list[str]:
        meetings = [
            workflow.execute_activity(meets_the_others, start_to_close_timeout=LIMIT)
            for _ in range(THREADS)
        ]
        return await asyncio.gather(*meetings)


async def test_cancelling_threaded_activities_costs_no_thread_and_no_slot(client: Client) -> None:
    """sp #1648: a cancellation hit the thread after its activity, and the pool lost it for good.

    Cancellations come about when the activities end; afterwards every thread of the pool takes part
    in a meeting, and there are as many slots as before.
    """
    queue = unique("queue")
    pool = ThreadPoolExecutor(THREADS)
    async with Worker(
        client,
        task_queue=queue,
        workflows=[CancelsLate, Meets],
        activities=[ends_about_when_it_is_cancelled, meets_the_others],
        activity_executor=pool,
    ):
        cancelled = await asyncio.gather(
            *(
                client.execute_workflow(
                    CancelsLate.run, 0.05 + number / 30, id=unique("late"), task_queue=queue
                )
                for number in range(60)
            )
        )
        names = await client.execute_workflow(Meets.run, id=unique("meet"), task_queue=queue)
    assert len(set(names)) == THREADS
    assert any(cancelled)
    pool.shutdown()


@workflow.defn
class SwallowsItsEviction:
    """Catches everything that would end it, once, and waits on."""

    @workflow.run
    async def run(self) -> None:
        for _ in range(3):
            with suppress(BaseException):  # what the users' code does
                await workflow.sleep(1000)


@workflow.defn
class Quick:
    @workflow.run
    async def run(self) -> str:
        return "done"


@pytest.mark.parametrize("cached", [0, 1])
async def test_workflows_that_swallow_their_eviction_keep_no_slot(
    client: Client, cached: int
) -> None:
    """sp PR #806: more of them than there are slots, and the worker serves on."""
    queue = unique("queue")
    async with Worker(
        client,
        task_queue=queue,
        workflows=[SwallowsItsEviction, Quick],
        max_cached_workflows=cached,
        max_concurrent_workflow_tasks=2 if cached else 1,
        max_concurrent_workflow_task_polls=2,
    ):
        swallowing = [
            await client.start_workflow(SwallowsItsEviction.run, id=unique("s"), task_queue=queue)
            for _ in range(6)
        ]
        for _ in range(6):
            result = await client.execute_workflow(Quick.run, id=unique("q"), task_queue=queue)
            assert result == "done"
        for handle in swallowing:
            await handle.terminate()
            with pytest.raises(WorkflowFailureError):
                await handle.result()


@pytest.mark.parametrize("overlapping", [False, True])
def test_a_pod_that_is_told_to_stop_under_load_ends_and_loses_no_work(
    tmp_path: Path, overlapping: bool
) -> None:
    """sp #367, #1557: SIGTERM to a busy worker; it finishes what it has and leaves with status 0.

    Twice, at some point in the middle; the third one does the rest. Every step was done once. The
    next one may be there while the one before it drains, as in a deploy.
    """
    with ExitStack() as pods:
        running = pods.enter_context(start_pod(tmp_path))
        for _ in range(2):
            wait_for_marks(tmp_path, sum(map(len, marks_of(tmp_path))) + 20)
            following = pods.enter_context(start_pod(tmp_path)) if overlapping else None
            running.send_signal(signal.SIGTERM)
            output, errors = running.communicate(timeout=40)
            assert (running.returncode, output, errors) == (0, "", "")
            running = following or pods.enter_context(start_pod(tmp_path))
        output, errors = running.communicate(timeout=50)
    assert (running.returncode, errors) == (0, "")
    assert json.loads(output) == [list(range(pod.STEPS))] * pod.RUNS
    assert {tuple(marks) for marks in marks_of(tmp_path)} == {tuple(range(pod.STEPS))}


def start_pod(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.crash.pod", str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def marks_of(folder: Path) -> list[list[int]]:
    return [[int(mark) for mark in file.read_text().split()] for file in folder.glob("*.steps")]


def wait_for_marks(folder: Path, count: int) -> None:
    give_up = time.monotonic() + 30
    while sum(map(len, marks_of(folder))) < count:
        assert time.monotonic() < give_up, "the pod does not work"
        time.sleep(0.01)
