"""Workflows: durable code as ordinary ``async def``.

Everything in here is for workflow code or for the classes that contain it. Names and meaning are
the convention's; a workflow waits, sleeps and calls activities, and does everything else that is
not the same each time (files, network, the clock, threads) in an activity.
"""

from hourglass.workflow._activities import ActivityCancellationType, ActivityHandle
from hourglass.workflow._activity_api import (
    ActivityConfig,
    execute_activity,
    execute_activity_class,
    execute_activity_method,
    start_activity,
    start_activity_class,
    start_activity_method,
)
from hourglass.workflow._api import (
    cancellation_reason,
    continue_as_new,
    deprecate_patch,
    in_workflow,
    info,
    instance,
    is_failure_exception,
    new_random,
    now,
    patched,
    payload_converter,
    random,
    sleep,
    time,
    time_ns,
    unsafe,
    uuid4,
    wait_condition,
)
from hourglass.workflow._attributes import memo, memo_value, upsert_memo, upsert_search_attributes
from hourglass.workflow._child_api import execute_child_workflow, start_child_workflow
from hourglass.workflow._children import (
    ChildWorkflowCancellationType,
    ChildWorkflowConfig,
    ChildWorkflowHandle,
    ParentClosePolicy,
)
from hourglass.workflow._decorators import defn, init, query, run, signal
from hourglass.workflow._definition import HandlerUnfinishedPolicy
from hourglass.workflow._errors import (
    ContinueAsNewError,
    NondeterminismError,
    NotInWorkflowError,
    ReadOnlyContextError,
    UnfinishedSignalHandlersWarning,
    UnfinishedUpdateHandlersWarning,
)
from hourglass.workflow._external import (
    ExternalWorkflowHandle,
    get_external_workflow_handle,
    get_external_workflow_handle_for,
)
from hourglass.workflow._handler_api import (
    all_handlers_finished,
    current_update_info,
    get_dynamic_query_handler,
    get_dynamic_signal_handler,
    get_dynamic_update_handler,
    get_query_handler,
    get_signal_handler,
    get_update_handler,
    set_dynamic_query_handler,
    set_dynamic_signal_handler,
    set_dynamic_update_handler,
    set_query_handler,
    set_signal_handler,
    set_update_handler,
)
from hourglass.workflow._info import Info, ParentInfo, RootInfo
from hourglass.workflow._local_activities import LocalActivityConfig, LocalActivityHandle
from hourglass.workflow._local_activity_api import (
    execute_local_activity,
    execute_local_activity_class,
    execute_local_activity_method,
    start_local_activity,
    start_local_activity_class,
    start_local_activity_method,
)
from hourglass.workflow._logger import LoggerAdapter, logger
from hourglass.workflow._metadata import get_current_details, set_current_details
from hourglass.workflow._past import (
    get_last_completion_result,
    get_last_failure,
    has_last_completion_result,
)
from hourglass.workflow._update_decorator import update
from hourglass.workflow._update_handlers import UpdateInfo
from hourglass.workflow._waiting import as_completed, wait

__all__ = [
    "ActivityCancellationType",
    "ActivityConfig",
    "ActivityHandle",
    "ChildWorkflowCancellationType",
    "ChildWorkflowConfig",
    "ChildWorkflowHandle",
    "ContinueAsNewError",
    "ExternalWorkflowHandle",
    "HandlerUnfinishedPolicy",
    "Info",
    "LocalActivityConfig",
    "LocalActivityHandle",
    "LoggerAdapter",
    "NondeterminismError",
    "NotInWorkflowError",
    "ParentClosePolicy",
    "ParentInfo",
    "ReadOnlyContextError",
    "RootInfo",
    "UnfinishedSignalHandlersWarning",
    "UnfinishedUpdateHandlersWarning",
    "UpdateInfo",
    "all_handlers_finished",
    "as_completed",
    "cancellation_reason",
    "continue_as_new",
    "current_update_info",
    "defn",
    "deprecate_patch",
    "execute_activity",
    "execute_activity_class",
    "execute_activity_method",
    "execute_child_workflow",
    "execute_local_activity",
    "execute_local_activity_class",
    "execute_local_activity_method",
    "get_current_details",
    "get_dynamic_query_handler",
    "get_dynamic_signal_handler",
    "get_dynamic_update_handler",
    "get_external_workflow_handle",
    "get_external_workflow_handle_for",
    "get_last_completion_result",
    "get_last_failure",
    "get_query_handler",
    "get_signal_handler",
    "get_update_handler",
    "has_last_completion_result",
    "in_workflow",
    "info",
    "init",
    "instance",
    "is_failure_exception",
    "logger",
    "memo",
    "memo_value",
    "new_random",
    "now",
    "patched",
    "payload_converter",
    "query",
    "random",
    "run",
    "set_current_details",
    "set_dynamic_query_handler",
    "set_dynamic_signal_handler",
    "set_dynamic_update_handler",
    "set_query_handler",
    "set_signal_handler",
    "set_update_handler",
    "signal",
    "sleep",
    "start_activity",
    "start_activity_class",
    "start_activity_method",
    "start_child_workflow",
    "start_local_activity",
    "start_local_activity_class",
    "start_local_activity_method",
    "time",
    "time_ns",
    "unsafe",
    "update",
    "upsert_memo",
    "upsert_search_attributes",
    "uuid4",
    "wait",
    "wait_condition",
]
