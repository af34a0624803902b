//! `PollActivityTaskQueue`: the next activity, or an empty answer after a while.

use super::poll_workflow_task_queue::poll;
use crate::context::{Context, Failure, Outcome};
use crate::matching::{QueueKey, QueueKind};
use crate::proto::service::PollActivityTaskQueueRequest;

pub(crate) fn handle(
    context: &mut Context,
    request: PollActivityTaskQueueRequest,
) -> Result<Outcome, Failure> {
    let namespace = context.namespace(&request.namespace)?;
    let name = request.task_queue.map(|queue| queue.name).unwrap_or_default();
    poll(
        context,
        QueueKey { namespace, kind: QueueKind::Activity, name },
        request.identity,
        request.worker_instance_key,
    )
}
