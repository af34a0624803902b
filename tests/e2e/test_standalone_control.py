"""Standalone activities are completed from outside, found, and there after a restart."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hourglass import activity
from hourglass.client import (
    ActivityExecutionStatus,
    ActivityFailureError,
    ActivityHandle,
    AsyncActivityCancelledError,
    AsyncActivityHandle,
    Client,
)
from hourglass.common import (
    RetryPolicy,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
)
from hourglass.exceptions import ApplicationError, CancelledError
from hourglass.service import RPCError, RPCStatusCode
from tests.support import new_worker, unique
from tests.support.standalone import (
    LIMIT,
    greet,
    start_greeting,
    until,
)

OPERATOR = "temporal.api.operatorservice.v1.OperatorService"
COLOUR = SearchAttributeKey.for_keyword("HourglassColour")


@dataclass
class Office:
    """Where activities leave word of themselves."""

    left: "asyncio.Queue[activity.Info]" = field(default_factory=asyncio.Queue)

    @activity.defn
    async def sign(self) -> str:
        await self.left.put(activity.info())
        activity.raise_complete_async()


# --- completing from outside -----------------------------------------------------------------

GONE = {"task token": RPCStatusCode.NOT_FOUND, "ids": RPCStatusCode.FAILED_PRECONDITION}
"""How the service refuses to complete one that is closed."""
by_token_and_ids = pytest.mark.parametrize("by", GONE)


def outside(client: Client, info: activity.Info, by: str) -> AsyncActivityHandle:
    if by == "ids":
        return client.get_async_activity_handle(
            activity_id=info.activity_id, run_id=info.activity_run_id
        )
    return client.get_async_activity_handle(task_token=info.task_token)


async def start_signing(client: Client, queue: str, attempts: int = 1) -> ActivityHandle[str]:
    retry_policy = RetryPolicy(
        initial_interval=timedelta(milliseconds=10), maximum_attempts=attempts
    )
    return await client.start_activity_method(
        Office.sign,
        id=unique("signs"),
        task_queue=queue,
        start_to_close_timeout=LIMIT,
        retry_policy=retry_policy,
    )


@by_token_and_ids
async def test_a_standalone_activity_is_completed_from_outside(client: Client, by: str) -> None:
    office = Office()
    async with new_worker(client, activities=[office.sign]) as worker:
        handle = await start_signing(client, worker.task_queue)
        signer = outside(client, await office.left.get(), by)
        await signer.heartbeat("reading")
        await signer.complete("signed")
        assert await handle.result() == "signed"
        with pytest.raises(RPCError) as twice:
            await signer.complete("again")
        assert twice.value.status is GONE[by]


@by_token_and_ids
async def test_a_standalone_activity_is_failed_from_outside_and_tried_again(
    client: Client, by: str
) -> None:
    office = Office()
    async with new_worker(client, activities=[office.sign]) as worker:
        handle = await start_signing(client, worker.task_queue, attempts=2)
        first = outside(client, await office.left.get(), by)
        await first.heartbeat("page 3")
        await first.fail(ApplicationError("no pen"))
        second = await office.left.get()
        assert (second.attempt, list(second.heartbeat_details)) == (2, ["page 3"])
        await outside(client, second, by).fail(ApplicationError("no ink", type="Ink"))
        with pytest.raises(ActivityFailureError) as failure:
            await handle.result()
    cause = failure.value.cause
    assert isinstance(cause, ApplicationError)
    assert (cause.message, cause.type) == ("no ink", "Ink")


@by_token_and_ids
async def test_a_cancelled_standalone_activity_is_told_and_reports_from_outside(
    client: Client, by: str
) -> None:
    office = Office()
    async with new_worker(client, activities=[office.sign]) as worker:
        handle = await start_signing(client, worker.task_queue)
        signer = outside(client, await office.left.get(), by)
        await signer.heartbeat()
        await handle.cancel()
        with pytest.raises(AsyncActivityCancelledError) as told:
            await signer.heartbeat()
        assert told.value.details.cancel_requested
        await signer.report_cancellation("put the pen down")
        with pytest.raises(ActivityFailureError) as failure:
            await handle.result()
    cause = failure.value.cause
    assert isinstance(cause, CancelledError)
    assert list(cause.details) == ["put the pen down"]


# --- finding ---------------------------------------------------------------------------------


async def test_standalone_activities_are_listed_in_pages_and_counted(client: Client) -> None:
    queue = unique("queue")
    ids = {(await start_greeting(client, queue)).id for _ in range(5)}
    query = f"TaskQueue = '{queue}'"

    async def count() -> int:
        return (await client.count_activities(query)).count

    await until(count, 5)
    listed = [found async for found in client.list_activities(query, page_size=2)]
    assert {found.activity_id for found in listed} == ids
    assert {found.activity_type for found in listed} == {"greet"}
    assert {found.status for found in listed} == {ActivityExecutionStatus.RUNNING}
    assert {found.task_queue for found in listed} == {queue}
    assert {found.close_time for found in listed} == {None}
    three = [found async for found in client.list_activities(query, page_size=2, limit=3)]
    assert len(three) == 3
    pages = client.list_activities(query, page_size=4)
    await pages.fetch_next_page()
    assert pages.current_page is not None
    rest = client.list_activities(query, next_page_token=pages.next_page_token)
    found = {one.activity_id for one in pages.current_page}
    assert found | {one.activity_id async for one in rest} == ids
    one = await client.get_activity_handle(listed[0].activity_id).describe()
    assert one.activity_run_id == listed[0].activity_run_id
    assert (await client.count_workflows(query)).count == 0


async def test_standalone_activities_are_found_by_type_id_and_status_and_counted_in_groups(
    client: Client,
) -> None:
    queue = unique("queue")
    open_one = await start_greeting(client, queue)
    ended = await start_greeting(client, queue)
    await ended.terminate()
    query = f"TaskQueue = '{queue}' AND ActivityType = 'greet'"

    async def groups() -> list[Any]:
        counted = await client.count_activities(f"{query} GROUP BY ExecutionStatus")
        return sorted([list(group.group_values), group.count] for group in counted.groups)

    await until(groups, [[["Running"], 1], [["Terminated"], 1]])
    for more, wanted in (
        ("ExecutionStatus = 'Running'", open_one),
        ("ExecutionStatus = 'Terminated'", ended),
        (f"ActivityId = '{ended.id}'", ended),
    ):
        found = [one async for one in client.list_activities(f"{query} AND {more}")]
        assert [one.activity_run_id for one in found] == [wanted.run_id]


async def test_a_query_for_activities_that_can_not_be_read_is_refused(client: Client) -> None:
    with pytest.raises(RPCError) as refused:
        await client.count_activities("Nonsense here")
    assert refused.value.status is RPCStatusCode.INVALID_ARGUMENT


async def test_search_attributes_of_standalone_activities_are_found(target: str) -> None:
    async with await Client.connect(target, search_attributes=[COLOUR]) as client:
        if not target.startswith("sqlite:"):
            declared = {COLOUR.name: int(COLOUR.indexed_value_type)}
            request = {"namespace": "default", "search_attributes": declared}
            await client.connection.call("AddSearchAttributes", request, service=OPERATOR)
        queue = unique("queue")
        red = TypedSearchAttributes([SearchAttributePair(COLOUR, "red")])
        handle = await start_greeting(client, queue, search_attributes=red)
        await start_greeting(client, queue)
        query = f"TaskQueue = '{queue}' AND {COLOUR.name} = 'red'"

        async def found() -> list[str]:
            return [one.activity_id async for one in client.list_activities(query)]

        await until(found, [handle.id])
        assert (await handle.describe()).typed_search_attributes[COLOUR] == "red"


# --- surviving -------------------------------------------------------------------------------


async def test_a_database_keeps_standalone_activities(tmp_path: Path) -> None:
    target, queue = f"sqlite:///{tmp_path / 'activities.db'}", unique("queue")
    async with await Client.connect(target) as client:
        waiting = await start_greeting(client, queue)
        ended = await start_greeting(client, queue)
        await ended.terminate(reason="enough")
    async with await Client.connect(target) as client:
        again = client.get_activity_handle(ended.id, run_id=ended.run_id)
        with pytest.raises(ActivityFailureError) as failure:
            await again.result()
        assert "enough" in str(failure.value.cause)
        async with new_worker(client, activities=[greet], task_queue=queue):
            assert await client.get_activity_handle(waiting.id).result() == "Hello, Ada"
