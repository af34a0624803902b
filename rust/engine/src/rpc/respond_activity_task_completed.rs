//! `RespondActivityTaskCompleted`.

use prost::Message;

use crate::context::{Context, Failure};
use crate::ids::{EventId, RunKey};
use crate::machine::activity::{self, End};
use crate::machine::workflow::BLOB_LIMIT;
use crate::proto::common::Payloads;
use crate::proto::service::{
    RespondActivityTaskCompletedRequest, RespondActivityTaskCompletedResponse,
};

pub(crate) fn handle(
    context: &mut Context,
    request: RespondActivityTaskCompletedRequest,
) -> Result<RespondActivityTaskCompletedResponse, Failure> {
    let (key, id) = context.activity_of(&request.task_token)?;
    complete(context, key, id, request.result, request.identity)?;
    Ok(RespondActivityTaskCompletedResponse {})
}

/// Complete an activity. With a result that is too large it fails: it would be no smaller another time.
pub(super) fn complete(
    context: &mut Context,
    key: RunKey,
    id: EventId,
    result: Option<Payloads>,
    identity: String,
) -> Result<(), Failure> {
    if let Some((run, env)) = context.open_run(key)? {
        let end = if result.as_ref().map_or(0, Message::encoded_len) > BLOB_LIMIT {
            activity::too_large("Complete result exceeds size limit.")
        } else {
            End::Completed { result, identity }
        };
        activity::close(run, env, id, end);
    }
    Ok(())
}
