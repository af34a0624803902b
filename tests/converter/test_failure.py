"""Exceptions become failures and exceptions again, with causes, details and stack traces."""

from datetime import timedelta
from typing import Any

import pytest

from hourglass import exceptions
from hourglass._bridge import Payload
from hourglass.common import RawValue
from hourglass.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    FailureConverter,
    PayloadCodec,
    PayloadConverter,
)
from hourglass.exceptions import (
    ActivityError,
    ApplicationError,
    ApplicationErrorCategory,
    CancelledError,
    ChildWorkflowError,
    FailureError,
    RetryState,
    ServerError,
    TerminatedError,
    TimeoutType,
)

payloads = PayloadConverter.default
failures = FailureConverter.default


def caught(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as raised:  # noqa: BLE001, RUF100
        return raised


def round_trip(error: BaseException) -> Any:
    return failures.from_failure(failures.to_failure(error, payloads), payloads)


def test_any_exception_becomes_an_application_failure_with_its_class_name() -> None:
    failure = failures.to_failure(caught(ValueError("bad"), KeyError("k")), payloads)
    assert failure["message"] == "bad"
    assert failure["application_failure_info"]["type"] == "ValueError"
    assert "in caught" in failure["stack_trace"]
    assert failure["cause"]["application_failure_info"]["type"] == "KeyError"


def test_an_application_error_keeps_everything() -> None:
    error = round_trip(
        ApplicationError(
            "no",
            {"a": 1},
            2,
            type="T",
            non_retryable=True,
            next_retry_delay=timedelta(seconds=3),
            category=ApplicationErrorCategory.BENIGN,
        )
    )
    assert isinstance(error, ApplicationError)
    assert (error.message, error.type, error.non_retryable) == ("no", "T", True)
    assert list(error.details) == [{"a": 1}, 2]
    assert error.next_retry_delay == timedelta(seconds=3)
    assert error.category is ApplicationErrorCategory.BENIGN


@pytest.mark.parametrize(
    "error",
    [
        CancelledError("c", 1),
        TerminatedError("t"),
        ServerError("s", non_retryable=True),
        exceptions.TimeoutError("t", type=TimeoutType.HEARTBEAT, last_heartbeat_details=[5]),
        ActivityError(
            "a",
            scheduled_event_id=5,
            started_event_id=6,
            identity="me",
            activity_type="act",
            activity_id="1",
            retry_state=RetryState.TIMEOUT,
        ),
        ChildWorkflowError(
            "c",
            namespace="n",
            workflow_id="w",
            run_id="r",
            workflow_type="t",
            initiated_event_id=5,
            started_event_id=6,
            retry_state=None,
        ),
    ],
    ids=lambda error: type(error).__name__,
)
def test_each_kind_of_failure_survives_the_round_trip(error: FailureError) -> None:
    result = round_trip(error)
    assert type(result) is type(error)
    ignored = {"_failure", "_details", "_last_heartbeat_details"}
    for name in vars(error).keys() - ignored:
        assert getattr(result, name) == getattr(error, name), name
    for name in ("details", "last_heartbeat_details"):
        assert list(getattr(result, name, [])) == list(getattr(error, name, []))


def test_a_failure_that_is_passed_on_stays_what_it_was() -> None:
    original = failures.to_failure(caught(ValueError("deep")), payloads)
    original["source"] = "GoSDK"
    assert failures.to_failure(failures.from_failure(original, payloads), payloads) == original


def test_the_cause_of_an_activity_error_is_its_cause() -> None:
    wire = {
        "message": "activity error",
        "activity_failure_info": {"activity_type": {"name": "a"}, "retry_state": 3},
        "cause": {"message": "x", "application_failure_info": {"type": "T"}},
    }
    error = failures.from_failure(wire, payloads)
    assert isinstance(error, ActivityError)
    assert isinstance(error.cause, ApplicationError)
    assert error.retry_state is RetryState.TIMEOUT


def test_details_that_can_not_be_encoded_are_left_out_and_the_message_says_why() -> None:
    error = ApplicationError("x", object(), type="T", non_retryable=True)
    failure = failures.to_failure(error, payloads)
    assert failure["message"].startswith("x [sent without its details: value 0: a value of type")
    info = failure["application_failure_info"]
    assert (info["type"], info["non_retryable"]) == ("T", True)
    assert "details" not in info


def test_details_that_can_not_be_decoded_stay_as_they_came() -> None:
    strange = Payload(metadata={"encoding": b"strange"}, data=b"x")
    known = payloads.to_payload("y")
    wire = {
        "message": "m",
        "application_failure_info": {"details": {"payloads": [strange, known]}},
    }
    error = failures.from_failure(wire, payloads)
    assert isinstance(error, ApplicationError)
    assert error.message == "m"
    assert list(error.details) == [RawValue(strange), RawValue(known)]


def test_numbers_of_a_newer_protocol_are_read_as_unknown() -> None:
    activity = failures.from_failure({"activity_failure_info": {"retry_state": 99}}, payloads)
    timeout = failures.from_failure({"timeout_failure_info": {"timeout_type": 99}}, payloads)
    assert isinstance(activity, ActivityError)
    assert isinstance(timeout, exceptions.TimeoutError)
    assert (activity.retry_state, timeout.type) == (None, None)


def raised_while_handling(error: BaseException, *, suppress: bool = False) -> BaseException:
    """Raise `error` in the handler of another one."""
    try:
        try:
            raise KeyError("the reason")
        except KeyError:
            if suppress:
                raise error from None
            raise error  # noqa: B904 - without `from`, which is the point
    except BaseException as raised:  # noqa: BLE001, RUF100
        return raised


@pytest.mark.parametrize("kind", [ApplicationError, ValueError])
def test_an_exception_raised_while_another_was_handled_keeps_it_as_the_cause(
    kind: type[Exception],
) -> None:
    failure = failures.to_failure(raised_while_handling(kind("x")), payloads)
    assert failure["cause"]["application_failure_info"]["type"] == "KeyError"
    suppressed = failures.to_failure(raised_while_handling(kind("x"), suppress=True), payloads)
    assert "cause" not in suppressed


def test_attributes_can_be_hidden_in_payloads() -> None:
    hiding = DefaultFailureConverterWithEncodedAttributes()
    failure = hiding.to_failure(caught(ValueError("secret"), KeyError("inner")), payloads)
    assert failure["message"] == failure["cause"]["message"] == "Encoded failure"
    assert "stack_trace" not in failure
    error = hiding.from_failure(failure, payloads)
    assert isinstance(error, ApplicationError)
    assert error.message == "secret"
    assert isinstance(error.cause, ApplicationError)
    assert error.cause.message == "'inner'"


def test_hidden_attributes_that_are_passed_on_are_not_hidden_twice() -> None:
    hiding = DefaultFailureConverterWithEncodedAttributes()
    secret = hiding.to_failure(caught(ValueError("secret")), payloads)
    activity = {
        "message": "activity failed",
        "activity_failure_info": {"activity_type": {"name": "a"}},
        "cause": secret,
    }
    passed_on = hiding.to_failure(hiding.from_failure(activity, payloads), payloads)
    assert passed_on["cause"] == secret
    assert "secret" not in (passed_on["message"], passed_on["cause"]["message"])
    error: Any = hiding.from_failure(passed_on, payloads)
    assert (error.message, error.cause.message) == ("activity failed", "secret")
    again = hiding.to_failure(error.cause, payloads)
    assert again == secret


class Reversing(PayloadCodec):
    async def encode(self, payloads: Any) -> Any:
        return [type(p)(metadata=p.metadata, data=p.data[::-1]) for p in payloads]

    async def decode(self, payloads: Any) -> Any:
        return await self.encode(payloads)


async def test_a_codec_sees_every_payload_of_values_and_failures() -> None:
    converter = DataConverter(payload_codec=Reversing())
    encoded = await converter.encode(["abc"])
    assert encoded[0].data == b'"cba"'
    assert await converter.decode(encoded, [str]) == ["abc"]
    failure = await converter.encode_failure(ApplicationError("x", "de"))
    details = failure["application_failure_info"]["details"]["payloads"]
    assert details[0].data == b'"ed"'
    error = await converter.decode_failure(failure)
    assert isinstance(error, ApplicationError)
    assert list(error.details) == ["de"]
