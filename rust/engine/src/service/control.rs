//! Workflows under a caller's hand: cancelled, terminated, deleted, given other options.

use crate::RpcStatus;
use crate::machine::workflow_options::Wanted;
use crate::machine::{external, workflow, workflow_options};
use crate::proto::service::{
    DeleteWorkflowExecutionRequest, DeleteWorkflowExecutionResponse,
    RequestCancelWorkflowExecutionRequest, RequestCancelWorkflowExecutionResponse,
    TerminateWorkflowExecutionRequest, TerminateWorkflowExecutionResponse,
    UpdateWorkflowExecutionOptionsRequest, UpdateWorkflowExecutionOptionsResponse,
};
use crate::proto::{history, timestamp};
use crate::service::check_first_run;
use crate::transaction::context::{CallError, Context};

/// `RequestCancelWorkflowExecution`: ask a workflow to end itself.
pub(crate) fn request_cancel_workflow_execution(
    context: &mut Context,
    request: RequestCancelWorkflowExecutionRequest,
) -> Result<RequestCancelWorkflowExecutionResponse, CallError> {
    let namespace = context.namespace(&request.namespace)?;
    let row = context.find_run(namespace, request.workflow_execution.as_ref())?;
    check_first_run(&row, &request.first_execution_run_id)?;
    // A closed run needs no cancelling, and one that was asked already is not asked again.
    let Some((run, env)) = context.open_run(row.key)? else {
        return Ok(RequestCancelWorkflowExecutionResponse::default());
    };
    let attributes = history::WorkflowExecutionCancelRequestedEventAttributes {
        cause: request.reason,
        identity: request.identity,
        ..Default::default()
    };
    external::request_cancel(run, env, attributes, request.links);
    Ok(RequestCancelWorkflowExecutionResponse::default())
}

/// `TerminateWorkflowExecution`: end a workflow without asking it.
pub(crate) fn terminate_workflow_execution(
    context: &mut Context,
    request: TerminateWorkflowExecutionRequest,
) -> Result<TerminateWorkflowExecutionResponse, CallError> {
    let namespace = context.namespace(&request.namespace)?;
    let row = context.find_run(namespace, request.workflow_execution.as_ref())?;
    check_first_run(&row, &request.first_execution_run_id)?;
    let Some((run, env)) = context.open_run(row.key)? else {
        return Err(RpcStatus::not_found("workflow execution already completed").into());
    };
    let attributes = history::WorkflowExecutionTerminatedEventAttributes {
        reason: or_default(request.reason, "terminated by user via frontend"),
        details: request.details,
        identity: or_default(request.identity, "frontend-service"),
    };
    workflow::terminate(run, env, attributes, request.links);
    Ok(TerminateWorkflowExecutionResponse::default())
}

/// Fill in a default where the caller gave nothing.
fn or_default(given: String, default: &str) -> String {
    if given.is_empty() { default.to_owned() } else { given }
}

/// `DeleteWorkflowExecution`: forget a run, and terminate it first when it is open.
pub(crate) fn delete_workflow_execution(
    context: &mut Context,
    request: DeleteWorkflowExecutionRequest,
) -> Result<DeleteWorkflowExecutionResponse, CallError> {
    let namespace = context.namespace(&request.namespace)?;
    let row = context.find_run(namespace, request.workflow_execution.as_ref())?;
    context.delete_run(row.key)?;
    Ok(DeleteWorkflowExecutionResponse::default())
}

/// `UpdateWorkflowExecutionOptions`: where a run's tasks go, and which of them come first.
pub(crate) fn update_workflow_execution_options(
    context: &mut Context,
    request: UpdateWorkflowExecutionOptionsRequest,
) -> Result<UpdateWorkflowExecutionOptionsResponse, CallError> {
    let invalid = |message: &str| RpcStatus::invalid_argument(message);
    if request.workflow_execution.as_ref().is_none_or(|run| run.workflow_id.is_empty()) {
        return Err(invalid("WorkflowId is not set on request.").into());
    }
    let mask = request.update_mask.ok_or_else(|| invalid("UpdateMask is required"))?.paths;
    let options = request.workflow_execution_options;
    let options = options.ok_or_else(|| invalid("WorkflowExecutionOptions is required"))?;
    let wanted = Wanted { options, mask, identity: request.identity };
    wanted.check()?;
    let namespace = context.namespace(&request.namespace)?;
    let row = context.find_run(namespace, request.workflow_execution.as_ref())?;
    let Some((run, env)) = context.open_run(row.key)? else {
        return Err(RpcStatus::not_found("workflow execution already completed").into());
    };
    let (after, changed) = wanted.merge(&run.row);
    let update_time = changed.is_some().then(|| timestamp(env.now));
    if let Some(changed) = changed {
        workflow_options::update(run, env, changed, Vec::new());
    }
    Ok(UpdateWorkflowExecutionOptionsResponse {
        workflow_execution_options: Some(after),
        update_time,
    })
}
