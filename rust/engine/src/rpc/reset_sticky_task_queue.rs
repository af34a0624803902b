//! `ResetStickyTaskQueue`: any worker may have the next workflow task, not only the one with the run in its
//! cache.

use crate::RpcStatus;
use crate::context::{Context, Failure};
use crate::proto::service::{ResetStickyTaskQueueRequest, ResetStickyTaskQueueResponse};

pub(crate) fn handle(
    context: &mut Context,
    request: ResetStickyTaskQueueRequest,
) -> Result<ResetStickyTaskQueueResponse, Failure> {
    let namespace = context.namespace(&request.namespace)?;
    let row = context.find_run(namespace, request.execution.as_ref())?;
    let Some((run, _)) = context.open_run(row.key)? else {
        return Err(RpcStatus::not_found("workflow execution already completed").into());
    };
    run.volatile.sticky = None;
    Ok(ResetStickyTaskQueueResponse::default())
}
