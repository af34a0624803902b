"""Talking to workflows: signals in order and never lost, queries that leave no trace."""

import asyncio
from datetime import timedelta

import pytest

from hourglass import workflow
from hourglass.client import Client, WorkflowQueryFailedError
from hourglass.service import RPCError, RPCStatusCode
from tests.support import START, TASK, event_types, new_worker, unique


@workflow.defn
class Collector:
    """Keeps what it is sent, until it is told to stop."""

    def __init__(self) -> None:
        self.items: list[str] = []
        self.stopped = False

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: self.stopped)
        return self.items

    @workflow.signal
    def add(self, item: str) -> None:
        self.items.append(item)

    @workflow.signal(name="add-slowly")
    async def add_slowly(self, item: str) -> None:
        await workflow.sleep(0.01)
        self.items.append(item)

    @workflow.signal
    def stop(self) -> None:
        self.stopped = True

    @workflow.query
    def count(self) -> int:
        return len(self.items)

    @workflow.query
    def item(self, index: int) -> str:
        return self.items[index]

    @workflow.query(name="fails")
    def fails_(self) -> None:
        raise ValueError("no answer")


async def test_signals_arrive_in_the_order_they_were_sent(client: Client) -> None:
    async with new_worker(client, Collector) as worker:
        handle = await client.start_workflow(
            Collector.run, id=unique("signals"), task_queue=worker.task_queue
        )
        for i in range(10):
            await handle.signal(Collector.add, str(i))
        await handle.signal("stop")
        assert await handle.result() == [str(i) for i in range(10)]


async def test_signals_sent_before_any_worker_runs_are_kept(client: Client) -> None:
    queue = unique("later")
    handle = await client.start_workflow(Collector.run, id=unique("early"), task_queue=queue)
    for item in ("a", "b"):
        await handle.signal(Collector.add, item)
    await handle.signal(Collector.stop)
    async with new_worker(client, Collector, task_queue=queue):
        assert await handle.result() == ["a", "b"]
    signal = "WorkflowExecutionSignaled"
    assert await event_types(handle) == [
        *START[:2],
        *[signal] * 3,
        *START[2:],
        "WorkflowExecutionCompleted",
    ]


async def test_a_burst_of_a_hundred_signals_loses_none(client: Client) -> None:
    async with new_worker(client, Collector) as worker:
        handle = await client.start_workflow(
            Collector.run, id=unique("burst"), task_queue=worker.task_queue
        )
        await asyncio.gather(*(handle.signal(Collector.add, str(i)) for i in range(100)))
        await handle.signal(Collector.stop)
        result = await handle.result()
    assert sorted(result, key=int) == [str(i) for i in range(100)]
    assert (await event_types(handle)).count("WorkflowExecutionSignaled") == 101


async def test_a_signal_handler_may_be_async_and_have_a_name(client: Client) -> None:
    async with new_worker(client, Collector) as worker:
        handle = await client.start_workflow(
            Collector.run, id=unique("slow"), task_queue=worker.task_queue
        )
        await handle.signal("add-slowly", "x")
        while await handle.query(Collector.count) == 0:
            pass
        await handle.signal(Collector.stop)
        assert await handle.result() == ["x"]


async def test_signalling_a_closed_or_unknown_workflow_is_not_found(client: Client) -> None:
    async with new_worker(client, Collector) as worker:
        handle = await client.start_workflow(
            Collector.run, id=unique("closed"), task_queue=worker.task_queue
        )
        await handle.signal(Collector.stop)
        await handle.result()
    before = await event_types(handle)
    for target in (handle, client.get_workflow_handle(unique("ghost"))):
        with pytest.raises(RPCError) as refused:
            await target.signal("add", "late")
        assert refused.value.status == RPCStatusCode.NOT_FOUND
    assert await event_types(handle) == before


async def test_a_running_workflow_answers_queries_without_a_trace(client: Client) -> None:
    async with new_worker(client, Collector) as worker:
        handle = await client.start_workflow(
            Collector.run, id=unique("query"), task_queue=worker.task_queue
        )
        assert await handle.query(Collector.count) == 0
        await handle.signal(Collector.add, "x")
        assert await handle.query(Collector.count) == 1
        assert await handle.query("item", 0) == "x"
        before = await event_types(handle)
        for _ in range(5):
            await handle.query(Collector.count)
        assert await event_types(handle) == before
        await handle.signal(Collector.stop)
        await handle.result()


async def test_a_closed_workflow_still_answers_queries(client: Client) -> None:
    async with new_worker(client, Collector) as worker:
        handle = await client.start_workflow(
            Collector.run, id=unique("closed-query"), task_queue=worker.task_queue
        )
        await handle.signal(Collector.add, "x")
        await handle.signal(Collector.stop)
        await handle.result()
        assert await handle.query(Collector.item, 0) == "x"


async def test_a_query_is_answered_by_a_worker_that_never_saw_the_run(client: Client) -> None:
    queue = unique("handover")
    async with new_worker(client, Collector, task_queue=queue):
        handle = await client.start_workflow(Collector.run, id=unique("move"), task_queue=queue)
        await handle.signal(Collector.add, "kept")
        assert await handle.query(Collector.count) == 1
    async with new_worker(client, Collector, task_queue=queue):
        assert await handle.query(Collector.item, 0) == "kept"
        await handle.signal(Collector.stop)
        assert await handle.result() == ["kept"]


@pytest.mark.parametrize(("name", "told"), [("fails", "no answer"), ("unknown", "unknown")])
async def test_a_failing_or_unknown_query_tells_why_and_harms_nothing(
    client: Client, name: str, told: str
) -> None:
    async with new_worker(client, Collector) as worker:
        handle = await client.start_workflow(
            Collector.run, id=unique("bad-query"), task_queue=worker.task_queue
        )
        with pytest.raises(WorkflowQueryFailedError, match=told):
            await handle.query(name)
        await handle.signal(Collector.stop)
        assert await handle.result() == []


async def test_querying_an_unknown_workflow_is_not_found(client: Client) -> None:
    with pytest.raises(RPCError) as refused:
        await client.get_workflow_handle(unique("ghost")).query("count")
    assert refused.value.status == RPCStatusCode.NOT_FOUND


async def test_signal_with_start_starts_once_and_signals_every_time(client: Client) -> None:
    workflow_id, queue = unique("sws"), unique("queue")
    for item in ("first", "second"):
        handle = await client.start_workflow(
            Collector.run,
            id=workflow_id,
            task_queue=queue,
            start_signal="add",
            start_signal_args=[item],
        )
    await handle.signal(Collector.stop)
    async with new_worker(client, Collector, task_queue=queue):
        assert await handle.result() == ["first", "second"]


@workflow.defn
class Sleeper:
    @workflow.run
    async def run(self) -> str:
        await workflow.sleep(timedelta(milliseconds=400))
        return "woke"

    @workflow.query
    def state(self) -> str:
        return "asleep"


async def test_b63_a_query_while_asleep_appends_nothing_and_the_sleep_still_fires(
    client: Client,
) -> None:
    """B-63."""
    async with new_worker(client, Sleeper) as worker:
        handle = await client.start_workflow(
            Sleeper.run, id=unique("asleep"), task_queue=worker.task_queue
        )
        assert await handle.query(Sleeper.state) == "asleep"
        assert await handle.result() == "woke"
    assert await event_types(handle) == [
        *START,
        "TimerStarted",
        "TimerFired",
        *TASK,
        "WorkflowExecutionCompleted",
    ]
