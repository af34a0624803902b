"""Completions on their way back: their order, and what becomes of late ones (B-42 to B-44, B-51,
B-52)."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest

from hourglass import _aio, activity, workflow
from hourglass._bridge import (
    ActivityCompletion,
    BridgeError,
    CompleteWorkflowExecution,
    Payload,
    ScheduleActivity,
    WorkflowCompletion,
)
from hourglass.client import Client, WorkflowFailureError
from hourglass.exceptions import ActivityError
from hourglass.subsystem import events
from hourglass.subsystem.errors import WorkerNotRegisteredError
from hourglass.subsystem.runtime import process_runtime
from hourglass.subsystem.worker_handle import WorkerHandle
from tests.subsystem.kit import WAIT, Heard, Taker, declaration, holder, kill
from tests.support import AnyHandle, event_types, new_worker, unique


class Slow:
    """Stands in for a native worker whose confirmations come when the test says so."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.loop = asyncio.get_running_loop()
        self.confirmations: dict[str, asyncio.Future[None]] = {}
        self.news = asyncio.Condition()
        self.epoch = 1

    async def confirm(self, completion: WorkflowCompletion) -> None:
        confirmation = asyncio.run_coroutine_threadsafe(self._called(completion), self.loop)
        await asyncio.wrap_future(confirmation)

    async def _called(self, completion: WorkflowCompletion) -> None:
        async with self.news:
            self.calls.append(completion.run_id)
            self.news.notify_all()
        future = self.confirmations.setdefault(completion.run_id, self.loop.create_future())
        await future

    async def reached(self, *calls: str) -> None:
        async with self.news:
            await self.news.wait_for(lambda: self.calls == list(calls))

    def release(self, run_id: str) -> None:
        """Confirm a run's completion, also one that is yet to come. From any thread."""
        self.loop.call_soon_threadsafe(self._release, run_id)

    def _release(self, run_id: str) -> None:
        future = self.confirmations.setdefault(run_id, self.loop.create_future())
        future.set_result(None)


async def soon(answer: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(answer, WAIT)


async def serving(client: Client, **options: Any) -> WorkerHandle:
    handle: WorkerHandle = await soon(holder().register(declaration(client, **options)))
    return handle


async def test_b42_serial_completions_of_a_worker_go_one_after_the_other(
    embedded_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B-42: with the option; another worker's run beside them."""
    slow, other = Slow(), Slow()
    one = await serving(embedded_client, completions="serial")
    two = await serving(embedded_client, completions="serial")
    monkeypatch.setattr(one, "complete_confirmed", slow.confirm)
    monkeypatch.setattr(two, "complete_confirmed", other.confirm)
    for run in ("1", "2", "3"):
        one.complete_workflow(WorkflowCompletion(run))
    two.complete_workflow(WorkflowCompletion("p"))
    await soon(slow.reached("1"))
    await soon(other.reached("p"))
    assert slow.calls == ["1"]
    for number, run in enumerate(("1", "2", "3"), 1):
        await soon(slow.reached(*"123"[:number]))
        slow.release(run)
    other.release("p")
    for handle in (one, two):
        await soon(holder().unregister(handle.spec.name))


@workflow.defn
class Adds:
    @workflow.run
    async def run(self, number: int) -> int:
        for _ in range(3):
            number = await workflow.execute_activity(
                add_one, number, start_to_close_timeout=timedelta(seconds=50)
            )
        return number


@activity.defn
async def add_one(number: int) -> int:
    return number + 1


@pytest.mark.parametrize("completions", ["ordered", "serial"])
async def test_b42a_under_load_both_ways_leave_the_same_histories(
    embedded_client: Client, completions: Any
) -> None:
    """B-42a: runs don't wait for each other, or do; what is on record is the same."""
    async with new_worker(
        embedded_client, Adds, activities=[add_one], completions=completions
    ) as worker:
        handles: list[AnyHandle] = await asyncio.gather(
            *(
                embedded_client.start_workflow(
                    Adds.run, number, id=unique("adds"), task_queue=worker.task_queue
                )
                for number in range(40)
            )
        )
        results = await asyncio.gather(*(handle.result() for handle in handles))
        histories = {tuple(await event_types(handle)) for handle in handles}
    assert results == [number + 3 for number in range(40)]
    (history,) = histories
    assert history.count("ActivityTaskCompleted") == 3
    assert history.count("WorkflowTaskCompleted") == 4
    assert history[-1] == "WorkflowExecutionCompleted"


async def test_b42a_runs_do_not_wait_for_each_other_by_default(embedded_client: Client) -> None:
    """B-42a: while one run's task is out, another's is completed."""
    workflows = Taker()
    handle = await serving(embedded_client, workflows=workflows)
    started = [
        await embedded_client.start_workflow("Any", id=unique("w"), task_queue=handle.spec.name)
        for _ in range(2)
    ]
    first = await asyncio.to_thread(workflows.next, 1)
    second = await asyncio.to_thread(workflows.next, 2)
    runs = {each.first_execution_run_id: each for each in started}
    for activation in (second, first):
        done = WorkflowCompletion(activation.run_id, [CompleteWorkflowExecution(None)])
        handle.complete_workflow(done)
        assert await soon(runs[activation.run_id].result()) is None
    await soon(holder().unregister(handle.spec.name))


async def test_b43_an_activitys_completion_never_waits_for_a_workflows(
    embedded_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B-43: not even when workflow completions are serial, and one is stuck."""
    workflows, activities = Taker(), Taker()
    handle = await serving(
        embedded_client, completions="serial", workflows=workflows, activities=activities
    )
    name = handle.spec.name
    started = await embedded_client.start_workflow("Any", id=unique("w"), task_queue=name)
    activation = await asyncio.to_thread(workflows.next)
    schedule = ScheduleActivity(
        1, "1", "any", name, start_to_close_timeout=50.0, do_not_eagerly_execute=True
    )
    handle.complete_workflow(WorkflowCompletion(activation.run_id, [schedule]))
    task = await asyncio.to_thread(activities.next)
    slow = Slow()
    with monkeypatch.context() as patched:
        patched.setattr(handle, "complete_confirmed", slow.confirm)
        handle.complete_workflow(WorkflowCompletion("stuck"))
        await soon(slow.reached("stuck"))
        handle.complete_activity(ActivityCompletion.completed(task.task_token, Payload(data=b"1")))
        resolved = await asyncio.to_thread(workflows.next, 2)  # while that one is stuck
        slow.release("stuck")
        handle.complete_workflow(
            WorkflowCompletion(resolved.run_id, [CompleteWorkflowExecution(None)])
        )
        await soon(slow.reached("stuck", resolved.run_id))
        slow.release(resolved.run_id)
    handle.complete_workflow(WorkflowCompletion(resolved.run_id, [CompleteWorkflowExecution(None)]))
    assert await soon(started.result()) is None
    await soon(holder().unregister(name))


async def three_out(client: Client, handle: WorkerHandle, taker: Taker) -> list[AnyHandle]:
    """Start three workflows, and complete their tasks in the order in which they came."""
    runs: dict[str, AnyHandle] = {}
    for _ in range(3):
        run = await client.start_workflow("Any", id=unique("w"), task_queue=handle.spec.name)
        runs[run.first_execution_run_id or ""] = run
    ids = [(await asyncio.to_thread(taker.started, number)).run_id for number in (1, 2, 3)]
    for run_id in ids:
        handle.complete_workflow(WorkflowCompletion(run_id, [CompleteWorkflowExecution(None)]))
    return [runs[run_id] for run_id in ids]


class Held:
    """Holds the first completion of a handle back; the others wait behind it."""

    def __init__(self, handle: WorkerHandle) -> None:
        self.handle = handle
        self.genuine = handle.complete_confirmed
        self.slow = Slow()
        self.told: list[str] = []

    async def confirm(self, completion: WorkflowCompletion) -> None:
        if not self.slow.calls:
            await self.slow.confirm(completion)
        try:
            await self.genuine(completion)
        except WorkerNotRegisteredError:
            self.told.append(completion.run_id)
            raise


async def test_b44_completions_that_wait_when_their_handle_goes_are_told(
    embedded_client: Client, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    """B-44: each gets `WorkerNotRegisteredError` and counts as lost; the holder lives on."""
    taker = Taker()
    handle = await serving(embedded_client, completions="serial", workflows=taker)
    held = Held(handle)
    monkeypatch.setattr(handle, "complete_confirmed", held.confirm)
    runs = await three_out(embedded_client, handle, taker)
    ids = [run.first_execution_run_id or "" for run in runs]
    await soon(held.slow.reached(ids[0]))
    await asyncio.to_thread(kill, "runtime")
    await soon(handle.gone.answer)
    here = holder()
    held.slow.release(ids[0])
    for run_id in ids:
        await heard.came(events.CompletionLost, kind="run", task=run_id)
    assert held.told == ids
    await soon(here.settled())
    assert holder() is here


async def test_b44_completions_that_wait_when_their_worker_is_unregistered_are_still_sent(
    embedded_client: Client, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    """B-44: their handle drains, so nothing has to be lost."""
    taker = Taker()
    handle = await serving(embedded_client, completions="serial", workflows=taker)
    held = Held(handle)
    monkeypatch.setattr(handle, "complete_confirmed", held.confirm)
    runs = await three_out(embedded_client, handle, taker)
    first = runs[0].first_execution_run_id or ""
    await soon(held.slow.reached(first))
    unregistering = holder().unregister(handle.spec.name)
    held.slow.release(first)
    assert [await soon(run.result()) for run in runs] == [None] * 3
    await soon(unregistering)
    assert held.told == []
    assert heard.of(events.CompletionLost) == []


@workflow.defn
class CallsSlow:
    @workflow.run
    async def run(self, local_timeout: float) -> str:
        result: str = await workflow.execute_activity(
            "slow", start_to_close_timeout=timedelta(seconds=local_timeout)
        )
        return result


@workflow.defn
class NoTimeout:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity("slow")


async def test_b51_a_result_nobody_can_be_told_is_counted_and_the_attempt_times_out(
    embedded_client: Client, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B-51: then the activity runs again, so its side effect may happen twice."""
    reached, go = asyncio.Event(), asyncio.Event()
    attempts: list[int] = []

    @activity.defn
    async def slow() -> str:
        attempts.append(activity.info().attempt)
        if activity.info().attempt == 1:
            reached.set()
            await go.wait()
        return f"attempt {activity.info().attempt}"

    call = embedded_client.connection.call

    async def refusing(rpc: str, *args: Any) -> Any:
        if rpc.startswith("RespondActivityTask"):
            from hourglass.exceptions import ConnectError

            raise ConnectError("nobody can be told")
        return await call(rpc, *args)

    async with new_worker(embedded_client, CallsSlow, activities=[slow]) as worker:
        handle = await embedded_client.start_workflow(
            CallsSlow.run, 1.0, id=unique("lost"), task_queue=worker.task_queue
        )
        await soon(reached.wait())
        await asyncio.to_thread(kill, "runtime")
        await heard.came(events.WorkerRegistered, epoch=process_runtime().epoch)
        monkeypatch.setattr(embedded_client.connection, "call", refusing)
        go.set()
        await heard.came(events.CompletionLost, kind="activity")
        assert await soon(handle.result()) == "attempt 2"
    assert attempts == [1, 2]


async def test_b51_an_activity_without_any_timeout_is_refused(embedded_client: Client) -> None:
    """B-51: its loss could never be noticed."""
    async with new_worker(embedded_client, NoTimeout) as worker:
        handle = await embedded_client.start_workflow(
            NoTimeout.run, id=unique("no-timeout"), task_queue=worker.task_queue
        )
        with pytest.raises((WorkflowFailureError, ActivityError, TimeoutError)):
            await asyncio.wait_for(handle.result(), 1)
        types = await event_types(handle)
        assert "ActivityTaskScheduled" not in types
        assert "WorkflowTaskFailed" in types
        await handle.terminate()


@pytest.mark.parametrize("completions", ["ordered", "serial"])
async def test_b52_a_completion_may_take_as_long_as_it_needs(
    embedded_client: Client, monkeypatch: pytest.MonkeyPatch, completions: Any
) -> None:
    """B-52: no timer of any kind is set for it, and it is sent once."""
    sent: list[str] = []
    timers: list[float] = []
    reached, go = asyncio.Event(), asyncio.Event()
    here = asyncio.get_running_loop()
    genuine = _aio.performed

    async def slow(begin: Any, *args: Any) -> Any:
        if begin.__name__ == "complete_workflow_activation_confirmed":
            sent.append(args[0].run_id)
            here.call_soon_threadsafe(reached.set)
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(go.wait(), here))
        return await genuine(begin, *args)

    async def watch_timers() -> None:
        loop = asyncio.get_running_loop()
        call_at = loop.call_at

        def counted(when: float, *args: Any, **options: Any) -> Any:
            timers.append(when - loop.time())
            return call_at(when, *args, **options)

        monkeypatch.setattr(loop, "call_at", counted)

    monkeypatch.setattr("hourglass.subsystem.worker_handle.performed", slow)
    taker = Taker()
    handle = await serving(embedded_client, completions=completions, workflows=taker)
    run = await embedded_client.start_workflow("Any", id=unique("w"), task_queue=handle.spec.name)
    activation = await asyncio.to_thread(taker.next)
    await soon(holder().place.loop.run(watch_timers))
    done = WorkflowCompletion(activation.run_id, [CompleteWorkflowExecution(None)])
    if completions == "serial":
        handle.complete_workflow(done)
    else:
        confirmed = holder().place.loop.run(handle.complete_confirmed, done)
    await soon(reached.wait())
    assert timers == []
    go.set()
    assert await soon(run.result()) is None
    if completions == "ordered":
        await soon(confirmed)
    assert sent == [activation.run_id]
    monkeypatch.undo()
    await soon(holder().unregister(handle.spec.name))


@pytest.mark.parametrize("kind", ["shutdown", "stale_handle"])
async def test_a_completion_that_finds_its_runtime_gone_is_counted_as_lost(
    embedded_client: Client, heard: Heard, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    """Whether the runtime's end drained the handle first, or closed under it."""
    workflows = Taker()
    handle = await serving(embedded_client, workflows=workflows)
    await embedded_client.start_workflow("Any", id=unique("w"), task_queue=handle.spec.name)
    activation = await asyncio.to_thread(workflows.next)
    await asyncio.to_thread(kill, "runtime")
    await soon(handle.gone.answer)
    monkeypatch.setattr(handle, "_end_error", BridgeError(kind, "it is gone"))
    with pytest.raises(WorkerNotRegisteredError):
        handle.complete_workflow(WorkflowCompletion(activation.run_id))
    assert len(heard.of(events.CompletionLost, kind="run", task=activation.run_id)) == 1


async def test_what_core_refuses_is_no_lost_handle(embedded_client: Client) -> None:
    handle = await serving(embedded_client)
    with pytest.raises(BridgeError):
        handle.heartbeat(b"token", [1])  # type: ignore[list-item]
    await soon(holder().unregister(handle.spec.name))
