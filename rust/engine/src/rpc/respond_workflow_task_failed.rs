//! `RespondWorkflowTaskFailed`.

use super::respond_workflow_task_completed::leased_run;
use crate::RpcStatus;
use crate::context::{Context, Failure};
use crate::ids::{RunKey, WorkflowTaskToken, parse_task_token};
use crate::machine::workflow_task::{self, Ended};
use crate::proto::service::{RespondWorkflowTaskFailedRequest, RespondWorkflowTaskFailedResponse};

pub(crate) fn handle(
    context: &mut Context,
    request: RespondWorkflowTaskFailedRequest,
) -> Result<RespondWorkflowTaskFailedResponse, Failure> {
    let token: WorkflowTaskToken = parse_task_token(&request.task_token)?;
    if context.open_run(RunKey(token.run_key))?.is_none() {
        return Err(RpcStatus::not_found("workflow execution already completed").into());
    }
    let key = leased_run(context, &request.task_token)?;
    if let Some((run, env)) = context.open_run(key)? {
        let cause = request.cause();
        let ended = Ended::Failed {
            cause,
            failure: request.failure.map(Box::new),
            identity: request.identity,
        };
        workflow_task::end(run, env, ended);
    }
    Ok(RespondWorkflowTaskFailedResponse {})
}
