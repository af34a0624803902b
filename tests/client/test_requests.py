"""Requests hold what was given, nothing else; what can't be is refused before anything is sent."""

from datetime import timedelta
from typing import Any

import pytest

from hourglass.client import (
    StartWorkflowInput,
    WorkflowContinuedAsNewError,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from hourglass.client._requests import (
    get_workflow_execution_history,
    query_workflow,
    request_cancel_workflow_execution,
    signal_workflow_execution,
    terminate_workflow_execution,
)
from hourglass.client._requests import start_workflow_execution as start
from hourglass.client._requests._parts import UNSET, arguments
from hourglass.client._workflow_execution import description_of
from hourglass.common import (
    Priority,
    QueryRejectCondition,
    RetryPolicy,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from hourglass.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes
from hourglass.exceptions import (
    ApplicationError,
    CancelledError,
    EncodingError,
    InternalError,
    InvalidArgumentError,
    RPCError,
    RPCStatusCode,
    TerminatedError,
    TimeoutError,  # noqa: A004
    WorkflowAlreadyStartedError,
)

converter = DataConverter.default
payload = converter.payload_converter.to_payload
HERE: dict[str, Any] = {"id": "w", "task_queue": "q"}


async def started(*args: Any, **options: Any) -> dict[str, Any]:
    start.check_options({**HERE, **options})
    return await start.request(StartWorkflowInput("Type", args, **{**HERE, **options}), converter)


async def test_a_plain_start_holds_only_what_it_needs() -> None:
    assert await started() == {
        "workflow_id": "w",
        "workflow_type": {"name": "Type"},
        "task_queue": {"name": "q"},
        "workflow_id_reuse_policy": 1,
    }


async def test_every_option_of_a_start_arrives() -> None:
    second = timedelta(seconds=1)
    wire = await started(
        1,
        execution_timeout=second,
        run_timeout=2 * second,
        task_timeout=3 * second,
        start_delay=4 * second,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        retry_policy=RetryPolicy(maximum_attempts=2),
        cron_schedule="* * * * *",
        memo={"a": 1},
        static_summary="s",
        static_details="d",
        start_signal="go",
        start_signal_args=[2],
        request_id="r",
        priority=Priority(priority_key=2),
    )
    assert wire["input"] == {"payloads": [payload(1)]}
    assert wire["workflow_execution_timeout"] == second
    assert wire["workflow_run_timeout"] == 2 * second
    assert wire["workflow_task_timeout"] == 3 * second
    assert wire["workflow_start_delay"] == 4 * second
    assert (wire["workflow_id_reuse_policy"], wire["workflow_id_conflict_policy"]) == (3, 2)
    assert wire["retry_policy"]["maximum_attempts"] == 2
    assert wire["cron_schedule"] == "* * * * *"
    assert wire["memo"] == {"fields": {"a": payload(1)}}
    assert wire["user_metadata"] == {"summary": payload("s"), "details": payload("d")}
    assert (wire["signal_name"], wire["request_id"]) == ("go", "r")
    assert wire["signal_input"] == {"payloads": [payload(2)]}
    assert wire["priority"] == {"priority_key": 2}


@pytest.mark.parametrize(
    ("options", "error", "culprit"),
    [
        ({"id": ""}, InvalidArgumentError, "id is empty"),
        ({"task_queue": ""}, InvalidArgumentError, "task_queue is empty"),
        ({"id": None}, TypeError, "'id'"),
        ({"memmo": {}}, TypeError, "'memmo'"),
        ({"run_timeout": timedelta(seconds=-1)}, InvalidArgumentError, "run_timeout"),
        ({"run_timeout": 3}, InvalidArgumentError, "run_timeout has to be a timedelta"),
        ({"start_signal_args": [1]}, InvalidArgumentError, "start_signal_args"),
        ({"memo": {"a": object()}}, EncodingError, "type object"),
    ],
)
async def test_a_bad_option_of_a_start_is_named(
    options: dict[str, Any], error: type[Exception], culprit: str
) -> None:
    with pytest.raises(error, match=culprit):
        await started(**options)


def test_a_taken_id_names_the_run_that_has_it() -> None:
    detail = {"@type": "x/temporal.WorkflowExecutionAlreadyStartedFailure", "run_id": "r"}
    refused = RPCError("taken", RPCStatusCode.ALREADY_EXISTS, [detail])
    error = start.error(refused, "w", "Type")
    assert isinstance(error, WorkflowAlreadyStartedError)
    assert (error.workflow_id, error.workflow_type, error.run_id) == ("w", "Type", "r")
    other = RPCError("no", RPCStatusCode.NOT_FOUND)
    assert start.error(other, "w", "Type") is None


def test_arguments_come_one_way_or_the_other() -> None:
    assert list(arguments(UNSET, [1, 2])) == [1, 2]
    assert list(arguments(None, ())) == [None]
    with pytest.raises(InvalidArgumentError, match="not both"):
        arguments(1, [2])
    with pytest.raises(InvalidArgumentError, match="list of arguments"):
        arguments(UNSET, "text")


async def test_the_other_requests_hold_what_was_given() -> None:
    execution = {"workflow_id": "w", "run_id": "r"}
    assert await signal_workflow_execution.request("w", "r", "s", [1], converter) == {
        "workflow_execution": execution,
        "signal_name": "s",
        "input": {"payloads": [payload(1)]},
    }
    assert request_cancel_workflow_execution.request("w", "r", "f", "why") == {
        "workflow_execution": execution,
        "first_execution_run_id": "f",
        "reason": "why",
    }
    assert await terminate_workflow_execution.request(
        "w", "r", first_execution_run_id=None, reason=None, details=[1], converter=converter
    ) == {"workflow_execution": execution, "details": {"payloads": [payload(1)]}}
    assert await query_workflow.request(
        "w",
        None,
        "q",
        args=[],
        reject_condition=QueryRejectCondition.NOT_OPEN,
        converter=converter,
    ) == {
        "execution": {"workflow_id": "w", "run_id": ""},
        "query": {"query_type": "q"},
        "query_reject_condition": 2,
    }
    with pytest.raises(InvalidArgumentError, match="workflow id is empty"):
        request_cancel_workflow_execution.request("", None, None, "")


async def test_a_query_answers_is_rejected_or_fails() -> None:
    answered = {"query_result": {"payloads": [payload(3)]}}
    assert await query_workflow.answer(answered, int, converter) == 3
    assert await query_workflow.answer({}, None, converter) is None
    with pytest.raises(WorkflowQueryRejectedError) as rejected:
        await query_workflow.answer({"query_rejected": {"status": 2}}, None, converter)
    assert rejected.value.status is WorkflowExecutionStatus.COMPLETED
    invalid = RPCError("no such query", RPCStatusCode.INVALID_ARGUMENT)
    failed = await query_workflow.error(invalid, converter)
    assert isinstance(failed, WorkflowQueryFailedError)
    assert str(failed) == "no such query"
    missing = RPCError("no", RPCStatusCode.NOT_FOUND)
    assert await query_workflow.error(missing, converter) is None


async def test_the_text_of_a_query_that_failed_is_read_where_it_is_hidden() -> None:
    hiding = DataConverter(failure_converter_class=DefaultFailureConverterWithEncodedAttributes)
    failure = await hiding.encode_failure(ValueError("secret"))
    detail = {"@type": "type.googleapis.com/temporal.QueryFailedFailure", "failure": failure}
    refused = RPCError(failure["message"], RPCStatusCode.INVALID_ARGUMENT, [detail])
    assert str(refused) == "Encoded failure"
    assert str(await query_workflow.error(refused, converter)) == "secret"


def closed(ending: str, **attributes: Any) -> dict[str, Any]:
    return {f"workflow_execution_{ending}_event_attributes": attributes}


async def test_a_completed_run_has_a_result_of_the_declared_type() -> None:
    event = closed("completed", result={"payloads": [payload([1, 2])]})
    assert await get_workflow_execution_history.outcome(event, tuple[int, ...], converter) == (1, 2)
    assert await get_workflow_execution_history.outcome(closed("completed"), int, converter) is None


@pytest.mark.parametrize(
    ("event", "cause"),
    [
        (
            closed("failed", failure={"message": "x", "application_failure_info": {}}),
            ApplicationError,
        ),
        (closed("canceled"), CancelledError),
        (closed("terminated", reason="because"), TerminatedError),
        (closed("timed_out"), TimeoutError),
    ],
)
async def test_every_other_ending_is_a_failure_with_its_cause(
    event: dict[str, Any], cause: type[Exception]
) -> None:
    with pytest.raises(WorkflowFailureError) as failure:
        await get_workflow_execution_history.outcome(event, None, converter)
    assert isinstance(failure.value.cause, cause)


async def test_a_run_that_continued_names_the_next_one() -> None:
    event = closed("continued_as_new", new_execution_run_id="next")
    with pytest.raises(WorkflowContinuedAsNewError) as continued:
        await get_workflow_execution_history.outcome(event, None, converter)
    assert continued.value.new_execution_run_id == "next"


async def test_an_event_that_closes_nothing_is_a_bug() -> None:
    with pytest.raises(InternalError):
        await get_workflow_execution_history.outcome({"event_type": 1}, None, converter)


async def test_a_description_reads_what_the_service_said() -> None:
    response = {
        "execution_config": {"user_metadata": {"summary": payload("short")}},
        "workflow_execution_info": {
            "execution": {"workflow_id": "w", "run_id": "r"},
            "type": {"name": "T"},
            "status": 2,
            "task_queue": "q",
            "history_length": 7,
            "memo": {"fields": {"a": payload(1)}},
            "search_attributes": {"indexed_fields": {"K": payload("v")}},
        },
    }
    found = description_of(response, "default", converter)
    assert (found.id, found.run_id, found.workflow_type) == ("w", "r", "T")
    assert (found.status, found.history_length) == (WorkflowExecutionStatus.COMPLETED, 7)
    assert await found.memo() == {"a": 1}
    assert await found.memo_value("b", 5) == 5
    with pytest.raises(KeyError, match="'b'"):
        await found.memo_value("b")
    assert found.search_attributes == {"K": "v"}
    assert (await found.static_summary(), await found.static_details()) == ("short", None)
