"""GetWorkflowExecutionHistory: the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hourglass.client._errors import WorkflowContinuedAsNewError, WorkflowFailureError
from hourglass.exceptions import (
    CancelledError,
    InternalError,
    TerminatedError,
    TimeoutError,  # noqa: A004 - the convention's name
    TimeoutType,
)

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.converter import DataConverter

_ATTRIBUTES = "workflow_execution_{}_event_attributes"


def _attributes(event: Wire, ending: str) -> Wire | None:
    return event.get(_ATTRIBUTES.format(ending))


async def outcome(event: Wire, type_hint: Any, converter: DataConverter) -> Any:
    """The result in a close event; `WorkflowFailureError` or `WorkflowContinuedAsNewError`."""
    completed = _attributes(event, "completed")
    if completed is not None:
        result = completed.get("result", {}).get("payloads", [])
        if not result:
            return None
        hints = None if type_hint is None else [type_hint]
        if converter.payload_codec is None:
            return converter.payload_converter.from_payloads(result, hints)[0]
        return (await converter.decode(result, hints))[0]
    if (continued := _attributes(event, "continued_as_new")) is not None:
        raise WorkflowContinuedAsNewError(continued.get("new_execution_run_id", ""))
    cause = await _cause(event, converter)
    raise WorkflowFailureError(cause=cause) from cause


async def _cause(event: Wire, converter: DataConverter) -> BaseException:
    if (failed := _attributes(event, "failed")) is not None:
        return await converter.decode_failure(failed.get("failure", {}))
    if (cancelled := _attributes(event, "canceled")) is not None:
        details = await converter.decode(cancelled.get("details", {}).get("payloads", []))
        return CancelledError("Workflow cancelled", *details)
    if (terminated := _attributes(event, "terminated")) is not None:
        details = await converter.decode(terminated.get("details", {}).get("payloads", []))
        return TerminatedError(terminated.get("reason") or "Workflow terminated", *details)
    if _attributes(event, "timed_out") is not None:
        return TimeoutError(
            "Workflow timed out", type=TimeoutType.START_TO_CLOSE, last_heartbeat_details=[]
        )
    raise InternalError(f"not a close event: type {event.get('event_type')}")


def next_run(event: Wire) -> str | None:
    """The run that went on after a close event."""
    for name, attributes in event.items():
        if name.endswith("_event_attributes"):
            return attributes.get("new_execution_run_id") or None
    return None
