//! `RecordActivityTaskHeartbeat`.

use prost::Message;

use crate::context::{Context, Failure};
use crate::ids::{EventId, RunKey};
use crate::machine::activity;
use crate::machine::workflow::BLOB_LIMIT;
use crate::proto::common::Payloads;
use crate::proto::service::{
    RecordActivityTaskHeartbeatRequest, RecordActivityTaskHeartbeatResponse,
};

pub(crate) fn handle(
    context: &mut Context,
    request: RecordActivityTaskHeartbeatRequest,
) -> Result<RecordActivityTaskHeartbeatResponse, Failure> {
    let (key, id) = context.activity_of(&request.task_token)?;
    let cancel_requested = heartbeat(context, key, id, request.details)?;
    Ok(RecordActivityTaskHeartbeatResponse { cancel_requested, ..Default::default() })
}

/// Note that an activity is alive; true when it is to stop. With details that are too large it fails.
pub(super) fn heartbeat(
    context: &mut Context,
    key: RunKey,
    id: EventId,
    details: Option<Payloads>,
) -> Result<bool, Failure> {
    let Some((run, env)) = context.open_run(key)? else { return Ok(true) };
    if details.as_ref().map_or(0, Message::encoded_len) > BLOB_LIMIT {
        let end = activity::too_large("Heartbeat details exceed size limit.");
        activity::close(run, env, id, end);
        return Ok(true);
    }
    Ok(activity::heartbeat(run, env, id, details))
}
