"""Starting workflows and talking to them.

::

    client = await Client.connect("sqlite:///orders.db")
    result = await client.execute_workflow(Order.run, order, id="order-7", task_queue="orders")
"""

from hourglass.client._async_activity import AsyncActivityCancelledError, AsyncActivityHandle
from hourglass.client._client import Client
from hourglass.client._errors import (
    WorkflowContinuedAsNewError,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from hourglass.client._execution import (
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
)
from hourglass.client._handle import WorkflowHandle
from hourglass.client._history import WorkflowHistory
from hourglass.client._list import (
    WorkflowExecutionAsyncIterator,
    WorkflowExecutionCount,
    WorkflowExecutionCountAggregationGroup,
)
from hourglass.client._requests.start_workflow_execution import StartOptions
from hourglass.client._update import WorkflowUpdateHandle, WorkflowUpdateStage
from hourglass.client._with_start import WithStartWorkflowOperation
from hourglass.exceptions import RPCError, RPCStatusCode, WorkflowAlreadyStartedError
from hourglass.service import TLSConfig

__all__ = [
    "AsyncActivityCancelledError",
    "AsyncActivityHandle",
    "Client",
    "RPCError",
    "RPCStatusCode",
    "StartOptions",
    "TLSConfig",
    "WithStartWorkflowOperation",
    "WorkflowAlreadyStartedError",
    "WorkflowContinuedAsNewError",
    "WorkflowExecution",
    "WorkflowExecutionAsyncIterator",
    "WorkflowExecutionCount",
    "WorkflowExecutionCountAggregationGroup",
    "WorkflowExecutionDescription",
    "WorkflowExecutionStatus",
    "WorkflowFailureError",
    "WorkflowHandle",
    "WorkflowHistory",
    "WorkflowQueryFailedError",
    "WorkflowQueryRejectedError",
    "WorkflowUpdateFailedError",
    "WorkflowUpdateHandle",
    "WorkflowUpdateRPCTimeoutOrCancelledError",
    "WorkflowUpdateStage",
]
