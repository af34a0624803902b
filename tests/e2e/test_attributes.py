"""Memo and search attributes: given at the start, changed by the workflow, found by queries."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from hourglass import workflow
from hourglass.client import Client
from hourglass.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from hourglass.service import RPCError, RPCStatusCode
from tests.support import START, AnyHandle, event_types, new_worker, unique

KEYWORD = SearchAttributeKey.for_keyword("CustomKeywordField")
NUMBER = SearchAttributeKey.for_int("CustomIntField")


@pytest.fixture
async def attributes(client: Client, embedded: bool) -> None:
    """Have the namespace know the two search attributes; the embedded engine takes any."""
    if embedded:
        return
    request = {
        "namespace": "default",
        "search_attributes": {KEYWORD.name: 2, NUMBER.name: 3},
    }
    native = await client.connection.native()
    operation = native.call(
        "AddSearchAttributes",
        request,
        service="temporal.api.operatorservice.v1.OperatorService",
    )
    try:
        await asyncio.to_thread(operation.wait, 20)
    except Exception as error:
        assert "already exist" in str(error)


def start_values(word: str, number: int) -> TypedSearchAttributes:
    return TypedSearchAttributes(
        [SearchAttributePair(KEYWORD, word), SearchAttributePair(NUMBER, number)]
    )


@workflow.defn
class Changes:
    @workflow.run
    async def run(self) -> list[Any]:
        info = workflow.info()
        before = [dict(workflow.memo()), info.typed_search_attributes.get(NUMBER)]
        workflow.upsert_memo({"a": None, "c": 3})
        workflow.upsert_search_attributes([NUMBER.value_set(7), KEYWORD.value_unset()])
        return [*before, dict(workflow.memo())]


@pytest.mark.usefixtures("attributes")
async def test_memo_and_search_attributes_are_given_changed_and_described(client: Client) -> None:
    async with new_worker(client, Changes) as worker:
        handle = await client.start_workflow(
            Changes.run,
            id=unique("attributes"),
            task_queue=worker.task_queue,
            memo={"a": 1, "b": 2},
            search_attributes=start_values("red", 3),
        )
        assert await handle.result() == [{"a": 1, "b": 2}, 3, {"b": 2, "c": 3}]
        assert await event_types(handle) == [
            *START,
            "WorkflowPropertiesModified",
            "UpsertWorkflowSearchAttributes",
            "WorkflowExecutionCompleted",
        ]
        described = await handle.describe()
        assert await described.memo() == {"b": 2, "c": 3}
        assert described.typed_search_attributes.get(NUMBER) == 7
        assert KEYWORD not in described.typed_search_attributes


async def test_search_attributes_nobody_declared_are_refused_where_they_are_declared(
    client: Client, embedded: bool
) -> None:
    """A server has them declared; the embedded engine takes any, and says so in `describe`."""
    unknown = SearchAttributeKey.for_keyword(unique("Unknown").replace("-", ""))
    given = TypedSearchAttributes([SearchAttributePair(unknown, "x")])

    async def start() -> AnyHandle:
        return await client.start_workflow(
            "Any",
            id=unique("attributes"),
            task_queue=unique("queue"),
            search_attributes=given,
        )

    if embedded:
        described = await (await start()).describe()
        assert described.typed_search_attributes.get(unknown) == "x"
        return
    with pytest.raises(RPCError) as refused:
        await start()
    assert refused.value.status is RPCStatusCode.INVALID_ARGUMENT
    assert unknown.name in refused.value.message


@workflow.defn
class Ends:
    @workflow.run
    async def run(self) -> None: ...


async def until(found: Callable[[], Any], wanted: Any) -> None:
    """Wait until an index that lags behind has caught up; the deadline of the test is the limit."""
    while (await found()) != wanted:  # noqa: ASYNC110 - an index has no event for being up to date
        await asyncio.sleep(0.1)


async def test_workflows_are_listed_in_pages_and_counted(client: Client) -> None:
    async with new_worker(client, Ends) as worker:
        name, queue = unique("list"), worker.task_queue
        for number in range(5):
            await client.execute_workflow(Ends.run, id=f"{name}-{number}", task_queue=queue)
        query = f"WorkflowId STARTS_WITH '{name}'"

        async def count() -> int:
            return (await client.count_workflows(query)).count

        await until(count, 5)
        listed = [found async for found in client.list_workflows(query, page_size=2)]
        assert sorted(found.id for found in listed) == [f"{name}-{n}" for n in range(5)]
        assert {found.workflow_type for found in listed} == {"Ends"}
        three = [found.id async for found in client.list_workflows(query, page_size=2, limit=3)]
        assert len(three) == 3
        pages = client.list_workflows(query, page_size=4)
        await pages.fetch_next_page()
        assert pages.current_page is not None
        rest = client.list_workflows(query, next_page_token=pages.next_page_token)
        found = {one.id for one in pages.current_page} | {one.id async for one in rest}
        assert len(found) == 5
        histories = [one async for one in client.list_workflows(query, limit=2).map_histories()]
        assert [len(history.events) for history in histories] == [5, 5]


async def test_workflows_are_counted_in_groups(client: Client) -> None:
    async with new_worker(client, Ends) as worker:
        name = unique("count")
        for number in range(2):
            await client.execute_workflow(
                Ends.run, id=f"{name}-{number}", task_queue=worker.task_queue
            )
        query = f"WorkflowId STARTS_WITH '{name}' GROUP BY ExecutionStatus"

        async def groups() -> list[Any]:
            counted = await client.count_workflows(query)
            return [[group.count, list(group.group_values)] for group in counted.groups]

        await until(groups, [[2, ["Completed"]]])


async def test_a_query_that_can_not_be_read_is_refused(client: Client) -> None:
    with pytest.raises(RPCError) as refused:
        await client.count_workflows("Nonsense here")
    assert refused.value.status is RPCStatusCode.INVALID_ARGUMENT
    with pytest.raises(RPCError) as refused:
        _ = [found async for found in client.list_workflows("Nonsense here")]
    assert refused.value.status is RPCStatusCode.INVALID_ARGUMENT
