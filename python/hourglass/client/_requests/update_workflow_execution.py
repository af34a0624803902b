"""UpdateWorkflowExecution, and PollWorkflowExecutionUpdate: the same wait, begun anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hourglass.client._errors import WorkflowUpdateFailedError
from hourglass.client._requests._parts import compact, execution, header, payloads
from hourglass.exceptions import ApplicationError

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire
    from hourglass.converter import DataConverter


async def request(
    workflow_id: str,
    run_id: str | None,
    name: str,
    *,
    args: Sequence[Any],
    update_id: str,
    stage: int,
    identity: str,
    first_execution_run_id: str | None,
    converter: DataConverter,
    headers: Mapping[str, Payload] | None = None,
) -> Wire:
    """UpdateWorkflowExecutionRequest."""
    given = compact(
        {"name": name, "args": await payloads(converter, args), "header": header(headers)}
    )
    return compact(
        {
            "workflow_execution": execution(workflow_id, run_id),
            "first_execution_run_id": first_execution_run_id,
            "wait_policy": {"lifecycle_stage": stage},
            "request": {"meta": {"update_id": update_id, "identity": identity}, "input": given},
        }
    )


def poll_request(workflow_id: str, run_id: str | None, update_id: str, stage: int) -> Wire:
    """PollWorkflowExecutionUpdateRequest."""
    reference = {"workflow_execution": execution(workflow_id, run_id), "update_id": update_id}
    return {"update_ref": reference, "wait_policy": {"lifecycle_stage": stage}}


async def value(outcome: Wire, type_hint: Any, converter: DataConverter) -> Any:
    """The handler's value; `WorkflowUpdateFailedError` if it was rejected or the handler failed."""
    if (failure := outcome.get("failure")) is not None:
        cause = await converter.decode_failure(failure)
        raise WorkflowUpdateFailedError(cause) from cause
    result = outcome.get("success", {}).get("payloads", [])
    if not result:
        return None
    return (await converter.decode(result, None if type_hint is None else [type_hint]))[0]


def lost(update_id: str) -> ApplicationError:
    """The service says that an update has completed, and not with what."""
    return ApplicationError(f"update {update_id!r} has no outcome", type="UpdateWithoutOutcome")
