//! `DeleteWorkflowExecution`: forget a run, and terminate it first when it is open.

use crate::context::{Context, Failure};
use crate::proto::service::{DeleteWorkflowExecutionRequest, DeleteWorkflowExecutionResponse};

pub(crate) fn handle(
    context: &mut Context,
    request: DeleteWorkflowExecutionRequest,
) -> Result<DeleteWorkflowExecutionResponse, Failure> {
    let namespace = context.namespace(&request.namespace)?;
    let row = context.find_run(namespace, request.workflow_execution.as_ref())?;
    context.delete_run(row.key)?;
    Ok(DeleteWorkflowExecutionResponse::default())
}
