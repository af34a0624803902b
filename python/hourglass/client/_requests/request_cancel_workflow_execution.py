"""RequestCancelWorkflowExecution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourglass.client._requests._parts import compact, execution

if TYPE_CHECKING:
    from hourglass._bridge import Wire


def request(
    workflow_id: str, run_id: str | None, first_execution_run_id: str | None, reason: str
) -> Wire:
    """RequestCancelWorkflowExecutionRequest."""
    return compact(
        {
            "workflow_execution": execution(workflow_id, run_id),
            "first_execution_run_id": first_execution_run_id,
            "reason": reason,
        }
    )
