"""Starting workflows and talking to them.

::

    client = await Client.connect("sqlite:///orders.db")
    result = await client.execute_workflow(Order.run, order, id="order-7", task_queue="orders")
"""

from hourglass._public import publish
from hourglass.client._activity_execution import (
    ActivityExecution,
    ActivityExecutionAsyncIterator,
    ActivityExecutionCount,
    ActivityExecutionCountAggregationGroup,
    ActivityExecutionDescription,
    ActivityExecutionStatus,
    PendingActivityState,
)
from hourglass.client._activity_handle import (
    ActivityHandle,
)
from hourglass.client._activity_options import (
    ActivityExecutionOptions,
    ActivityOptionsKey,
    ActivityOptionsKeys,
    ActivityOptionsUpdate,
)
from hourglass.client._async_activity import (
    AsyncActivityCancelledError,
    AsyncActivityHandle,
)
from hourglass.client._client import (
    Client,
    ClientConfig,
)
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
from hourglass.client._history import (
    WorkflowHistory,
    WorkflowHistoryEventAsyncIterator,
    WorkflowHistoryEventFilterType,
)
from hourglass.client._inputs import (
    CancelActivityInput,
    CancelWorkflowInput,
    CompleteAsyncActivityInput,
    CountActivitiesInput,
    CountWorkflowsInput,
    DescribeActivityInput,
    DescribeWorkflowInput,
    FailAsyncActivityInput,
    FetchWorkflowHistoryEventsInput,
    HeartbeatAsyncActivityInput,
    ListActivitiesInput,
    ListWorkflowsInput,
    PauseActivityInput,
    QueryWorkflowInput,
    ReportCancellationAsyncActivityInput,
    SignalWorkflowInput,
    StartActivityInput,
    StartWorkflowInput,
    StartWorkflowUpdateInput,
    StartWorkflowUpdateWithStartInput,
    TerminateActivityInput,
    TerminateWorkflowInput,
    UnpauseActivityInput,
    UpdateActivityOptionsInput,
    UpdateWithStartStartWorkflowInput,
    UpdateWithStartUpdateWorkflowInput,
)
from hourglass.client._interceptor import (
    Interceptor,
    OutboundInterceptor,
)
from hourglass.client._namespace import NamespaceDescription, NamespaceState
from hourglass.client._requests.activity_task import (
    AsyncActivityIDReference,
)
from hourglass.client._requests.start_activity_execution import (
    StartActivityOptions,
)
from hourglass.client._requests.start_workflow_execution import (
    StartOptions,
)
from hourglass.client._update import (
    WorkflowUpdateHandle,
    WorkflowUpdateStage,
)
from hourglass.client._with_start import (
    WithStartWorkflowOperation,
)
from hourglass.client._workflow_execution import (
    WorkflowExecution,
    WorkflowExecutionAsyncIterator,
    WorkflowExecutionCount,
    WorkflowExecutionCountAggregationGroup,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
)
from hourglass.client._workflow_handle import (
    WorkflowHandle,
)
from hourglass.exceptions import (
    ActivityAlreadyStartedError,
    RPCError,
    RPCStatusCode,
    WorkflowAlreadyStartedError,
)
from hourglass.service import TLSConfig

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
    "NamespaceDescription",
    "NamespaceState",
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

publish(globals())
