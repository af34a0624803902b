"""Workflows: durable code as ordinary ``async def``.

Everything in here is for workflow code or for the classes that contain it. Names and meaning are
the convention's; a workflow waits, sleeps and calls activities, and does everything else that is
not the same each time (files, network, the clock, threads) in an activity.
"""

from hourglass._public import publish
from hourglass.workflow._api._generated_activities import (
    execute_activity,
    execute_activity_class,
    execute_activity_method,
    start_activity,
    start_activity_class,
    start_activity_method,
)
from hourglass.workflow._api._generated_children import execute_child_workflow, start_child_workflow
from hourglass.workflow._api._generated_local_activities import (
    execute_local_activity,
    execute_local_activity_class,
    execute_local_activity_method,
    start_local_activity,
    start_local_activity_class,
    start_local_activity_method,
)
from hourglass.workflow._api.activities import ActivityConfig
from hourglass.workflow._api.attributes import (
    memo,
    memo_value,
    upsert_memo,
    upsert_search_attributes,
)
from hourglass.workflow._api.details import get_current_details, set_current_details
from hourglass.workflow._api.earlier_runs import (
    get_last_completion_result,
    get_last_failure,
    has_last_completion_result,
)
from hourglass.workflow._api.external import (
    ExternalWorkflowHandle,
    get_external_workflow_handle,
    get_external_workflow_handle_for,
)
from hourglass.workflow._api.handlers import (
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
from hourglass.workflow._api.logger import LoggerAdapter, logger
from hourglass.workflow._api.run import (
    cancellation_reason,
    continue_as_new,
    deprecate_patch,
    extern_functions,
    in_workflow,
    info,
    instance,
    is_failure_exception,
    new_random,
    now,
    patched,
    payload_converter,
    random,
    random_seed,
    register_random_seed_callback,
    sleep,
    time,
    time_ns,
    unsafe,
    uuid4,
    uuid7,
    wait_condition,
)
from hourglass.workflow._api.timers import get_timer, start_timer
from hourglass.workflow._api.waiting import as_completed, wait
from hourglass.workflow._definition.decorators import (
    defn,
    dynamic_config,
    init,
    query,
    run,
    signal,
)
from hourglass.workflow._definition.definition import DynamicWorkflowConfig, HandlerUnfinishedPolicy
from hourglass.workflow._definition.update_decorator import update
from hourglass.workflow._runtime.activities import ActivityCancellationType, ActivityHandle
from hourglass.workflow._runtime.children import (
    ChildWorkflowCancellationType,
    ChildWorkflowConfig,
    ChildWorkflowHandle,
    ParentClosePolicy,
)
from hourglass.workflow._runtime.errors import (
    ContinueAsNewError,
    NondeterminismError,
    NotInWorkflowError,
    ReadOnlyContextError,
    UnfinishedSignalHandlersWarning,
    UnfinishedUpdateHandlersWarning,
)
from hourglass.workflow._runtime.info import Info, ParentInfo, RootInfo
from hourglass.workflow._runtime.local_activities import LocalActivityConfig, LocalActivityHandle
from hourglass.workflow._runtime.timers import Timer
from hourglass.workflow._runtime.update_handlers import UpdateInfo

__all__ = [
    "ActivityCancellationType",
    "ActivityConfig",
    "ActivityHandle",
    "ChildWorkflowCancellationType",
    "ChildWorkflowConfig",
    "ChildWorkflowHandle",
    "ContinueAsNewError",
    "DynamicWorkflowConfig",
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
    "Timer",
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
    "dynamic_config",
    "execute_activity",
    "execute_activity_class",
    "execute_activity_method",
    "execute_child_workflow",
    "execute_local_activity",
    "execute_local_activity_class",
    "execute_local_activity_method",
    "extern_functions",
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
    "get_timer",
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
    "random_seed",
    "register_random_seed_callback",
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
    "start_timer",
    "time",
    "time_ns",
    "unsafe",
    "update",
    "upsert_memo",
    "upsert_search_attributes",
    "uuid4",
    "uuid7",
    "wait",
    "wait_condition",
]

publish(globals())
