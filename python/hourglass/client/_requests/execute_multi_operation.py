"""ExecuteMultiOperation: a start and an update as one call."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from hourglass.client._requests import start_workflow_execution
from hourglass.exceptions import InternalError, RPCError, RPCStatusCode

if TYPE_CHECKING:
    from hourglass._bridge import Wire


def request(namespace: str, identity: str, start: Wire, update: Wire) -> Wire:
    """ExecuteMultiOperationRequest, with the fields that are filled in for other calls."""
    start = {
        "namespace": namespace,
        "identity": identity,
        **start,
        "request_id": start.get("request_id") or str(uuid.uuid4()),
    }
    update = {"namespace": namespace, **update}
    return {"operations": [{"start_workflow": start}, {"update_workflow": update}]}


def answers(response: Wire) -> tuple[Wire, Wire]:
    """Read the answers to the start and to the update."""
    responses = response.get("responses", [])
    if len(responses) != 2:
        raise InternalError(f"a start and an update got {len(responses)} answers")
    return responses[0].get("start_workflow", {}), responses[1].get("update_workflow", {})


def error(refused: RPCError, workflow_id: str, workflow_type: str) -> Exception | None:
    """Find the refusal: that of the operation that did not just fall with the other."""
    detail = refused.detail("MultiOperationExecutionFailure") or {}
    for status in detail.get("statuses", []):
        details = status.get("details", [])
        aborted = any(
            str(item.get("@type", "")).endswith("MultiOperationExecutionAborted")
            for item in details
        )
        if status.get("code", 0) and not aborted:
            code = RPCStatusCode(status["code"])
            reason = RPCError(status.get("message", refused.message), code, details)
            return start_workflow_execution.error(reason, workflow_id, workflow_type) or reason
    return None
