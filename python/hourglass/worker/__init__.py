"""Running workflows and activities.

::

    worker = Worker(client, task_queue="orders", workflows=[Order], activities=[charge])
    await worker.run()
"""

from typing import TYPE_CHECKING

from hourglass._public import publish, publish_class
from hourglass.worker._interceptor import Interceptor, WorkflowInterceptorClassInput
from hourglass.worker._replayer import (
    Replayer,
    WorkflowReplayResult,
    WorkflowReplayResults,
)
from hourglass.worker._run_until_signal import run_until_signal
from hourglass.worker._worker import Worker

if TYPE_CHECKING:
    from hourglass.activity._interceptors import (
        ActivityInboundInterceptor,
        ActivityOutboundInterceptor,
        ExecuteActivityInput,
    )
    from hourglass.workflow._runtime.interceptors import (
        ContinueAsNewInput,
        ExecuteWorkflowInput,
        HandleQueryInput,
        HandleSignalInput,
        HandleUpdateInput,
        SignalChildWorkflowInput,
        SignalExternalWorkflowInput,
        StartActivityInput,
        StartChildWorkflowInput,
        StartLocalActivityInput,
        WorkflowInboundInterceptor,
        WorkflowOutboundInterceptor,
    )

__all__ = [
    "ActivityInboundInterceptor",
    "ActivityOutboundInterceptor",
    "ContinueAsNewInput",
    "ExecuteActivityInput",
    "ExecuteWorkflowInput",
    "HandleQueryInput",
    "HandleSignalInput",
    "HandleUpdateInput",
    "Interceptor",
    "Replayer",
    "SignalChildWorkflowInput",
    "SignalExternalWorkflowInput",
    "StartActivityInput",
    "StartChildWorkflowInput",
    "StartLocalActivityInput",
    "Worker",
    "WorkflowInboundInterceptor",
    "WorkflowInterceptorClassInput",
    "WorkflowOutboundInterceptor",
    "WorkflowReplayResult",
    "WorkflowReplayResults",
    "run_until_signal",
]


publish(globals())


def __getattr__(name: str) -> object:
    """Import what only programs with interceptors need, when it is first named."""
    if name in __all__:
        from hourglass.activity import _interceptors as of_activities
        from hourglass.workflow._runtime import interceptors as of_workflows

        part = of_activities if hasattr(of_activities, name) else of_workflows
        found: object = getattr(part, name)
        publish_class(found, __name__)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
