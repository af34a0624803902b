//! `UpdateWorkflowExecutionOptions`: where a run's tasks go, and which of them come first.

use crate::RpcStatus;
use crate::context::{Context, Failure};
use crate::machine::options::{self, Wanted};
use crate::proto::service::{
    UpdateWorkflowExecutionOptionsRequest, UpdateWorkflowExecutionOptionsResponse,
};
use crate::proto::timestamp;

pub(crate) fn handle(
    context: &mut Context,
    request: UpdateWorkflowExecutionOptionsRequest,
) -> Result<UpdateWorkflowExecutionOptionsResponse, Failure> {
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
        options::update(run, env, changed, Vec::new());
    }
    Ok(UpdateWorkflowExecutionOptionsResponse {
        workflow_execution_options: Some(after),
        update_time,
    })
}
