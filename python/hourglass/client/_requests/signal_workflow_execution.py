"""SignalWorkflowExecution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hourglass.client._requests._parts import compact, execution, header, payloads

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire
    from hourglass.converter import DataConverter


async def request(
    workflow_id: str,
    run_id: str | None,
    signal_name: str,
    args: Sequence[Any],
    converter: DataConverter,
    *,
    headers: Mapping[str, Payload] | None = None,
) -> Wire:
    """SignalWorkflowExecutionRequest."""
    return compact(
        {
            "workflow_execution": execution(workflow_id, run_id),
            "signal_name": signal_name,
            "input": await payloads(converter, args),
            "header": header(headers),
        }
    )
