//! From the name of an RPC to its handler.

use bytes::Bytes;
use prost::Message;

use crate::RpcStatus;
use crate::action::Reply;
use crate::context::{Context, Failure, Outcome};
use crate::rpc;

const WORKFLOW_SERVICE: &str = "temporal.api.workflowservice.v1.WorkflowService";
pub(crate) const TEST_SERVICE: &str = "temporal.api.testservice.v1.TestService";
const OPERATOR_SERVICE: &str = "temporal.api.operatorservice.v1.OperatorService";
/// What the engine can be asked beyond Temporal's protocol, in the process.
pub(crate) const OWN_SERVICE: &str = "hourglass.Engine";
pub(crate) const CONFIRM_WORKFLOW_TASK: &str = "ConfirmWorkflowTask";

/// Handle a call.
pub(crate) fn dispatch(
    context: &mut Context,
    service: &str,
    method: &str,
    body: Bytes,
) -> Result<Outcome, Failure> {
    let unknown =
        || RpcStatus::unimplemented(format!("unknown method {method} for service {service}"));
    if service != WORKFLOW_SERVICE {
        let outcome = match (service, method) {
            (TEST_SERVICE, _) => of_time(context, method, body),
            (OPERATOR_SERVICE, _) => of_operator_service(context, method, body),
            (OWN_SERVICE, CONFIRM_WORKFLOW_TASK) => Some(context.confirm_workflow_task(&body)),
            _ => None,
        };
        return outcome.unwrap_or_else(|| Err(unknown().into()));
    }
    match method {
        "GetSystemInfo" => unary(context, body, rpc::get_system_info::handle),
        "DescribeNamespace" => unary(context, body, rpc::describe_namespace::handle),
        "RegisterNamespace" => unary(context, body, rpc::register_namespace::handle),
        "StartWorkflowExecution" => unary(context, body, rpc::start_workflow_execution::handle),
        "SignalWorkflowExecution" => unary(context, body, rpc::signal_workflow_execution::handle),
        "GetWorkflowExecutionHistory" => {
            parking(context, body, rpc::get_workflow_execution_history::handle)
        }
        "PollWorkflowTaskQueue" => parking(context, body, rpc::poll_workflow_task_queue::handle),
        "RespondWorkflowTaskCompleted" => {
            parking(context, body, rpc::respond_workflow_task_completed::handle)
        }
        "RespondWorkflowTaskFailed" => {
            unary(context, body, rpc::respond_workflow_task_failed::handle)
        }
        "QueryWorkflow" => parking(context, body, rpc::query_workflow::handle),
        "RespondQueryTaskCompleted" => {
            unary(context, body, rpc::respond_query_task_completed::handle)
        }
        "SignalWithStartWorkflowExecution" => {
            unary(context, body, rpc::signal_with_start_workflow_execution::handle)
        }
        "RequestCancelWorkflowExecution" => {
            unary(context, body, rpc::request_cancel_workflow_execution::handle)
        }
        "TerminateWorkflowExecution" => {
            unary(context, body, rpc::terminate_workflow_execution::handle)
        }
        "DeleteWorkflowExecution" => unary(context, body, rpc::delete_workflow_execution::handle),
        "DescribeWorkflowExecution" => {
            unary(context, body, rpc::describe_workflow_execution::handle)
        }
        "ResetWorkflowExecution" => unary(context, body, rpc::reset_workflow_execution::handle),
        "ResetStickyTaskQueue" => unary(context, body, rpc::reset_sticky_task_queue::handle),
        "ShutdownWorker" => unary(context, body, rpc::shutdown_worker::handle),
        _ => of_updates_and_lists(context, method, body.clone())
            .or_else(|| of_activities(context, method, body.clone()))
            .or_else(|| of_standalone_activities(context, method, body.clone()))
            .or_else(|| of_operators(context, method, body))
            .unwrap_or_else(|| Err(unknown().into())),
    }
}

/// Handle a call that has to do with updates, lists or histories; `None`: it has not.
fn of_updates_and_lists(
    context: &mut Context,
    method: &str,
    body: Bytes,
) -> Option<Result<Outcome, Failure>> {
    Some(match method {
        "UpdateWorkflowExecution" => parking(context, body, rpc::update_workflow_execution::handle),
        "UpdateWorkflowExecutionOptions" => {
            unary(context, body, rpc::update_workflow_execution_options::handle)
        }
        "ListWorkflowExecutions" => unary(context, body, rpc::list_workflow_executions::handle),
        "CountWorkflowExecutions" => unary(context, body, rpc::count_workflow_executions::handle),
        "PollWorkflowExecutionUpdate" => {
            parking(context, body, rpc::poll_workflow_execution_update::handle)
        }
        "GetWorkflowExecutionHistoryReverse" => {
            unary(context, body, rpc::get_workflow_execution_history_reverse::handle)
        }
        "ExecuteMultiOperation" => parking(context, body, rpc::execute_multi_operation::handle),
        _ => return None,
    })
}

/// The same for what is about activities; `None` when it is not.
fn of_activities(
    context: &mut Context,
    method: &str,
    body: Bytes,
) -> Option<Result<Outcome, Failure>> {
    Some(match method {
        "PollActivityTaskQueue" => parking(context, body, rpc::poll_activity_task_queue::handle),
        "RespondActivityTaskCompleted" => {
            unary(context, body, rpc::respond_activity_task_completed::handle)
        }
        "RespondActivityTaskFailed" => {
            unary(context, body, rpc::respond_activity_task_failed::handle)
        }
        "RespondActivityTaskCanceled" => {
            unary(context, body, rpc::respond_activity_task_canceled::handle)
        }
        "RecordActivityTaskHeartbeat" => {
            unary(context, body, rpc::record_activity_task_heartbeat::handle)
        }
        "RespondActivityTaskCompletedById" => {
            unary(context, body, rpc::respond_activity_task_completed_by_id::handle)
        }
        "RespondActivityTaskFailedById" => {
            unary(context, body, rpc::respond_activity_task_failed_by_id::handle)
        }
        "RespondActivityTaskCanceledById" => {
            unary(context, body, rpc::respond_activity_task_canceled_by_id::handle)
        }
        "RecordActivityTaskHeartbeatById" => {
            unary(context, body, rpc::record_activity_task_heartbeat_by_id::handle)
        }
        _ => return None,
    })
}

/// The same for activities that are started by themselves.
fn of_standalone_activities(
    context: &mut Context,
    method: &str,
    body: Bytes,
) -> Option<Result<Outcome, Failure>> {
    Some(match method {
        "StartActivityExecution" => unary(context, body, rpc::start_activity_execution::handle),
        "DescribeActivityExecution" => {
            parking(context, body, rpc::describe_activity_execution::handle)
        }
        "PollActivityExecution" => parking(context, body, rpc::poll_activity_execution::handle),
        "ListActivityExecutions" => unary(context, body, rpc::list_activity_executions::handle),
        "CountActivityExecutions" => unary(context, body, rpc::count_activity_executions::handle),
        "RequestCancelActivityExecution" => {
            unary(context, body, rpc::request_cancel_activity_execution::handle)
        }
        "TerminateActivityExecution" => {
            unary(context, body, rpc::terminate_activity_execution::handle)
        }
        "DeleteActivityExecution" => unary(context, body, rpc::delete_activity_execution::handle),
        _ => return None,
    })
}

/// Handle a call of the operator service.
fn of_operator_service(
    context: &mut Context,
    method: &str,
    body: Bytes,
) -> Option<Result<Outcome, Failure>> {
    Some(match method {
        "AddSearchAttributes" => unary(context, body, rpc::add_search_attributes::handle),
        "ListSearchAttributes" => unary(context, body, rpc::list_search_attributes::handle),
        "RemoveSearchAttributes" => unary(context, body, rpc::remove_search_attributes::handle),
        _ => return None,
    })
}

/// The same for what people look at, and for what they do to activities by hand.
fn of_operators(
    context: &mut Context,
    method: &str,
    body: Bytes,
) -> Option<Result<Outcome, Failure>> {
    Some(match method {
        "DescribeTaskQueue" => unary(context, body, rpc::describe_task_queue::handle),
        "GetClusterInfo" => unary(context, body, rpc::get_cluster_info::handle),
        "ListNamespaces" => unary(context, body, rpc::list_namespaces::handle),
        "PauseActivityExecution" => unary(context, body, rpc::pause_activity_execution::handle),
        "UnpauseActivityExecution" => unary(context, body, rpc::unpause_activity_execution::handle),
        "ResetActivityExecution" => unary(context, body, rpc::reset_activity_execution::handle),
        "UpdateActivityExecutionOptions" => {
            unary(context, body, rpc::update_activity_execution_options::handle)
        }
        "PauseActivity" => unary(context, body, rpc::pause_activity::handle),
        "UnpauseActivity" => unary(context, body, rpc::unpause_activity::handle),
        "UpdateActivityOptions" => unary(context, body, rpc::update_activity_options::handle),
        "ResetActivity" => unary(context, body, rpc::reset_activity::handle),
        _ => return None,
    })
}

/// The same for the test service, which an engine has that can skip time.
fn of_time(context: &mut Context, method: &str, body: Bytes) -> Option<Result<Outcome, Failure>> {
    context.time_skipping.as_ref()?;
    Some(match method {
        "LockTimeSkipping" => unary(context, body, rpc::lock_time_skipping::handle),
        "UnlockTimeSkipping" => unary(context, body, rpc::unlock_time_skipping::handle),
        "UnlockTimeSkippingWithSleep" => {
            parking(context, body, rpc::unlock_time_skipping_with_sleep::handle)
        }
        "Sleep" => parking(context, body, rpc::sleep::handle),
        "SleepUntil" => parking(context, body, rpc::sleep_until::handle),
        "GetCurrentTime" => unary(context, body, rpc::get_current_time::handle),
        _ => return None,
    })
}

fn decode<Request: Message + Default>(body: Bytes) -> Result<Request, RpcStatus> {
    Request::decode(body).map_err(|error| {
        RpcStatus::invalid_argument(format!("the request can't be decoded: {error}"))
    })
}

/// A call that is answered at once.
fn unary<Request: Message + Default, Response: Message>(
    context: &mut Context,
    body: Bytes,
    handler: impl FnOnce(&mut Context, Request) -> Result<Response, Failure>,
) -> Result<Outcome, Failure> {
    let response = handler(context, decode(body)?)?;
    Ok(Outcome::Done(Reply::new(Ok(response.encode_to_vec().into()))))
}

/// A call that may wait, or that encodes its own answer.
fn parking<Request: Message + Default>(
    context: &mut Context,
    body: Bytes,
    handler: impl FnOnce(&mut Context, Request) -> Result<Outcome, Failure>,
) -> Result<Outcome, Failure> {
    handler(context, decode(body)?)
}
