//! `RequestCancelWorkflowExecution`: ask a workflow to end itself.

use crate::context::{Context, Failure};
use crate::machine::workflow;
use crate::proto::service::{
    RequestCancelWorkflowExecutionRequest, RequestCancelWorkflowExecutionResponse,
};
use crate::proto::{Attributes, history};
use crate::rpc::check_first_run;
use crate::run::make_event;

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
    if !run.row.record.cancel_requested {
        run.state().record.cancel_requested = true;
        let attributes = history::WorkflowExecutionCancelRequestedEventAttributes {
            cause: request.reason,
            identity: request.identity,
            ..Default::default()
        };
        let mut event = make_event(
            env,
            Attributes::WorkflowExecutionCancelRequestedEventAttributes(attributes),
        );
        event.links = request.links;
        workflow::receive(run, env, event);
    }
    Ok(RequestCancelWorkflowExecutionResponse::default())
}
