"""Much at once, and large things: carried, or refused with a reason."""

import asyncio
from datetime import timedelta

import pytest

from hourglass import activity, workflow
from hourglass.client import Client, WorkflowFailureError
from hourglass.exceptions import TerminatedError
from hourglass.service import RPCError
from tests.support import event_types, new_worker, unique

MEBIBYTE = 1024 * 1024


@activity.defn
async def double(number: int) -> int:
    return 2 * number


@workflow.defn
class Doubles:
    @workflow.run
    async def run(self, number: int) -> int:
        await workflow.sleep(0.01)
        return await workflow.execute_activity(
            double, number, start_to_close_timeout=timedelta(seconds=30)
        )


@workflow.defn
class Measures:
    @workflow.run
    async def run(self, data: bytes) -> bytes:
        return data


async def test_two_hundred_workflows_in_flight_at_once_all_finish(client: Client) -> None:
    async with new_worker(client, Doubles, activities=[double]) as worker:
        results = await asyncio.gather(
            *(
                client.execute_workflow(
                    Doubles.run, i, id=unique("many"), task_queue=worker.task_queue
                )
                for i in range(200)
            )
        )
    assert results == [2 * i for i in range(200)]


async def test_a_payload_of_just_under_two_mebibytes_is_carried(client: Client) -> None:
    data = bytes(range(256)) * 4 * 2000
    assert 1.9 * MEBIBYTE < len(data) < 2 * MEBIBYTE
    async with new_worker(client, Measures) as worker:
        result = await client.execute_workflow(
            Measures.run, data, id=unique("large"), task_queue=worker.task_queue
        )
    assert result == data


async def test_a_larger_payload_is_carried_or_refused_with_a_reason(client: Client) -> None:
    data = bytes(3 * MEBIBYTE)
    async with new_worker(client, Measures) as worker:
        try:
            result = await client.execute_workflow(
                Measures.run, data, id=unique("too-large"), task_queue=worker.task_queue
            )
        except RPCError as refused:
            assert "size" in refused.message or "large" in refused.message
        else:
            assert result == data


@workflow.defn
class LongHistory:
    @workflow.run
    async def run(self, steps: int) -> int:
        total = 0
        for step in range(steps):
            total += await workflow.execute_activity(
                double, step, start_to_close_timeout=timedelta(seconds=30)
            )
        return total


async def test_a_hundred_steps_in_sequence_leave_six_events_each(client: Client) -> None:
    async with new_worker(client, LongHistory, activities=[double]) as worker:
        handle = await client.start_workflow(
            LongHistory.run, 100, id=unique("long"), task_queue=worker.task_queue
        )
        assert await handle.result() == 9900
    assert len(await event_types(handle)) == 4 + 600 + 1


@workflow.defn
class RefusesResult:
    @workflow.run
    async def run(self) -> object:
        return object()


async def test_a_result_that_can_not_be_encoded_never_becomes_a_value(client: Client) -> None:
    async with new_worker(client, RefusesResult) as worker:
        handle = await client.start_workflow(
            RefusesResult.run,
            id=unique("unencodable"),
            task_queue=worker.task_queue,
            run_timeout=timedelta(seconds=2),
        )
        with pytest.raises(WorkflowFailureError):
            await handle.result()
    assert "WorkflowExecutionCompleted" not in await event_types(handle)


@workflow.defn
class Sleeps:
    @workflow.run
    async def run(self, times: int) -> None:
        for _ in range(times):
            await asyncio.sleep(0.001)


async def test_a_run_ends_when_its_history_outgrows_the_limit_of_the_target() -> None:
    async with (
        await Client.connect("sqlite://?history_events=50") as client,
        new_worker(client, Sleeps) as worker,
    ):
        with pytest.raises(WorkflowFailureError) as failed:
            await client.execute_workflow(
                Sleeps.run, 1_000, id=unique("long"), task_queue=worker.task_queue
            )
    assert isinstance(failed.value.cause, TerminatedError)
    assert "history count exceeds limit" in str(failed.value.cause)


@workflow.defn
class Counts:
    def __init__(self) -> None:
        self.count = 0

    @workflow.run
    async def run(self, times: int) -> int:
        for _ in range(times):
            await asyncio.sleep(0.001)
            self.count += 1
        await asyncio.gather(*(asyncio.sleep(seconds) for seconds in (0.3, 0.6, 0.9)))
        return self.count

    @workflow.query
    def progress(self) -> int:
        return self.count


async def test_a_run_of_several_pages_answers_queries_while_a_new_worker_takes_it_over() -> None:
    async with await Client.connect("sqlite://") as client:
        handle = await client.start_workflow(
            Counts.run, 300, id=unique("pages"), task_queue="queue"
        )
        async with new_worker(client, Counts, task_queue="queue"):
            while await handle.query(Counts.progress) < 200:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        async with new_worker(client, Counts, task_queue="queue"):
            answers = await asyncio.gather(*(handle.query(Counts.progress) for _ in range(8)))
            assert min(answers) >= 200
            assert await handle.result() == 300
