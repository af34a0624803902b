"""Starting workflows and talking to them.

::

    client = await Client.connect("sqlite:///orders.db")
    result = await client.execute_workflow(Order.run, order, id="order-7", task_queue="orders")
"""

from typing import TYPE_CHECKING

from hourglass._public import publish_exceptions
from hourglass.client._activity_execution import (
    ActivityExecution,
    ActivityExecutionDescription,
    ActivityExecutionStatus,
    PendingActivityState,
)
from hourglass.client._activity_handle import ActivityHandle
from hourglass.client._activity_list import (
    ActivityExecutionAsyncIterator,
    ActivityExecutionCount,
    ActivityExecutionCountAggregationGroup,
)
from hourglass.client._activity_options import (
    ActivityExecutionOptions,
    ActivityOptionsKey,
    ActivityOptionsKeys,
    ActivityOptionsUpdate,
)
from hourglass.client._async_activity import AsyncActivityCancelledError, AsyncActivityHandle
from hourglass.client._client import Client, ClientConfig
from hourglass.client._errors import (
    ActivityFailureError,
    RPCTimeoutOrCancelledError,
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
from hourglass.client._history_events import (
    WorkflowHistoryEventAsyncIterator,
    WorkflowHistoryEventFilterType,
)
from hourglass.client._list import (
    WorkflowExecutionAsyncIterator,
    WorkflowExecutionCount,
    WorkflowExecutionCountAggregationGroup,
)
from hourglass.client._requests.activity_task import AsyncActivityIDReference
from hourglass.client._requests.start_activity_execution import StartActivityOptions
from hourglass.client._requests.start_workflow_execution import StartOptions
from hourglass.client._update import WorkflowUpdateHandle, WorkflowUpdateStage
from hourglass.client._with_start import WithStartWorkflowOperation
from hourglass.exceptions import (
    ActivityAlreadyStartedError,
    RPCError,
    RPCStatusCode,
    WorkflowAlreadyStartedError,
)
from hourglass.service import TLSConfig

if TYPE_CHECKING:
    from hourglass.client._activity_inputs import (
        CancelActivityInput,
        CompleteAsyncActivityInput,
        CountActivitiesInput,
        DescribeActivityInput,
        FailAsyncActivityInput,
        HeartbeatAsyncActivityInput,
        ListActivitiesInput,
        PauseActivityInput,
        ReportCancellationAsyncActivityInput,
        StartActivityInput,
        TerminateActivityInput,
        UnpauseActivityInput,
        UpdateActivityOptionsInput,
    )
    from hourglass.client._interceptor import (
        CancelWorkflowInput,
        CountWorkflowsInput,
        DescribeWorkflowInput,
        FetchWorkflowHistoryEventsInput,
        Interceptor,
        ListWorkflowsInput,
        OutboundInterceptor,
        QueryWorkflowInput,
        SignalWorkflowInput,
        StartWorkflowInput,
        StartWorkflowUpdateInput,
        StartWorkflowUpdateWithStartInput,
        TerminateWorkflowInput,
        UpdateWithStartStartWorkflowInput,
        UpdateWithStartUpdateWorkflowInput,
    )

__all__ = [
    "ActivityAlreadyStartedError",
    "ActivityExecution",
    "ActivityExecutionAsyncIterator",
    "ActivityExecutionCount",
    "ActivityExecutionCountAggregationGroup",
    "ActivityExecutionDescription",
    "ActivityExecutionOptions",
    "ActivityExecutionStatus",
    "ActivityFailureError",
    "ActivityHandle",
    "ActivityOptionsKey",
    "ActivityOptionsKeys",
    "ActivityOptionsUpdate",
    "AsyncActivityCancelledError",
    "AsyncActivityHandle",
    "AsyncActivityIDReference",
    "CancelActivityInput",
    "CancelWorkflowInput",
    "Client",
    "ClientConfig",
    "CompleteAsyncActivityInput",
    "CountActivitiesInput",
    "CountWorkflowsInput",
    "DescribeActivityInput",
    "DescribeWorkflowInput",
    "FailAsyncActivityInput",
    "FetchWorkflowHistoryEventsInput",
    "HeartbeatAsyncActivityInput",
    "Interceptor",
    "ListActivitiesInput",
    "ListWorkflowsInput",
    "OutboundInterceptor",
    "PauseActivityInput",
    "PendingActivityState",
    "QueryWorkflowInput",
    "RPCError",
    "RPCStatusCode",
    "RPCTimeoutOrCancelledError",
    "ReportCancellationAsyncActivityInput",
    "SignalWorkflowInput",
    "StartActivityInput",
    "StartActivityOptions",
    "StartOptions",
    "StartWorkflowInput",
    "StartWorkflowUpdateInput",
    "StartWorkflowUpdateWithStartInput",
    "TLSConfig",
    "TerminateActivityInput",
    "TerminateWorkflowInput",
    "UnpauseActivityInput",
    "UpdateActivityOptionsInput",
    "UpdateWithStartStartWorkflowInput",
    "UpdateWithStartUpdateWorkflowInput",
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
    "WorkflowHistoryEventAsyncIterator",
    "WorkflowHistoryEventFilterType",
    "WorkflowQueryFailedError",
    "WorkflowQueryRejectedError",
    "WorkflowUpdateFailedError",
    "WorkflowUpdateHandle",
    "WorkflowUpdateRPCTimeoutOrCancelledError",
    "WorkflowUpdateStage",
]


def __getattr__(name: str) -> object:
    """What only programs with interceptors need is imported when it is first named."""
    if name in __all__:
        from hourglass.client import _interceptor

        return getattr(_interceptor, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


publish_exceptions(globals())
