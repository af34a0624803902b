"""Memo and search attributes: given at the start, changed by the workflow, found by queries."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from hourglass import workflow
from hourglass.client import Client
from hourglass.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from hourglass.exceptions import InvalidArgumentError
from hourglass.service import RPCError, RPCStatusCode
from tests.support import START, event_types, new_worker, unique

KEYWORD = SearchAttributeKey.for_keyword("CustomKeywordField")
NUMBER = SearchAttributeKey.for_int("CustomIntField")


KEYS: list[SearchAttributeKey[Any]] = [KEYWORD, NUMBER]
OPERATOR = "temporal.api.operatorservice.v1.OperatorService"


@pytest.fixture
async def client(target: str, embedded: bool) -> AsyncIterator[Client]:
    """Connect a client whose namespace knows the two search attributes."""
    async with await Client.connect(target, search_attributes=KEYS) as client:
        if not embedded:
            known = {key.name: int(key.indexed_value_type) for key in KEYS}
            request = {"namespace": "default", "search_attributes": known}
            await client.connection.use(
                "add", lambda native: native.call("AddSearchAttributes", request, service=OPERATOR)
            )
        yield client


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


async def test_search_attributes_nobody_declared_are_refused(client: Client) -> None:
    unknown = SearchAttributeKey.for_keyword(unique("Unknown").replace("-", ""))
    with pytest.raises(RPCError, match="no mapping defined") as refused:
        await client.start_workflow(
            "Any",
            id=unique("attributes"),
            task_queue=unique("queue"),
            search_attributes=TypedSearchAttributes([SearchAttributePair(unknown, "x")]),
        )
    assert refused.value.status is RPCStatusCode.INVALID_ARGUMENT
    assert unknown.name in refused.value.message


async def test_search_attributes_may_be_a_dictionary_and_warn(client: Client) -> None:
    """The deprecated form: lists of values, of which the service knows the types."""
    given: dict[str, list[Any]] = {KEYWORD.name: ["red"], NUMBER.name: [3]}
    with pytest.warns(DeprecationWarning, match="TypedSearchAttributes"):
        handle = await client.start_workflow(
            "Any", id=unique("dictionary"), task_queue=unique("queue"), search_attributes=given
        )
    described = await handle.describe()
    assert described.typed_search_attributes == start_values("red", 3)
    await handle.terminate()


@workflow.defn
class Passes:
    """Gives a child, and the run that goes on, attributes in the deprecated form."""

    @workflow.run
    async def run(self, goes_on: bool) -> None:
        given: Any = {KEYWORD.name: ["red"], NUMBER.name: [3]}
        with pytest.warns(DeprecationWarning, match="TypedSearchAttributes"):
            if goes_on:
                workflow.continue_as_new(False, search_attributes=given)
            await workflow.start_child_workflow(
                "Any",
                id=f"{workflow.info().workflow_id}-child",
                task_queue="nobody",
                search_attributes=given,
            )


async def test_a_workflow_may_give_search_attributes_as_a_dictionary(client: Client) -> None:
    async with new_worker(client, Passes) as worker:
        handle = await client.start_workflow(
            Passes.run, True, id=unique("passes"), task_queue=worker.task_queue
        )
        await handle.result()
    for id_ in (handle.id, f"{handle.id}-child"):
        found = (await client.get_workflow_handle(id_).describe()).typed_search_attributes
        assert (found[KEYWORD], found[NUMBER]) == ("red", 3)


async def test_a_database_keeps_what_was_declared(tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path / 'attributes.db'}"
    given = start_values("red", 3)
    async with await Client.connect(target, search_attributes=[KEYWORD, NUMBER]):
        pass
    async with await Client.connect(target) as client:
        await client.start_workflow("Any", id="w", task_queue="q", search_attributes=given)
        query = f"`{KEYWORD.name}` = 'red' AND {NUMBER.name} BETWEEN 1 AND 3"
        assert [found.id async for found in client.list_workflows(query)] == ["w"]
    other = SearchAttributeKey.for_int(KEYWORD.name)
    with pytest.raises(InvalidArgumentError, match="holds KEYWORD, not INT"):
        await Client.connect(target, search_attributes=[other])


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
