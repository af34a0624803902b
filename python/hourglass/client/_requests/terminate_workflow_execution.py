"""TerminateWorkflowExecution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hourglass.client._requests._parts import compact, execution, payloads

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.converter import DataConverter


async def request(
    workflow_id: str,
    run_id: str | None,
    *,
    first_execution_run_id: str | None,
    reason: str | None,
    details: Sequence[Any],
    converter: DataConverter,
) -> Wire:
    """TerminateWorkflowExecutionRequest."""
    return compact(
        {
            "workflow_execution": execution(workflow_id, run_id),
            "first_execution_run_id": first_execution_run_id,
            "reason": reason,
            "details": await payloads(converter, details),
        }
    )
