"""A worker's life: starting, stopping in bounded time, giving up, several in one process."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass._bridge import BridgeError
from hourglass.client import Client
from hourglass.common import RetryPolicy
from hourglass.exceptions import ClosedError, PollError, ValidationError
from hourglass.worker import Worker, _lifetime, _shutdown, _worker
from tests.support import unique


@workflow.defn
class Echo:
    @workflow.run
    async def run(self, value: str) -> str:
        return value


@workflow.defn
class CallsActivity:
    @workflow.run
    async def run(self, name: str) -> Any:
        return await workflow.execute_activity(
            name,
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=10)),
        )


@activity.defn
def in_thread() -> str:
    return threading.current_thread().name


async def started(client: Client, worker: Worker, name: str) -> Any:
    return await client.start_workflow(
        CallsActivity.run, name, id=unique("calls"), task_queue=worker.task_queue
    )


def new_worker(client: Client, *activities: Any, queue: str = "", **options: Any) -> Worker:
    queue = queue or unique("life")
    workflows = [Echo, CallsActivity]
    return Worker(client, task_queue=queue, workflows=workflows, activities=activities, **options)


async def test_run_works_until_shutdown(client: Client) -> None:
    worker = new_worker(client)
    assert not worker.is_running
    running = asyncio.ensure_future(worker.run())
    result = await client.execute_workflow(
        Echo.run, "x", id=unique("echo"), task_queue=worker.task_queue
    )
    assert result == "x"
    assert worker.is_running
    await worker.shutdown()
    assert worker.is_shutdown
    assert not worker.is_running
    await running


async def test_cancelling_run_stops_the_worker_before_it_is_passed_on(client: Client) -> None:
    worker = new_worker(client)
    running = asyncio.ensure_future(worker.run())
    await client.execute_workflow(Echo.run, "x", id=unique("echo"), task_queue=worker.task_queue)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert worker.is_shutdown


async def test_a_worker_lives_once(client: Client) -> None:
    worker = new_worker(client)
    async with worker:
        with pytest.raises(ClosedError, match=worker.task_queue):
            await worker.run()
    with pytest.raises(ClosedError):
        await worker.__aenter__()
    await worker.shutdown()


async def test_an_error_in_the_block_stops_the_worker_and_is_passed_on(client: Client) -> None:
    worker = new_worker(client)
    with pytest.raises(ZeroDivisionError):
        async with worker:
            raise ZeroDivisionError
    assert worker.is_shutdown


async def test_an_unknown_namespace_is_refused_by_name_when_it_starts(target: str) -> None:
    name = unique("nowhere")
    client = await Client.connect(target, namespace=name, lazy=True)
    worker = new_worker(client)
    with pytest.raises(ValidationError, match=name) as refused:
        await worker.run()
    assert isinstance(refused.value, RuntimeError)  # as the convention has it
    assert worker.is_shutdown
    await client.close()


async def test_sync_activities_get_threads_without_being_given_any(client: Client) -> None:
    async with new_worker(client, in_thread) as worker:
        handle = await started(client, worker, "in_thread")
        assert (await handle.result()).startswith("hourglass-activity")


async def test_many_workers_are_served_by_one_evaluator(client: Client) -> None:
    workers = [new_worker(client) for _ in range(5)]
    for worker in workers:
        await worker.__aenter__()
    results = await asyncio.gather(
        *(
            client.execute_workflow(Echo.run, str(i), id=unique("echo"), task_queue=w.task_queue)
            for i, w in enumerate(workers)
        )
    )
    assert results == ["0", "1", "2", "3", "4"]
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("hourglass-evaluator") == 1
    for worker in workers:
        await worker.shutdown()


async def test_a_running_activity_may_finish_within_the_graceful_period(client: Client) -> None:
    reached, go = asyncio.Event(), asyncio.Event()

    @activity.defn
    async def finishes() -> str:
        reached.set()
        await activity.wait_for_worker_shutdown()
        go.set()
        return f"saw the shutdown: {activity.is_worker_shutdown()}"

    queue = unique("graceful")
    graceful = timedelta(seconds=20)
    async with new_worker(client, finishes, queue=queue, graceful_shutdown_timeout=graceful) as one:
        handle = await started(client, one, "finishes")
        await reached.wait()
    assert go.is_set()
    async with new_worker(client, finishes, queue=queue):
        assert await handle.result() == "saw the shutdown: True"


async def test_what_a_stopping_worker_cancels_another_one_does(client: Client) -> None:
    reached = asyncio.Event()
    attempts: list[int] = []

    @activity.defn
    async def hangs_once() -> int:
        attempts.append(activity.info().attempt)
        reached.set()
        if len(attempts) == 1:
            await asyncio.Event().wait()
        return len(attempts)

    queue = unique("handover")
    async with new_worker(client, hangs_once, queue=queue) as one:
        handle = await started(client, one, "hangs_once")
        await reached.wait()
    async with new_worker(client, hangs_once, queue=queue):
        assert await handle.result() == 2
    assert attempts == [1, 2]


async def test_a_worker_stops_although_an_activity_ignores_everything(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_shutdown, "_CANCEL_PERIOD", 0.1)
    reached, end = threading.Event(), threading.Event()

    @activity.defn(no_thread_cancel_exception=True)
    def deaf() -> str:
        first = not reached.is_set()
        reached.set()
        if first:
            end.wait()
        return "done"

    queue = unique("deaf")
    async with new_worker(client, deaf, queue=queue) as one:
        handle = await started(client, one, "deaf")
        await asyncio.to_thread(reached.wait)
    assert one.is_shutdown
    end.set()
    async with new_worker(client, deaf, queue=queue):
        assert await handle.result() == "done"


async def test_a_worker_may_live_on_another_loop_than_its_client(target: str) -> None:
    def live(stop: threading.Event, ready: threading.Event, client: Client) -> None:
        async def run() -> None:
            async with new_worker(client, queue=queue):
                ready.set()
                await asyncio.to_thread(stop.wait)

        asyncio.run(run())

    queue, stop, ready = unique("loops"), threading.Event(), threading.Event()
    async with await Client.connect(target) as client:
        thread = threading.Thread(target=live, args=(stop, ready, client))
        thread.start()
        await asyncio.to_thread(ready.wait)
        result = await client.execute_workflow(
            Echo.run, "across", id=unique("echo"), task_queue=queue
        )
        assert result == "across"
        stop.set()
        await asyncio.to_thread(thread.join)


class Failing:
    """Stands in for the native delivery that says polling had to end."""

    poll = "workflow"
    error = BridgeError("poll", "the service went mad")


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> list[_lifetime.WorkerLifetime]:
    """The hosts that workers make, to let them fail."""
    made: list[_lifetime.WorkerLifetime] = []

    class Kept(_lifetime.WorkerLifetime):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr(_worker, "WorkerLifetime", Kept)
    return made


async def test_a_worker_that_gives_up_ends_its_block_and_says_why(
    hosts: list[_lifetime.WorkerLifetime],
) -> None:
    told: list[BaseException] = []

    async def tell(error: BaseException) -> None:
        told.append(error)

    async with await Client.connect("sqlite://") as client:
        worker = new_worker(client, on_fatal_error=tell)
        with pytest.raises(PollError, match="the service went mad"):
            async with worker:
                failing: Any = Failing()
                hosts[0]._polling_ended(failing)
                await asyncio.Event().wait()
        assert [str(error) for error in told] == [str(worker._fatal)]
        assert worker.is_shutdown
        await asyncio.wait_for(asyncio.sleep(0), 1)  # nothing is left of the cancellation


async def test_run_raises_why_the_worker_gave_up(hosts: list[_lifetime.WorkerLifetime]) -> None:
    async with await Client.connect("sqlite://") as client:
        worker = new_worker(client)
        running = asyncio.ensure_future(worker.run())
        await client.execute_workflow(
            Echo.run, "x", id=unique("echo"), task_queue=worker.task_queue
        )
        failing: Any = Failing()
        hosts[0]._polling_ended(failing)
        with pytest.raises(PollError, match=worker.task_queue):
            await running
