//! `TerminateWorkflowExecution`: end a workflow without asking it.

use crate::RpcStatus;
use crate::context::{Context, Failure};
use crate::machine::workflow;
use crate::proto::history;
use crate::proto::service::{
    TerminateWorkflowExecutionRequest, TerminateWorkflowExecutionResponse,
};
use crate::rpc::check_first_run;

pub(crate) fn handle(
    context: &mut Context,
    request: TerminateWorkflowExecutionRequest,
) -> Result<TerminateWorkflowExecutionResponse, Failure> {
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

/// What stands in the event where the caller says nothing.
fn or_default(given: String, default: &str) -> String {
    if given.is_empty() { default.to_owned() } else { given }
}
