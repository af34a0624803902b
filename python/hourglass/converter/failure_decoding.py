"""Failures to exceptions, with their causes.

Decoding a failure never raises: what can't be decoded stays as it came.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeVar

from hourglass.common import RawValue
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
    from hourglass._bridge import Payload, Wire
    from hourglass.converter.payload import PayloadConverter

_Make = Callable[[str, "Wire", "PayloadConverter"], FailureError]
_Known = TypeVar("_Known", bound=IntEnum)


def from_failure(failure: Wire, converter: PayloadConverter) -> FailureError:
    """Make the exception of a failure and those of its causes."""
    first = last = _level(failure, converter)
    while (cause := failure.get("cause")) is not None:
        failure = cause
        error = _level(failure, converter)
        last.__cause__ = error
        last = error
    return first


def _level(failure: Wire, converter: PayloadConverter) -> FailureError:
    """Make the exception of one failure, without its cause."""
    message = _message(failure, converter)
    error: FailureError
    for name, make in _MAKERS.items():
        if name in failure:
            error = make(message, failure[name], converter)
            break
    else:
        error = FailureError(message)
    error.remember(failure)
    return error


def _message(failure: Wire, converter: PayloadConverter) -> str:
    message = str(failure.get("message", ""))
    encoded = failure.get("encoded_attributes")
    if encoded is None:
        return message
    try:
        attributes: Any = converter.from_payload(encoded)
        return str(attributes.get("message", message))
    except Exception as error:
        return f"{message} [its text can't be decoded: {error}]"


def _values(info: Wire, name: str, converter: PayloadConverter) -> list[Any]:
    payloads: list[Payload] = info.get(name, {}).get("payloads", [])
    if not payloads:
        return []
    try:
        return converter.from_payloads(payloads)
    except Exception:  # noqa: BLE001, RUF100 - of the user's converter: keep what came
        return [RawValue(payload) for payload in payloads]


def _known(kind: type[_Known], value: int) -> _Known | None:
    """Look a number of the protocol up; None for 0 and for one of a newer protocol."""
    return kind(value) if value in kind.__members__.values() else None


def _application(message: str, info: Wire, converter: PayloadConverter) -> FailureError:
    category = _known(ApplicationErrorCategory, info.get("category", 0))
    return ApplicationError(
        message,
        *_values(info, "details", converter),
        type=info.get("type") or None,
        non_retryable=info.get("non_retryable", False),
        next_retry_delay=info.get("next_retry_delay"),
        category=category or ApplicationErrorCategory.UNSPECIFIED,
    )


def _timeout(message: str, info: Wire, converter: PayloadConverter) -> FailureError:
    return TimeoutError(
        message,
        type=_known(TimeoutType, info.get("timeout_type", 0)),
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
        retry_state=_known(RetryState, info.get("retry_state", 0)),
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
        retry_state=_known(RetryState, info.get("retry_state", 0)),
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
