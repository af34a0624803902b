"""Memo and search attributes of the running workflow: read, changed, seen at once."""

from __future__ import annotations

from typing import Any

from hourglass import workflow
from hourglass._bridge import ContinueAsNewWorkflowExecution, OtherCommand
from hourglass.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from hourglass.exceptions import EncodingError, InvalidArgumentError
from tests.workflow.harness import Run, names, payload, query, result_of, value

COLOR = SearchAttributeKey.for_keyword("Color")
COUNT = SearchAttributeKey.for_int("Count")
AT_START: dict[str, Any] = {
    "memo": {"fields": {"a": payload(1), "b": payload("two")}},
    "search_attributes": TypedSearchAttributes([SearchAttributePair(COUNT, 3)]).to_wire(),
}


@workflow.defn
class Changes:
    @workflow.query
    def meddle(self) -> None:
        workflow.upsert_memo({"a": 2})

    @workflow.run
    async def run(self) -> list[Any]:
        before = [dict(workflow.memo()), workflow.info().typed_search_attributes[COUNT]]
        workflow.upsert_memo({"a": None, "c": [3]})
        workflow.upsert_search_attributes([COLOR.value_set("red"), COUNT.value_unset()])
        workflow.upsert_memo({})
        workflow.upsert_search_attributes([])
        found = workflow.info().typed_search_attributes
        return [
            *before,
            dict(workflow.memo()),
            workflow.memo_value("c", type_hint=list[int]),
            workflow.memo_value("a", "gone"),
            found.get(COLOR),
            found.get(COUNT),
        ]


def test_changes_are_commands_and_seen_at_once() -> None:
    completion = Run(Changes, info=AT_START).start()
    memo, attributes, _ = completion.commands
    assert isinstance(memo, OtherCommand)
    assert isinstance(attributes, OtherCommand)
    fields = memo.fields["upserted_memo"]["fields"]
    assert (memo.variant, value(fields["a"]), value(fields["c"])) == (
        "modify_workflow_properties",
        None,
        [3],
    )
    indexed = attributes.fields["search_attributes"]["indexed_fields"]
    assert attributes.variant == "upsert_workflow_search_attributes"
    assert (indexed["Color"].data, indexed["Count"].data) == (b'"red"', b"")
    assert indexed["Count"].metadata["type"] == b"Int"
    before, count, after, *rest = result_of(completion)
    assert (before, count) == ({"a": 1, "b": "two"}, 3)
    assert after == {"b": "two", "c": [3]}
    assert rest == [[3], "gone", "red", None]


def test_a_query_can_not_change_them() -> None:
    run = Run(Changes, info=AT_START)
    run.start()
    [answer] = run.send(query("meddle")).commands
    failure: Any = getattr(answer, "failure", None)
    assert failure["application_failure_info"]["type"] == "ReadOnlyContextError"


@workflow.defn
class Wrong:
    @workflow.run
    async def run(self) -> list[str]:
        found: list[str] = []
        bad: Any = COUNT.value_set("three")  # type: ignore[arg-type]
        try:
            workflow.upsert_search_attributes([COLOR.value_set("red"), bad])
        except InvalidArgumentError as error:
            found.append(str(error))
        try:
            workflow.upsert_memo({"a": 1, "b": object()})
        except EncodingError as error:
            found.append(str(error))
        assert not workflow.memo()
        assert not workflow.info().typed_search_attributes
        return found


def test_what_does_not_fit_changes_nothing() -> None:
    completion = Run(Wrong).start()
    assert names(completion) == ["CompleteWorkflowExecution"]
    attribute, memo = result_of(completion)
    assert "'Count' is a INT" in attribute
    assert "object" in memo


@workflow.defn
class Passes:
    @workflow.run
    async def run(self) -> None:
        attributes = TypedSearchAttributes([SearchAttributePair(COLOR, "red")])
        try:
            await workflow.start_child_workflow(
                "Child", id="c", search_attributes=attributes, static_details="long"
            )
        finally:
            workflow.continue_as_new(search_attributes=attributes)


def test_children_and_the_next_run_get_them() -> None:
    run = Run(Passes)
    [child] = run.start().commands
    assert isinstance(child, OtherCommand)
    wanted = TypedSearchAttributes([SearchAttributePair(COLOR, "red")]).to_wire()
    assert child.fields["search_attributes"] == wanted
    assert value(child.details) == "long"


def test_a_run_that_continues_as_new_can_change_them() -> None:
    @workflow.defn
    class Continues:
        @workflow.run
        async def run(self) -> None:
            attributes = TypedSearchAttributes([SearchAttributePair(COLOR, "red")])
            workflow.continue_as_new(search_attributes=attributes)

    [command] = Run(Continues).start().commands
    assert isinstance(command, ContinueAsNewWorkflowExecution)
    assert command.fields["search_attributes"]["indexed_fields"]["Color"].data == b'"red"'
