"""Exceptions to failures and back: `temporal.api.failure.v1.Failure` as wire values.

Any exception can become a failure: one that is no `FailureError` becomes an application failure
whose type is its class name. A `FailureError` that came from a failure becomes that failure again,
unchanged, however often it is passed on.
"""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

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
    TimeoutError,  # noqa: A004 - the convention's name
    TimeoutType,
)

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.converter.payload import PayloadConverter

SOURCE = "Hourglass"
"""Says in a failure who made it."""


class FailureConverter(ABC):
    """Makes failures from exceptions and exceptions from failures. Called inside workflows."""

    default: ClassVar[FailureConverter]

    @abstractmethod
    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter) -> Wire:
        """The failure; `EncodingError` if its details can't be encoded."""

    @abstractmethod
    def from_failure(self, failure: Wire, payload_converter: PayloadConverter) -> BaseException:
        """The exception, with its causes; `DecodingError` if its details can't be decoded."""


class DefaultFailureConverter(FailureConverter):
    """Messages and stack traces stay readable, unless `encode_common_attributes`."""

    def __init__(self, *, encode_common_attributes: bool = False) -> None:
        self._encode_common_attributes = encode_common_attributes

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter) -> Wire:
        failure = _to_failure(exception, payload_converter)
        if not self._encode_common_attributes or "encoded_attributes" in failure:
            return failure
        return _hide(failure, payload_converter)

    def from_failure(self, failure: Wire, payload_converter: PayloadConverter) -> BaseException:
        return _from_failure(failure, payload_converter)


class DefaultFailureConverterWithEncodedAttributes(DefaultFailureConverter):
    """Messages and stack traces travel as payloads, so that a codec can encrypt them."""

    def __init__(self) -> None:
        super().__init__(encode_common_attributes=True)


FailureConverter.default = DefaultFailureConverter()


def _hide(failure: Wire, converter: PayloadConverter) -> Wire:
    hidden = dict(failure)
    open_text = {
        "message": failure.get("message", ""),
        "stack_trace": hidden.pop("stack_trace", ""),
    }
    hidden["encoded_attributes"] = converter.to_payload(open_text)
    hidden["message"] = "Encoded failure"
    if "cause" in hidden:
        hidden["cause"] = _hide(hidden["cause"], converter)
    return hidden


# --- exception -> failure --------------------------------------------------------------------


def _to_failure(exception: BaseException, converter: PayloadConverter) -> Wire:
    if isinstance(exception, FailureError) and exception.failure is not None:
        return exception.failure
    failure: Wire = {"source": SOURCE}
    if isinstance(exception, FailureError):
        failure["message"] = exception.message
        failure.update(_info(exception, converter))
    else:
        failure["message"] = str(exception)
        failure["application_failure_info"] = {"type": type(exception).__name__}
    if exception.__traceback__ is not None:
        failure["stack_trace"] = "".join(traceback.format_tb(exception.__traceback__))
    if exception.__cause__ is not None:
        failure["cause"] = _to_failure(exception.__cause__, converter)
    return failure


def _payloads(name: str, values: Sequence[Any], converter: PayloadConverter) -> Wire:
    return {name: {"payloads": converter.to_payloads(values)}} if values else {}


def _info(error: FailureError, converter: PayloadConverter) -> Wire:
    """The failure_info that belongs to the class."""
    if isinstance(error, ApplicationError):
        return {"application_failure_info": _application_info(error, converter)}
    if isinstance(error, TimeoutError):
        last = _payloads("last_heartbeat_details", error.last_heartbeat_details, converter)
        return {"timeout_failure_info": {"timeout_type": int(error.type or 0), **last}}
    if isinstance(error, CancelledError):
        return {"canceled_failure_info": _payloads("details", error.details, converter)}
    if isinstance(error, TerminatedError):
        return {"terminated_failure_info": {}}
    if isinstance(error, ServerError):
        return {"server_failure_info": {"non_retryable": error.non_retryable}}
    if isinstance(error, ActivityError):
        return {"activity_failure_info": _activity_info(error)}
    if isinstance(error, ChildWorkflowError):
        return {"child_workflow_execution_failure_info": _child_info(error)}
    return {"application_failure_info": {"type": type(error).__name__}}


def _application_info(error: ApplicationError, converter: PayloadConverter) -> Wire:
    info: Wire = _payloads("details", error.details, converter)
    info["type"] = error.type or ""
    info["non_retryable"] = error.non_retryable
    info["category"] = int(error.category)
    if error.next_retry_delay is not None:
        info["next_retry_delay"] = error.next_retry_delay
    return info


def _activity_info(error: ActivityError) -> Wire:
    return {
        "scheduled_event_id": error.scheduled_event_id,
        "started_event_id": error.started_event_id,
        "identity": error.identity,
        "activity_type": {"name": error.activity_type},
        "activity_id": error.activity_id,
        "retry_state": int(error.retry_state or 0),
    }


def _child_info(error: ChildWorkflowError) -> Wire:
    return {
        "namespace": error.namespace,
        "workflow_execution": {"workflow_id": error.workflow_id, "run_id": error.run_id},
        "workflow_type": {"name": error.workflow_type},
        "initiated_event_id": error.initiated_event_id,
        "started_event_id": error.started_event_id,
        "retry_state": int(error.retry_state or 0),
    }


# --- failure -> exception --------------------------------------------------------------------

_Make = Callable[[str, "Wire", "PayloadConverter"], FailureError]


def _from_failure(failure: Wire, converter: PayloadConverter) -> FailureError:
    message = str(failure.get("message", ""))
    if (encoded := failure.get("encoded_attributes")) is not None:
        opened: dict[str, str] = converter.from_payload(encoded, dict[str, str])
        message = opened.get("message", message)
        failure = {**failure, "message": message, "stack_trace": opened.get("stack_trace", "")}
    error: FailureError
    for name, make in _MAKERS.items():
        if name in failure:
            error = make(message, failure[name], converter)
            break
    else:
        error = FailureError(message)
    error.remember(failure)
    if "cause" in failure:
        error.__cause__ = _from_failure(failure["cause"], converter)
    return error


def _values(info: Wire, name: str, converter: PayloadConverter) -> list[Any]:
    return converter.from_payloads(info.get(name, {}).get("payloads", ()))


def _application(message: str, info: Wire, converter: PayloadConverter) -> FailureError:
    category = info.get("category", 0)
    known = category in ApplicationErrorCategory.__members__.values()
    return ApplicationError(
        message,
        *_values(info, "details", converter),
        type=info.get("type") or None,
        non_retryable=info.get("non_retryable", False),
        next_retry_delay=info.get("next_retry_delay"),
        category=ApplicationErrorCategory(category if known else 0),
    )


def _timeout(message: str, info: Wire, converter: PayloadConverter) -> FailureError:
    return TimeoutError(
        message,
        type=TimeoutType(info["timeout_type"]) if info.get("timeout_type") else None,
        last_heartbeat_details=_values(info, "last_heartbeat_details", converter),
    )


def _cancelled(message: str, info: Wire, converter: PayloadConverter) -> FailureError:
    return CancelledError(message, *_values(info, "details", converter))


def _terminated(message: str, _info: Wire, _converter: PayloadConverter) -> FailureError:
    return TerminatedError(message)


def _server(message: str, info: Wire, _converter: PayloadConverter) -> FailureError:
    return ServerError(message, non_retryable=info.get("non_retryable", False))


def _reset(message: str, info: Wire, converter: PayloadConverter) -> FailureError:
    details = _values(info, "last_heartbeat_details", converter)
    return ApplicationError(message, *details, type="ResetWorkflow")


def _activity(message: str, info: Wire, _converter: PayloadConverter) -> FailureError:
    return ActivityError(
        message,
        scheduled_event_id=info.get("scheduled_event_id", 0),
        started_event_id=info.get("started_event_id", 0),
        identity=info.get("identity", ""),
        activity_type=info.get("activity_type", {}).get("name", ""),
        activity_id=info.get("activity_id", ""),
        retry_state=RetryState(info["retry_state"]) if info.get("retry_state") else None,
    )


def _child(message: str, info: Wire, _converter: PayloadConverter) -> FailureError:
    execution = info.get("workflow_execution", {})
    return ChildWorkflowError(
        message,
        namespace=info.get("namespace", ""),
        workflow_id=execution.get("workflow_id", ""),
        run_id=execution.get("run_id", ""),
        workflow_type=info.get("workflow_type", {}).get("name", ""),
        initiated_event_id=info.get("initiated_event_id", 0),
        started_event_id=info.get("started_event_id", 0),
        retry_state=RetryState(info["retry_state"]) if info.get("retry_state") else None,
    )


_MAKERS: dict[str, _Make] = {
    "application_failure_info": _application,
    "timeout_failure_info": _timeout,
    "canceled_failure_info": _cancelled,
    "terminated_failure_info": _terminated,
    "server_failure_info": _server,
    "reset_workflow_failure_info": _reset,
    "activity_failure_info": _activity,
    "child_workflow_execution_failure_info": _child,
}
