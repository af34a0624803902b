//! `PollWorkflowTaskQueue`: the next workflow task, or an empty answer after a while.

use crate::RpcStatus;
use crate::command::NAME_LIMIT;
use crate::context::{Context, Failure, Outcome};
use crate::matching::{QueueKey, QueueKind};
use crate::proto::service::PollWorkflowTaskQueueRequest;

pub(crate) fn handle(
    context: &mut Context,
    request: PollWorkflowTaskQueueRequest,
) -> Result<Outcome, Failure> {
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
) -> Result<Outcome, Failure> {
    if queue.name.is_empty() {
        return Err(RpcStatus::invalid_argument("taskQueue is not set").into());
    }
    if queue.name.len() > NAME_LIMIT {
        return Err(RpcStatus::invalid_argument("taskQueue length exceeds limit").into());
    }
    if let Some(responder) = context.caller.responder.take() {
        context.poll(&queue, identity, worker, responder)?;
    }
    Ok(Outcome::Parked)
}
