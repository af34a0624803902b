"""Much at once, and large things: carried, or refused with a reason."""

import asyncio
from datetime import timedelta

import pytest

from hourglass import activity, workflow
from hourglass.client import Client, WorkflowFailureError
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
