//! From the name of an RPC to its handler: the one table of all that the engine answers.

use bytes::Bytes;
use prost::Message;

use crate::RpcStatus;
use crate::service::{
    activity_operations, activity_tasks, cluster, control, describe, histories, lists,
    multi_operation, namespaces, query, reset, search_attributes, signal, standalone_control,
    standalone_describe, standalone_operations, standalone_start, start, task_queues, test_service,
    update, workflow_task_completed, workflow_tasks,
};
use crate::state::reply::Reply;
use crate::transaction::context::{CallError, Context, Outcome};

const WORKFLOW_SERVICE: &str = "temporal.api.workflowservice.v1.WorkflowService";

const TEST_SERVICE: &str = "temporal.api.testservice.v1.TestService";

const OPERATOR_SERVICE: &str = "temporal.api.operatorservice.v1.OperatorService";

/// The service of RPCs beyond Temporal's protocol, for callers in the process.
pub(crate) const OWN_SERVICE: &str = "hourglass.Engine";

pub(crate) const CONFIRM_WORKFLOW_TASK: &str = "ConfirmWorkflowTask";

type Handler = fn(&mut Context, Bytes) -> Result<Outcome, CallError>;

/// The handler of a call that is answered at once.
macro_rules! unary {
    ($handler:path) => {
        |context, body| {
            let response = $handler(context, decode(body)?)?;
            Ok(Outcome::Done(Reply::new(Ok(response.encode_to_vec().into()))))
        }
    };
}

/// The handler of a call that may wait, or that encodes its own answer.
macro_rules! parking {
    ($handler:path) => {
        |context, body| $handler(context, decode(body)?)
    };
}

/// Every RPC: its service, its name, its handler.
#[rustfmt::skip]
const RPCS: &[(&str, &str, Handler)] = &[
    (WORKFLOW_SERVICE, "StartWorkflowExecution", unary!(start::start_workflow_execution)),
    (WORKFLOW_SERVICE, "SignalWorkflowExecution", unary!(signal::signal_workflow_execution)),
    (WORKFLOW_SERVICE, "SignalWithStartWorkflowExecution", unary!(signal::signal_with_start_workflow_execution)),
    (WORKFLOW_SERVICE, "QueryWorkflow", parking!(query::query_workflow)),
    (WORKFLOW_SERVICE, "RespondQueryTaskCompleted", unary!(query::respond_query_task_completed)),
    (WORKFLOW_SERVICE, "UpdateWorkflowExecution", parking!(update::update_workflow_execution)),
    (WORKFLOW_SERVICE, "PollWorkflowExecutionUpdate", parking!(update::poll_workflow_execution_update)),
    (WORKFLOW_SERVICE, "RequestCancelWorkflowExecution", unary!(control::request_cancel_workflow_execution)),
    (WORKFLOW_SERVICE, "TerminateWorkflowExecution", unary!(control::terminate_workflow_execution)),
    (WORKFLOW_SERVICE, "DeleteWorkflowExecution", unary!(control::delete_workflow_execution)),
    (WORKFLOW_SERVICE, "UpdateWorkflowExecutionOptions", unary!(control::update_workflow_execution_options)),
    (WORKFLOW_SERVICE, "ResetWorkflowExecution", unary!(reset::reset_workflow_execution)),
    (WORKFLOW_SERVICE, "DescribeWorkflowExecution", unary!(describe::describe_workflow_execution)),
    (WORKFLOW_SERVICE, "PollWorkflowTaskQueue", parking!(workflow_tasks::poll_workflow_task_queue)),
    (WORKFLOW_SERVICE, "RespondWorkflowTaskFailed", unary!(workflow_tasks::respond_workflow_task_failed)),
    (WORKFLOW_SERVICE, "RespondWorkflowTaskCompleted", parking!(workflow_task_completed::respond_workflow_task_completed)),
    (WORKFLOW_SERVICE, "ExecuteMultiOperation", parking!(multi_operation::execute_multi_operation)),
    (WORKFLOW_SERVICE, "PollActivityTaskQueue", parking!(activity_tasks::poll_activity_task_queue)),
    (WORKFLOW_SERVICE, "RespondActivityTaskCompleted", unary!(activity_tasks::respond_activity_task_completed)),
    (WORKFLOW_SERVICE, "RespondActivityTaskFailed", unary!(activity_tasks::respond_activity_task_failed)),
    (WORKFLOW_SERVICE, "RespondActivityTaskCanceled", unary!(activity_tasks::respond_activity_task_canceled)),
    (WORKFLOW_SERVICE, "RecordActivityTaskHeartbeat", unary!(activity_tasks::record_activity_task_heartbeat)),
    (WORKFLOW_SERVICE, "RespondActivityTaskCompletedById", unary!(activity_tasks::respond_activity_task_completed_by_id)),
    (WORKFLOW_SERVICE, "RespondActivityTaskFailedById", unary!(activity_tasks::respond_activity_task_failed_by_id)),
    (WORKFLOW_SERVICE, "RespondActivityTaskCanceledById", unary!(activity_tasks::respond_activity_task_canceled_by_id)),
    (WORKFLOW_SERVICE, "RecordActivityTaskHeartbeatById", unary!(activity_tasks::record_activity_task_heartbeat_by_id)),
    (WORKFLOW_SERVICE, "PauseActivity", unary!(activity_operations::pause_activity)),
    (WORKFLOW_SERVICE, "UnpauseActivity", unary!(activity_operations::unpause_activity)),
    (WORKFLOW_SERVICE, "UpdateActivityOptions", unary!(activity_operations::update_activity_options)),
    (WORKFLOW_SERVICE, "ResetActivity", unary!(activity_operations::reset_activity)),
    (WORKFLOW_SERVICE, "StartActivityExecution", unary!(standalone_start::start_activity_execution)),
    (WORKFLOW_SERVICE, "DescribeActivityExecution", parking!(standalone_describe::describe_activity_execution)),
    (WORKFLOW_SERVICE, "PollActivityExecution", parking!(standalone_describe::poll_activity_execution)),
    (WORKFLOW_SERVICE, "RequestCancelActivityExecution", unary!(standalone_control::request_cancel_activity_execution)),
    (WORKFLOW_SERVICE, "TerminateActivityExecution", unary!(standalone_control::terminate_activity_execution)),
    (WORKFLOW_SERVICE, "DeleteActivityExecution", unary!(standalone_control::delete_activity_execution)),
    (WORKFLOW_SERVICE, "PauseActivityExecution", unary!(standalone_operations::pause_activity_execution)),
    (WORKFLOW_SERVICE, "UnpauseActivityExecution", unary!(standalone_operations::unpause_activity_execution)),
    (WORKFLOW_SERVICE, "ResetActivityExecution", unary!(standalone_operations::reset_activity_execution)),
    (WORKFLOW_SERVICE, "UpdateActivityExecutionOptions", unary!(standalone_operations::update_activity_execution_options)),
    (WORKFLOW_SERVICE, "ListWorkflowExecutions", unary!(lists::list_workflow_executions)),
    (WORKFLOW_SERVICE, "CountWorkflowExecutions", unary!(lists::count_workflow_executions)),
    (WORKFLOW_SERVICE, "ListActivityExecutions", unary!(lists::list_activity_executions)),
    (WORKFLOW_SERVICE, "CountActivityExecutions", unary!(lists::count_activity_executions)),
    (WORKFLOW_SERVICE, "GetWorkflowExecutionHistory", parking!(histories::get_workflow_execution_history)),
    (WORKFLOW_SERVICE, "GetWorkflowExecutionHistoryReverse", unary!(histories::get_workflow_execution_history_reverse)),
    (WORKFLOW_SERVICE, "DescribeNamespace", unary!(namespaces::describe_namespace)),
    (WORKFLOW_SERVICE, "RegisterNamespace", unary!(namespaces::register_namespace)),
    (WORKFLOW_SERVICE, "ListNamespaces", unary!(namespaces::list_namespaces)),
    (WORKFLOW_SERVICE, "GetSystemInfo", unary!(cluster::get_system_info)),
    (WORKFLOW_SERVICE, "GetClusterInfo", unary!(cluster::get_cluster_info)),
    (WORKFLOW_SERVICE, "ResetStickyTaskQueue", unary!(task_queues::reset_sticky_task_queue)),
    (WORKFLOW_SERVICE, "ShutdownWorker", unary!(task_queues::shutdown_worker)),
    (WORKFLOW_SERVICE, "DescribeTaskQueue", unary!(task_queues::describe_task_queue)),
    (OPERATOR_SERVICE, "AddSearchAttributes", unary!(search_attributes::add_search_attributes)),
    (OPERATOR_SERVICE, "ListSearchAttributes", unary!(search_attributes::list_search_attributes)),
    (OPERATOR_SERVICE, "RemoveSearchAttributes", unary!(search_attributes::remove_search_attributes)),
    (TEST_SERVICE, "LockTimeSkipping", unary!(test_service::lock_time_skipping)),
    (TEST_SERVICE, "UnlockTimeSkipping", unary!(test_service::unlock_time_skipping)),
    (TEST_SERVICE, "UnlockTimeSkippingWithSleep", parking!(test_service::unlock_time_skipping_with_sleep)),
    (TEST_SERVICE, "Sleep", parking!(test_service::sleep)),
    (TEST_SERVICE, "SleepUntil", parking!(test_service::sleep_until)),
    (TEST_SERVICE, "GetCurrentTime", unary!(test_service::get_current_time)),
    (OWN_SERVICE, CONFIRM_WORKFLOW_TASK, |context, body| context.confirm_workflow_task(&body)),
];

/// Handle a call.
pub(crate) fn dispatch(
    context: &mut Context,
    service: &str,
    method: &str,
    body: Bytes,
) -> Result<Outcome, CallError> {
    let found = RPCS.iter().find(|(of, name, _)| *name == method && *of == service);
    // Only an engine that can skip time has the test service.
    let found = found.filter(|_| service != TEST_SERVICE || context.time_skipping.is_some());
    let Some((_, _, handler)) = found else {
        let message = format!("unknown method {method} for service {service}");
        return Err(RpcStatus::unimplemented(message).into());
    };
    handler(context, body)
}

fn decode<Request: Message + Default>(body: Bytes) -> Result<Request, RpcStatus> {
    Request::decode(body).map_err(|error| {
        RpcStatus::invalid_argument(format!("the request can't be decoded: {error}"))
    })
}
