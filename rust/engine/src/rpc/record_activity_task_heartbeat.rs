//! `RecordActivityTaskHeartbeat`.

use prost::Message;

use crate::context::{Context, Failure};
use crate::ids::{EventId, RunKey};
use crate::machine::activity::{self, Told};
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
    let told = heartbeat(context, key, id, request.details)?;
    Ok(RecordActivityTaskHeartbeatResponse {
        cancel_requested: told.cancel_requested,
        activity_paused: told.paused,
        activity_reset: told.reset,
    })
}

/// Note that an activity is alive, and tell whether it is to stop. With details that are too large it
/// fails.
pub(super) fn heartbeat(
    context: &mut Context,
    key: RunKey,
    id: EventId,
    details: Option<Payloads>,
) -> Result<Told, Failure> {
    let stop = Told { cancel_requested: true, ..Told::default() };
    let Some((run, env)) = context.open_run(key)? else { return Ok(stop) };
    if details.as_ref().map_or(0, Message::encoded_len) > BLOB_LIMIT {
        let end = activity::too_large("Heartbeat details exceed size limit.");
        activity::close(run, env, id, end);
        return Ok(stop);
    }
    Ok(activity::heartbeat(run, env, id, details))
}
