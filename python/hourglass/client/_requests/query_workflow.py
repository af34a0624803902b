"""QueryWorkflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hourglass.client._errors import WorkflowQueryFailedError, WorkflowQueryRejectedError
from hourglass.client._requests._parts import compact, execution, header, member, payloads
from hourglass.client._workflow_execution import WorkflowExecutionStatus
from hourglass.common import QueryRejectCondition
from hourglass.exceptions import FailureError, RPCError, RPCStatusCode

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire
    from hourglass.converter import DataConverter


async def request(
    workflow_id: str,
    run_id: str | None,
    query_type: str,
    *,
    args: Sequence[Any],
    reject_condition: QueryRejectCondition | None,
    converter: DataConverter,
    headers: Mapping[str, Payload] | None = None,
) -> Wire:
    """QueryWorkflowRequest."""
    query = compact(
        {
            "query_type": query_type,
            "query_args": await payloads(converter, args),
            "header": header(headers),
        }
    )
    return compact(
        {
            "execution": execution(workflow_id, run_id),
            "query": query,
            "query_reject_condition": (
                member("reject_condition", QueryRejectCondition, reject_condition)
                if reject_condition
                else 0
            ),
        }
    )


async def answer(response: Wire, type_hint: Any, converter: DataConverter) -> Any:
    """The handler's value. `WorkflowQueryRejectedError` if it was not asked."""
    if (rejected := response.get("query_rejected")) is not None:
        status = rejected.get("status", 0)
        raise WorkflowQueryRejectedError(WorkflowExecutionStatus(status) if status else None)
    result = response.get("query_result", {}).get("payloads", [])
    if not result:
        return None
    return (await converter.decode(result, None if type_hint is None else [type_hint]))[0]


async def error(refused: RPCError, converter: DataConverter) -> WorkflowQueryFailedError | None:
    """Read a refusal: INVALID_ARGUMENT if the handler failed; None if it means nothing else."""
    if refused.status is not RPCStatusCode.INVALID_ARGUMENT:
        return None
    message = refused.message
    failure: Wire = (refused.detail("QueryFailedFailure") or {}).get("failure", {})
    if "encoded_attributes" in failure:  # the status has the text that hides the handler's
        decoded = await converter.decode_failure(failure)
        message = decoded.message if isinstance(decoded, FailureError) else str(decoded)
    return WorkflowQueryFailedError(message)
