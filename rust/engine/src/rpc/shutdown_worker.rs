//! `ShutdownWorker`: a worker leaves. Its polls come back empty, and what waits in its sticky queue
//! goes to whoever is left, at once.

use bytes::Bytes;

use crate::action::Reply;
use crate::context::{Context, Failure};
use crate::matching::{QueueKey, QueueKind};
use crate::proto::service::{ShutdownWorkerRequest, ShutdownWorkerResponse};

pub(crate) fn handle(
    context: &mut Context,
    request: ShutdownWorkerRequest,
) -> Result<ShutdownWorkerResponse, Failure> {
    let namespace = context.namespace(&request.namespace)?;
    if !request.worker_instance_key.is_empty() {
        let wall = context.env.wall;
        for responder in context.matching.shut_down(&request.worker_instance_key, wall) {
            context.reply(responder, Reply::new(Ok(Bytes::new())));
        }
    }
    if !request.sticky_task_queue.is_empty() {
        let name = request.sticky_task_queue;
        context.abandon_sticky(&QueueKey { namespace, kind: QueueKind::Workflow, name })?;
    }
    Ok(ShutdownWorkerResponse::default())
}
