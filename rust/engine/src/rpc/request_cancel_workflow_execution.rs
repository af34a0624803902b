//! `RequestCancelWorkflowExecution`: ask a workflow to end itself.

use crate::context::{Context, Failure};
use crate::machine::external;
use crate::proto::history;
use crate::proto::service::{
    RequestCancelWorkflowExecutionRequest, RequestCancelWorkflowExecutionResponse,
};
use crate::rpc::check_first_run;

pub(crate) fn handle(
    context: &mut Context,
    request: RequestCancelWorkflowExecutionRequest,
) -> Result<RequestCancelWorkflowExecutionResponse, Failure> {
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
