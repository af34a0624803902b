"""Calls that can't be made raise what the convention's raise, before anything is sent."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from hourglass import workflow
from hourglass.client import (
    Client,
    StartWorkflowInput,
    WithStartWorkflowOperation,
    WorkflowHandle,
    WorkflowUpdateStage,
)
from hourglass.client._requests import start_workflow_execution as start
from hourglass.common import Priority, RawValue, WorkflowIDConflictPolicy
from hourglass.converter import DataConverter
from hourglass.exceptions import InvalidArgumentError, TemporalError

HERE: Any = {"id": "i", "task_queue": "q"}
FAIL = WorkflowIDConflictPolicy.FAIL
Calls = Callable[[Any, Any], Any]


class Undecorated:
    async def run(self) -> None: ...
    def handler(self) -> None: ...


@workflow.defn
class Decorated:
    @workflow.run
    async def run(self) -> None: ...

    @workflow.query
    def state(self) -> int:
        return 1

    @workflow.signal(dynamic=True)
    def anything(self, name: str, args: Sequence[RawValue]) -> None: ...


def started(**options: Any) -> Calls:
    return lambda client, _: client.start_workflow("W", **{**HERE, **options})


def attributes(values: Any) -> Calls:
    return started(search_attributes=values)


MISUSE: list[tuple[str, type[Exception], str, Calls]] = [
    ("a number is no workflow", TypeError, "5", lambda c, _: c.start_workflow(5, **HERE)),
    (
        "an undecorated workflow",
        ValueError,
        "Undecorated.run",
        lambda c, _: c.start_workflow(Undecorated.run, **HERE),
    ),
    ("no id", TypeError, "'id'", lambda c, _: c.start_workflow("W", task_queue="q")),
    ("no text as an id", TypeError, "'id'", started(id=5)),
    ("one argument and several", ValueError, "both", started(arg=1, args=[2])),
    ("an unknown keyword", TypeError, "'idd'", started(idd=1)),
    ("an argument without an encoding", TypeError, "object", started(arg=object())),
    ("a timeout that is a number", TypeError, "run_timeout", started(run_timeout=3)),
    ("a timeout that is a text", TypeError, "start_delay", started(start_delay="3")),
    ("a retry policy of another type", TypeError, "retry_policy", started(retry_policy={"a": 1})),
    ("a memo that is a list", TypeError, "memo", started(memo=[1])),
    ("a schedule that is a number", TypeError, "cron_schedule", started(cron_schedule=5)),
    ("no text as a summary", TypeError, "static_summary", started(static_summary=5)),
    ("no text as details", TypeError, "static_details", started(static_details=b"x")),
    ("a policy that is none", TypeError, "id_reuse_policy", started(id_reuse_policy=None)),
    ("a policy of no meaning", ValueError, "id_conflict_policy", started(id_conflict_policy=9)),
    ("a priority that is a number", TypeError, "priority", started(priority=3)),
    ("search attributes in a list", TypeError, "search_attributes", attributes([1])),
    ("a search attribute without a list", TypeError, "'a'.*'x'", attributes({"a": "x"})),
    ("a search attribute of two types", TypeError, "'a'.*several", attributes({"a": ["x", 1]})),
    ("a search attribute of no type", TypeError, "'a'.*no str", attributes({"a": [object()]})),
    ("an undecorated signal", RuntimeError, "handler", lambda _, h: h.signal(Undecorated.handler)),
    ("a query as a signal", RuntimeError, "state", lambda _, h: h.signal(Decorated.state)),
    ("a dynamic signal", RuntimeError, "anything", lambda _, h: h.signal(Decorated.anything)),
    ("an undecorated query", RuntimeError, "handler", lambda _, h: h.query(Undecorated.handler)),
    (
        "an undecorated update",
        RuntimeError,
        "handler",
        lambda _, h: h.execute_update(Undecorated.handler),
    ),
    (
        "an update to wait for admission",
        ValueError,
        "ADMITTED",
        lambda _, h: h.start_update("u", wait_for_stage=WorkflowUpdateStage.ADMITTED),
    ),
    ("an update without a stage", TypeError, "wait_for_stage", lambda _, h: h.start_update("u")),
    (
        "no reference to an activity",
        ValueError,
        "task_token",
        lambda c, _: c.get_async_activity_handle(),
    ),
    (
        "a start with an update and no policy",
        TypeError,
        "id_conflict_policy",
        lambda _c, _h: WithStartWorkflowOperation("W", **HERE),
    ),
    (
        "a start with an update and a signal",
        TypeError,
        "start_signal",
        lambda _c, _h: WithStartWorkflowOperation(
            "W", id_conflict_policy=FAIL, start_signal="s", **HERE
        ),
    ),
    ("a priority in fractions", TypeError, "1.1", lambda _c, _h: Priority(1.1)),  # type: ignore[arg-type]
    ("a priority that is a text", TypeError, "'1'", lambda _c, _h: Priority("1")),  # type: ignore[arg-type]
    ("a priority of zero", ValueError, "at least 1", lambda _c, _h: Priority(0)),
    ("arguments that are a number", TypeError, "args", started(args=5)),
    ("a text that is no UTF-8", ValueError, "cron_schedule", started(cron_schedule="\ud800")),
    (
        "a token that is a text",
        TypeError,
        "task_token",
        lambda c, _: c.get_async_activity_handle(task_token="t"),
    ),
    ("a page of no number", TypeError, "page_size", lambda c, _: c.list_workflows(page_size="9")),
    ("a page of nothing", ValueError, "page_size", lambda c, _: c.list_activities(page_size=0)),
    ("a list of no number", TypeError, "limit", lambda c, _: c.list_workflows(limit="9")),
    ("headers in a list", TypeError, "rpc_metadata", lambda _, h: h.describe(rpc_metadata=[1])),
    ("a header that is a number", TypeError, "'a'", lambda _, h: h.describe(rpc_metadata={"a": 1})),
    (
        "a header with an umlaut",
        ValueError,
        "'a'",
        lambda _, h: h.describe(rpc_metadata={"a": "ä"}),
    ),
    (
        "a condition that is a text",
        TypeError,
        "reject_condition",
        lambda _, h: h.query("q", reject_condition="x"),
    ),
    (
        "a stage that is a text",
        TypeError,
        "wait_for_stage",
        lambda _, h: h.start_update("u", wait_for_stage="x"),
    ),
    (
        "a namespace that is a number",
        TypeError,
        "namespace",
        lambda _c, _h: Client.connect("host:1", namespace=5, lazy=True),  # type: ignore[arg-type]
    ),
    (
        "an identity that is no UTF-8",
        ValueError,
        "identity",
        lambda _c, _h: Client.connect("host:1", identity="\ud800", lazy=True),
    ),
    ("a limit that is a number", TypeError, "rpc_timeout", lambda _, h: h.describe(rpc_timeout=3)),
]


@pytest.mark.filterwarnings("ignore:search attributes as a dictionary:DeprecationWarning")
@pytest.mark.parametrize(
    ("kind", "culprit", "call"), [m[1:] for m in MISUSE], ids=[m[0] for m in MISUSE]
)
async def test_misuse_is_an_error_of_the_conventions_class_that_names_the_culprit(
    kind: type[Exception], culprit: str, call: Calls
) -> None:
    client = await Client.connect("127.0.0.1:1", lazy=True)
    handle: WorkflowHandle[Any, Any] = client.get_workflow_handle("w")
    with pytest.raises(kind, match=culprit) as refused:
        result = call(client, handle)
        if inspect.isawaitable(result):
            await result
    # Of ours too, but for what Python itself refuses.
    assert isinstance(refused.value, (TemporalError, TypeError))


async def test_a_priority_that_is_none_is_the_default() -> None:
    options: Any = {**HERE, "priority": None}
    wire = await start.request(StartWorkflowInput("W", (), **options), DataConverter.default)
    assert "priority" not in wire


async def test_a_value_of_another_type_is_refused_as_an_argument_of_ours() -> None:
    client: Any = await Client.connect("127.0.0.1:1", lazy=True)
    with pytest.raises(InvalidArgumentError):
        await client.start_workflow("W", run_timeout=3, **HERE)
