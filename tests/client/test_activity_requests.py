"""Requests for standalone activities hold what was given; what can't be is refused before."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from hourglass import activity
from hourglass.client import (
    ActivityExecutionOptions,
    ActivityExecutionStatus,
    ActivityOptionsKeys,
    ActivityOptionsUpdate,
    Client,
    PendingActivityState,
    StartActivityInput,
)
from hourglass.client._activity_execution import description_of
from hourglass.client._activity_options import changes, options_of
from hourglass.client._connection import Connection, ConnectionOptions
from hourglass.client._requests import start_activity_execution as start
from hourglass.client._requests.activity_execution import explained
from hourglass.client._service import Service
from hourglass.common import (
    ActivityIDConflictPolicy,
    ActivityIDReusePolicy,
    Priority,
    RetryPolicy,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
)
from hourglass.converter import DataConverter
from hourglass.exceptions import (
    ApplicationError,
    DefinitionError,
    EncodingError,
    InvalidArgumentError,
    RPCError,
    RPCStatusCode,
)

converter = DataConverter.default
payload = converter.payload_converter.to_payload
SECOND = timedelta(seconds=1)
HERE: dict[str, Any] = {"id": "a", "task_queue": "q", "start_to_close_timeout": SECOND}


async def started(*args: Any, **options: Any) -> dict[str, Any]:
    start.check_options({**HERE, **options})
    return await start.request(StartActivityInput("Type", args, **{**HERE, **options}), converter)


async def test_a_plain_start_holds_only_what_it_needs() -> None:
    assert await started() == {
        "activity_id": "a",
        "activity_type": {"name": "Type"},
        "task_queue": {"name": "q"},
        "start_to_close_timeout": SECOND,
        "id_reuse_policy": 1,
        "id_conflict_policy": 1,
    }


async def test_every_option_of_a_start_arrives() -> None:
    attribute = SearchAttributePair(SearchAttributeKey.for_keyword("k"), "v")
    wire = await started(
        1,
        "x",
        schedule_to_close_timeout=2 * SECOND,
        schedule_to_start_timeout=3 * SECOND,
        heartbeat_timeout=4 * SECOND,
        start_delay=5 * SECOND,
        id_reuse_policy=ActivityIDReusePolicy.REJECT_DUPLICATE,
        id_conflict_policy=ActivityIDConflictPolicy.USE_EXISTING,
        retry_policy=RetryPolicy(maximum_attempts=2),
        search_attributes=TypedSearchAttributes([attribute]),
        summary="s",
        priority=Priority(priority_key=2),
    )
    assert wire["input"] == {"payloads": [payload(1), payload("x")]}
    assert wire["schedule_to_close_timeout"] == 2 * SECOND
    assert wire["schedule_to_start_timeout"] == 3 * SECOND
    assert wire["heartbeat_timeout"] == 4 * SECOND
    assert wire["start_delay"] == 5 * SECOND
    assert (wire["id_reuse_policy"], wire["id_conflict_policy"]) == (3, 2)
    assert wire["retry_policy"]["maximum_attempts"] == 2
    assert list(wire["search_attributes"]["indexed_fields"]) == ["k"]
    assert wire["user_metadata"] == {"summary": payload("s")}
    assert wire["priority"] == {"priority_key": 2}


@pytest.mark.parametrize(
    ("options", "error", "culprit"),
    [
        ({"id": ""}, InvalidArgumentError, "id is empty"),
        ({"task_queue": None}, TypeError, "'task_queue'"),
        ({"start_to_close_timeot": SECOND}, TypeError, "start_activity.*'start_to_close_timeot'"),
        ({"start_to_close_timeout": None}, InvalidArgumentError, "'Type' needs start_to_close_t"),
        ({"heartbeat_timeout": 3}, InvalidArgumentError, "heartbeat_timeout has to be a timedelta"),
        ({"start_delay": -SECOND}, InvalidArgumentError, "start_delay is negative"),
        ({"retry_policy": RetryPolicy(backoff_coefficient=0)}, InvalidArgumentError, "backoff"),
    ],
)
async def test_a_bad_option_of_a_start_is_named(
    options: dict[str, Any], error: type[Exception], culprit: str
) -> None:
    with pytest.raises(error, match=culprit):
        await started(**options)


@activity.defn(dynamic=True)
async def anything(args: "list[object]") -> None: ...


async def test_what_can_not_be_started_is_refused_before_anything_is_sent() -> None:
    client: Any = await Client.connect("sqlite://", lazy=True)
    with pytest.raises(DefinitionError, match="started is not an activity"):
        await client.start_activity(started, **HERE)
    with pytest.raises(InvalidArgumentError, match="anything is a dynamic activity"):
        await client.execute_activity(anything, **HERE)
    with pytest.raises(InvalidArgumentError, match="name is empty"):
        await client.start_activity("", **HERE)
    with pytest.raises(EncodingError):
        await client.start_activity("x", object(), **HERE)
    with pytest.raises(InvalidArgumentError, match="not both"):
        await client.start_activity("x", 1, args=[2], **HERE)
    with pytest.raises(InvalidArgumentError, match="activity id is empty"):
        client.get_activity_handle("")
    with pytest.raises(InvalidArgumentError, match="page_size"):
        client.list_activities(page_size=0)


def test_a_taken_id_names_the_run_that_has_it() -> None:
    kind = "temporal.api.errordetails.v1.ActivityExecutionAlreadyStartedFailure"
    status = RPCStatusCode.ALREADY_EXISTS
    refused = RPCError("taken", status, [{"@type": kind, "run_id": "r"}])
    already = start.already_started(refused, "a", "Type")
    assert (already.activity_id, already.activity_type, already.run_id) == ("a", "Type", "r")
    assert "'a'" in str(already)


async def test_a_service_without_standalone_activities_is_named_with_what_helps() -> None:
    connection = Connection(ConnectionOptions("127.0.0.1:7233"))
    service = Service(connection, converter)
    refused = RPCError("unknown method X", RPCStatusCode.UNIMPLEMENTED)
    told = r"127.0.0.1:7233 .*unknown method X.*server"
    with pytest.raises(RPCError, match=told) as found, explained(service):
        raise refused
    assert found.value.status is RPCStatusCode.UNIMPLEMENTED
    assert found.value.cause is None
    other = RPCError("no", RPCStatusCode.NOT_FOUND)
    with pytest.raises(RPCError) as found, explained(service):
        raise other
    assert found.value is other


# --- options ---------------------------------------------------------------------------------


def test_changes_name_what_changes_and_leave_out_what_is_unset() -> None:
    keys = ActivityOptionsKeys
    wire = changes(
        [
            keys.task_queue.value_set("other"),
            keys.heartbeat_timeout.value_unset(),
            keys.retry_policy.value_set(RetryPolicy(maximum_attempts=3)),
            keys.priority.value_set(Priority(priority_key=1)),
            keys.start_delay.value_set(SECOND),
        ]
    )
    assert wire["update_mask"]["paths"] == [
        "task_queue.name",
        "heartbeat_timeout",
        "retry_policy",
        "priority",
        "start_delay",
    ]
    options = wire["activity_options"]
    assert options.pop("retry_policy")["maximum_attempts"] == 3
    assert options == {
        "task_queue": {"name": "other"},
        "priority": {"priority_key": 1},
        "start_delay": SECOND,
    }


@pytest.mark.parametrize(
    ("updates", "culprit"),
    [
        ([], "updates is empty"),
        ([ActivityOptionsKeys.priority.value_unset()] * 2, "priority twice"),
        ([ActivityOptionsKeys.start_delay.value_set(-SECOND)], "start_delay is negative"),
    ],
)
def test_changes_that_can_not_be_are_refused(
    updates: list[ActivityOptionsUpdate[Any]], culprit: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=culprit):
        changes(updates)


def test_options_that_are_not_there_are_none() -> None:
    nothing = ActivityExecutionOptions(None, None, None, None, None, None, None, None)
    assert options_of({}) == nothing
    assert options_of({"activity_options": {"heartbeat_timeout": timedelta(0)}}) == nothing
    found = options_of(
        {
            "activity_options": {
                "task_queue": {"name": "q"},
                "start_to_close_timeout": SECOND,
                "retry_policy": {"maximum_attempts": 2},
                "priority": {"priority_key": 4},
            }
        }
    )
    assert (found.task_queue, found.start_to_close_timeout) == ("q", SECOND)
    assert found.retry_policy is not None
    assert found.retry_policy.maximum_attempts == 2
    assert found.priority == Priority(priority_key=4)


# --- descriptions ----------------------------------------------------------------------------

NOW = datetime(2024, 1, 1, tzinfo=timezone.utc)
INFO = {
    "activity_id": "a",
    "run_id": "r",
    "activity_type": {"name": "Type"},
    "status": 1,
    "run_state": 2,
    "task_queue": "q",
    "schedule_time": NOW,
    "execution_time": NOW,
    "schedule_to_close_timeout": timedelta(0),
    "start_to_close_timeout": SECOND,
    "attempt": 3,
}


async def test_a_description_says_what_the_service_said() -> None:
    described = description_of({"info": INFO}, "default", converter)
    assert (described.activity_id, described.activity_run_id) == ("a", "r")
    assert (described.activity_type, described.task_queue) == ("Type", "q")
    assert described.status is ActivityExecutionStatus.RUNNING
    assert described.run_state is PendingActivityState.STARTED
    assert (described.schedule_time, described.close_time) == (NOW, None)
    assert (described.schedule_to_close_timeout, described.start_to_close_timeout) == (None, SECOND)
    assert (described.attempt, described.total_heartbeat_count) == (3, 0)
    assert (described.priority, described.retry_policy) == (Priority.default, None)


async def test_what_was_not_included_is_none() -> None:
    described = description_of({"info": INFO}, "default", converter)
    assert not described.has_input()
    assert not described.has_result()
    assert not described.has_outcome_failure()
    assert not described.has_heartbeat_details()
    assert not described.has_last_failure()
    assert await described.input() is None
    assert await described.result() is None
    assert await described.outcome_failure() is None
    assert await described.heartbeat_details() is None
    assert await described.last_failure() is None


async def test_what_was_included_is_decoded() -> None:
    failure = await converter.encode_failure(ApplicationError("no", type="No"))
    info = {
        **INFO,
        "heartbeat_details": {"payloads": [payload(7)]},
        "last_failure": failure,
    }
    response = {
        "info": info,
        "input": {"payloads": [payload(1), payload("x")]},
        "outcome": {"result": {"payloads": [payload(9)]}},
    }
    described = description_of(response, "default", converter)
    assert described.has_input()
    assert await described.input([int, str]) == [1, "x"]
    assert described.has_result()
    assert not described.has_outcome_failure()
    assert await described.result(int) == 9
    assert await described.heartbeat_details([int]) == [7]
    last = await described.last_failure()
    assert isinstance(last, ApplicationError)
    assert last.type == "No"
    failed = description_of({"info": info, "outcome": {"failure": failure}}, "default", converter)
    assert failed.has_outcome_failure()
    assert isinstance(await failed.outcome_failure(), ApplicationError)
