"""Exceptions to failures: any exception, however it behaves, becomes one that can be sent.

A failure is a chain of levels, one for each exception that led to the next. Each level is made by
itself, and the chain is cut in its middle where it is longer than protobuf's readers follow: the
beginning says what happened, the end why. What can't be encoded is left out, and its level says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from hourglass.converter.failure_text import cause_of, clean, cut, stack_trace, text_of, type_name
from hourglass.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    ChildWorkflowError,
    FailureError,
    ServerError,
    TerminatedError,
    TimeoutError,  # noqa: A004 - the convention's name
)

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.converter.payload import PayloadConverter

SOURCE = "Hourglass"
"""The SDK, as failures name it."""
LEVELS = 50
"""Exceptions in one chain; readers of protobuf give up at 100 nested messages of any kind."""
LAST_LEVELS = 10
"""Those of them that are kept from the end of a chain that is cut."""
CHARACTERS = 400_000
"""Texts of all levels together; the service takes 2 MB."""
NAME = 10_000
"""Characters of a type, an id or any other name."""
LONGEST_DELAY = timedelta(days=36500)
"""The longest delay that is sent; protobuf's durations end where Python's don't."""

_Level: TypeAlias = "BaseException | Wire"


def to_failure(exception: BaseException, converter: PayloadConverter) -> Wire:
    """Make the failure of an exception. An exception that came from a failure is that again."""
    chain = _cut_chain(_chain(exception))
    limit = CHARACTERS // len(chain) // 2
    failure: Wire | None = None
    for level in reversed(chain):
        made = _level(level, converter, limit) if isinstance(level, BaseException) else level
        failure = made if failure is None else {**made, "cause": failure}
    assert failure is not None, "a chain has its exception at least"
    return failure


def _chain(exception: BaseException) -> list[_Level]:
    """List an exception and its causes; what was remembered of a failure is taken as it was."""
    chain: list[_Level] = []
    seen: set[int] = set()
    current: BaseException | None = exception
    while current is not None:
        if id(current) in seen:
            chain.append(_note(f"the causes go round in a circle: {type_name(current)} again"))
            break
        seen.add(id(current))
        remembered = _remembered(current)
        if remembered is not None:
            chain.extend(_levels_of(remembered))
            break
        chain.append(current)
        current = cause_of(current)
    return chain


def _remembered(exception: BaseException) -> Wire | None:
    # Not the property: a subclass may have no `_failure` because it never called `__init__`.
    return getattr(exception, "_failure", None) if isinstance(exception, FailureError) else None


def _levels_of(failure: Wire) -> list[_Level]:
    levels: list[_Level] = []
    current: Wire | None = failure
    while current is not None:
        levels.append({name: value for name, value in current.items() if name != "cause"})
        current = current.get("cause")
    return levels


def _cut_chain(chain: list[_Level]) -> list[_Level]:
    if len(chain) <= LEVELS:
        return chain
    first = LEVELS - LAST_LEVELS - 1
    left_out = _note(f"{len(chain) - LEVELS + 1} causes are left out here")
    return [*chain[:first], left_out, *chain[-LAST_LEVELS:]]


def _note(message: str) -> Wire:
    return {
        "source": SOURCE,
        "message": message,
        "application_failure_info": {"type": "CausesLeftOut"},
    }


def _level(exception: BaseException, converter: PayloadConverter, limit: int) -> Wire:
    """Make the failure of one exception, without its cause."""
    problems: list[str] = []
    info: Wire = {"application_failure_info": {"type": type_name(exception)}}
    message: object = exception
    if isinstance(exception, FailureError):
        message = getattr(exception, "_message", exception)
        try:
            info = _info(exception, _Details(converter, problems)) or info
        except Exception as error:
            problems.append(f"{type_name(error)}: {text_of(error)}")
    left_out = "".join(f" [sent without its details: {cut(one, 2_000)}]" for one in problems)
    failure: Wire = {"source": SOURCE, "message": cut(text_of(message), limit) + left_out}
    failure.update(_cleaned(info))
    trace = stack_trace(exception)
    if trace:
        failure["stack_trace"] = cut(trace, limit)
    return failure


def _cleaned(value: Any) -> Any:
    """Make the texts of an info ones that can be sent."""
    if isinstance(value, str):
        return cut(clean(value), NAME)
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {name: _cleaned(member) for name, member in members.items()}
    return value


class _Details:
    """Encodes what a user attached to an exception; what can't be is a problem to tell of."""

    def __init__(self, converter: PayloadConverter, problems: list[str]) -> None:
        self._converter = converter
        self._problems = problems

    def __call__(self, name: str, values: Sequence[Any]) -> Wire:
        if not values:
            return {}
        try:
            return {name: {"payloads": self._converter.to_payloads(values)}}
        except Exception as error:
            self._problems.append(text_of(error))
            return {}


def _info(error: FailureError, details: _Details) -> Wire | None:
    """Make the failure_info that belongs to the class, if one does."""
    if isinstance(error, ApplicationError):
        return {"application_failure_info": _application_info(error, details)}
    if isinstance(error, TimeoutError):
        last = details("last_heartbeat_details", error.last_heartbeat_details)
        return {"timeout_failure_info": {"timeout_type": int(error.type or 0), **last}}
    if isinstance(error, CancelledError):
        return {"canceled_failure_info": details("details", error.details)}
    if isinstance(error, TerminatedError):
        return {"terminated_failure_info": {}}
    if isinstance(error, ServerError):
        return {"server_failure_info": {"non_retryable": bool(error.non_retryable)}}
    if isinstance(error, ActivityError):
        return {"activity_failure_info": _activity_info(error)}
    if isinstance(error, ChildWorkflowError):
        return {"child_workflow_execution_failure_info": _child_info(error)}
    return None


def _application_info(error: ApplicationError, details: _Details) -> Wire:
    info: Wire = details("details", error.details)
    info["type"] = str(error.type or "")
    info["non_retryable"] = bool(error.non_retryable)
    info["category"] = int(error.category)
    if error.next_retry_delay is not None:
        info["next_retry_delay"] = min(error.next_retry_delay, LONGEST_DELAY)
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
