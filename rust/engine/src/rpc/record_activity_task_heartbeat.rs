//! `RecordActivityTaskHeartbeat`.

use crate::RpcStatus;
use crate::context::{Context, Failure};
use crate::machine::{activity, workflow};
use crate::proto::service::{
    RecordActivityTaskHeartbeatRequest, RecordActivityTaskHeartbeatResponse,
};

pub(crate) fn handle(
    context: &mut Context,
    request: RecordActivityTaskHeartbeatRequest,
) -> Result<RecordActivityTaskHeartbeatResponse, Failure> {
    let (key, id) = context.activity_of(&request.task_token)?;
    workflow::check_size(request.details.as_ref(), "RecordActivityTaskHeartbeatRequest.Details")
        .map_err(RpcStatus::invalid_argument)?;
    let mut response = RecordActivityTaskHeartbeatResponse::default();
    if let Some((run, env)) = context.open_run(key)? {
        response.cancel_requested = activity::heartbeat(run, env, id, request.details);
    }
    Ok(response)
}
