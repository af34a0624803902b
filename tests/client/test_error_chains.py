"""Errors of calls: no cycle among their causes, and each thing said once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from hourglass import _bridge
from hourglass.client import (
    ActivityAlreadyStartedError,
    ActivityOptionsKeys,
    Client,
    RPCError,
    RPCStatusCode,
    StartWorkflowInput,
    WithStartWorkflowOperation,
    WorkflowAlreadyStartedError,
    WorkflowHistory,
    WorkflowUpdateStage,
)
from hourglass.client import _connection as connections
from hourglass.common import WorkflowIDConflictPolicy
from hourglass.exceptions import ApplicationError, TemporalError
from tests.support import unique

SECOND = timedelta(seconds=1)
HERE: Any = {"id": "i", "task_queue": "q"}
LIMITED: Any = {**HERE, "start_to_close_timeout": SECOND}
TEXT = "the service said why"
Call = Callable[[Client], Awaitable[object]]


def assert_no_cycle(error: BaseException, *above: BaseException) -> None:
    """Walk along every cause and context; none may come back to an error on its way."""
    assert all(error is not one for one in above), f"{above[0]!r} has a cycle at {error!r}"
    for following in (error.__cause__, error.__context__):
        if following is not None:
            assert_no_cycle(following, *above, error)


def shown(error: BaseException) -> list[str]:
    """The texts that a traceback shows, the last first."""
    texts = [str(error)]
    following = error.__cause__
    if following is None and not error.__suppress_context__:
        following = error.__context__
    return texts if following is None else texts + shown(following)


def with_start(client: Client, **options: Any) -> Awaitable[object]:
    operation: Any = WithStartWorkflowOperation(
        "W", id_conflict_policy=WorkflowIDConflictPolicy.FAIL, **HERE
    )
    return client.execute_update_with_start_workflow(
        "u", start_workflow_operation=operation, **options
    )


async def first(iterator: Any) -> None:
    async for _ in iterator:
        return


def of_workflow(name: str, *args: Any, **options: Any) -> Call:
    return lambda client: getattr(client.get_workflow_handle("i"), name)(*args, **options)


def of_activity(name: str, *args: Any, **options: Any) -> Call:
    return lambda client: getattr(client.get_activity_handle("i"), name)(*args, **options)


def of_task(name: str, *args: Any) -> Call:
    return lambda client: getattr(client.get_async_activity_handle(task_token=b"t"), name)(*args)


LIMIT: Any = {"rpc_timeout": SECOND / 10}
CALLS: dict[str, Call] = {
    "start": lambda client: client.start_workflow("W", **HERE),
    "execute": lambda client: client.execute_workflow("W", **HERE),
    "signal with start": lambda client: client.start_workflow("W", start_signal="s", **HERE),
    "update with start": lambda client: with_start(client, **LIMIT),
    "result": of_workflow("result", **LIMIT),
    "cancel": of_workflow("cancel"),
    "terminate": of_workflow("terminate"),
    "describe": of_workflow("describe"),
    "history": of_workflow("fetch_history", skip_archival=True),
    "events": lambda client: first(client.get_workflow_handle("i").fetch_history_events()),
    "signal": of_workflow("signal", "s"),
    "query": of_workflow("query", "q"),
    "execute update": of_workflow("execute_update", "u", **LIMIT),
    "start update": of_workflow(
        "start_update", "u", wait_for_stage=WorkflowUpdateStage.ACCEPTED, **LIMIT
    ),
    "update result": lambda client: (
        client.get_workflow_handle("i").get_update_handle("u").result(**LIMIT)
    ),
    "list": lambda client: first(client.list_workflows()),
    "count": lambda client: client.count_workflows(),
    "start activity": lambda client: client.start_activity("a", **LIMITED),
    "activity result": of_activity("result", **LIMIT),
    "cancel activity": of_activity("cancel"),
    "terminate activity": of_activity("terminate"),
    "describe activity": of_activity("describe"),
    "pause activity": of_activity("pause"),
    "unpause activity": of_activity("unpause"),
    "change activity": of_activity(
        "update_options", [ActivityOptionsKeys.start_delay.value_set(SECOND)]
    ),
    "restore activity": of_activity("restore_original_options"),
    "list activities": lambda client: first(client.list_activities()),
    "count activities": lambda client: client.count_activities(),
    "heartbeat": of_task("heartbeat"),
    "complete": of_task("complete"),
    "fail": of_task("fail", ApplicationError("x")),
    "report cancellation": of_task("report_cancellation"),
    "raw": lambda client: client.connection.call("GetSystemInfo", {}),
}


class Refusing:
    """A native client that refuses every call."""

    def __init__(self, error: _bridge.BridgeError) -> None:
        self._error = error
        self.epoch = None

    def call(self, *_args: Any, **_options: Any) -> Any:
        raise self._error


@pytest.fixture
async def refused(monkeypatch: pytest.MonkeyPatch) -> Callable[[Call, Any], Awaitable[Exception]]:
    """Make a call that a native client refuses; the error it raises."""

    async def refuse(call: Call, error: Any) -> Exception:
        client = await Client.connect("127.0.0.1:1", lazy=True)
        monkeypatch.setattr(
            connections.Connection, "connected", property(lambda _: Refusing(error))
        )
        with pytest.raises(TemporalError) as found:
            await call(client)
        return found.value

    return refuse


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
async def test_a_refused_call_raises_no_cycle_and_says_why_once(
    call: Call, refused: Callable[[Call, Any], Awaitable[Exception]]
) -> None:
    for status in RPCStatusCode:
        if status is RPCStatusCode.OK:
            continue
        error = await refused(call, _bridge.BridgeError("rpc", TEXT, int(status)))
        assert_no_cycle(error)
        texts = shown(error)
        taken = isinstance(error, (WorkflowAlreadyStartedError, ActivityAlreadyStartedError))
        said = "already started: 'i'" if taken else TEXT
        assert sum(said in text for text in texts) == 1, texts
        assert len(set(texts)) == len(texts), texts


KINDS = ("bad_argument", "cancelled", "connect", "database", "internal", "shutdown", "timeout")


@pytest.mark.parametrize("kind", KINDS)
async def test_an_error_of_any_kind_is_said_once(
    kind: Any, refused: Callable[[Call, Any], Awaitable[Exception]]
) -> None:
    for call in CALLS.values():
        error = await refused(call, _bridge.BridgeError(kind, TEXT))
        assert_no_cycle(error)
        assert shown(error) == [TEXT]


async def test_a_start_that_is_refused_is_not_its_own_cause(client: Client) -> None:
    """The smallest case: a schedule that can't be read."""
    with pytest.raises(RPCError) as refused:
        await client.start_workflow(
            "W", id=unique("cron"), task_queue=unique("queue"), cron_schedule="hello"
        )
    assert refused.value.__cause__ is None
    assert len(shown(refused.value)) == 1
    assert_no_cycle(refused.value)


async def test_a_taken_id_is_said_once(client: Client) -> None:
    id_, queue = unique("taken"), unique("queue")
    handle = await client.start_workflow("W", id=id_, task_queue=queue)
    options: Any = {"id": id_, "task_queue": queue}
    policy = WorkflowIDConflictPolicy.FAIL
    operation: Any = WithStartWorkflowOperation("W", id_conflict_policy=policy, **options)
    for again in (
        client.start_workflow("W", **options),
        client.execute_update_with_start_workflow("u", start_workflow_operation=operation),
    ):
        with pytest.raises(WorkflowAlreadyStartedError) as taken:
            await again
        assert len(shown(taken.value)) == 1
        assert_no_cycle(taken.value)
        assert taken.value.run_id == handle.first_execution_run_id
    await handle.terminate()


def test_a_malformed_history_says_why_once() -> None:
    with pytest.raises(TemporalError) as refused:
        WorkflowHistory.from_json("w", "{")
    assert len(shown(refused.value)) == 1


def test_inputs_are_compared_and_shown_by_their_fields() -> None:
    one, other = StartWorkflowInput("W", [1], **HERE), StartWorkflowInput("W", [1], **HERE)
    assert one == other
    other.task_queue = "other"
    assert one != other
    assert "task_queue='other'" in repr(other)
