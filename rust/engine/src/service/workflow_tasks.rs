//! Workflow tasks: polls, and tasks that failed.

use crate::RpcStatus;
use crate::ids::{RunKey, WorkflowTaskToken, parse_task_token};
use crate::machine::workflow_task;
use crate::machine::workflow_task::Ended;
use crate::policy::limits::NAME_LIMIT;
use crate::proto::service::{
    PollWorkflowTaskQueueRequest, RespondWorkflowTaskFailedRequest,
    RespondWorkflowTaskFailedResponse,
};
use crate::service::workflow_task_completed::leased_run;
use crate::state::task_queues::{QueueKey, QueueKind};
use crate::transaction::context::{CallError, Context, Outcome};

/// `PollWorkflowTaskQueue`: the next workflow task, or an empty answer after a while.
pub(crate) fn poll_workflow_task_queue(
    context: &mut Context,
    request: PollWorkflowTaskQueueRequest,
) -> Result<Outcome, CallError> {
    let namespace = context.namespace(&request.namespace)?;
    let name = request.task_queue.map(|queue| queue.name).unwrap_or_default();
    poll(
        context,
        QueueKey { namespace, kind: QueueKind::Workflow, name },
        request.identity,
        request.worker_instance_key,
    )
}

/// Poll either kind of queue.
pub(super) fn poll(
    context: &mut Context,
    queue: QueueKey,
    identity: String,
    worker: String,
) -> Result<Outcome, CallError> {
    if queue.name.is_empty() {
        return Err(RpcStatus::invalid_argument("taskQueue is not set").into());
    }
    if queue.name.len() > NAME_LIMIT {
        return Err(RpcStatus::invalid_argument("taskQueue length exceeds limit").into());
    }
    if identity.len() > NAME_LIMIT {
        return Err(RpcStatus::invalid_argument("Identity length exceeds limit.").into());
    }
    if let Some(responder) = context.caller.responder.take() {
        context.poll(&queue, identity, worker, responder)?;
    }
    Ok(Outcome::Parked)
}

/// `RespondWorkflowTaskFailed`.
pub(crate) fn respond_workflow_task_failed(
    context: &mut Context,
    request: RespondWorkflowTaskFailedRequest,
) -> Result<RespondWorkflowTaskFailedResponse, CallError> {
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
