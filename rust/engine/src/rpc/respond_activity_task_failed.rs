//! `RespondActivityTaskFailed`: another attempt, or the end.

use prost::Message;

use crate::RpcStatus;
use crate::context::{Context, Failure};
use crate::history::causes;
use crate::ids::{EventId, RunKey};
use crate::machine::activity::{self, End};
use crate::machine::workflow::BLOB_LIMIT;
use crate::proto::common::Payloads;
use crate::proto::failure::{Failure as Reason, failure::FailureInfo};
use crate::proto::service::{RespondActivityTaskFailedRequest, RespondActivityTaskFailedResponse};

pub(crate) fn handle(
    context: &mut Context,
    request: RespondActivityTaskFailedRequest,
) -> Result<RespondActivityTaskFailedResponse, Failure> {
    let (key, id) = context.activity_of(&request.task_token)?;
    let failure = request.failure.unwrap_or_default();
    fail(context, key, id, failure, request.last_heartbeat_details, request.identity)?;
    Ok(RespondActivityTaskFailedResponse::default())
}

/// An attempt failed. A failure that is too large to store is replaced by one that says so.
pub(super) fn fail(
    context: &mut Context,
    key: RunKey,
    id: EventId,
    mut failure: Reason,
    details: Option<Payloads>,
    identity: String,
) -> Result<(), Failure> {
    let of_application =
        matches!(failure.failure_info, Some(FailureInfo::ApplicationFailureInfo(_)));
    if failure != Reason::default() && !of_application {
        let message = "Failure must have ApplicationFailureInfo.";
        return Err(RpcStatus::invalid_argument(message).into());
    }
    let Some((run, env)) = context.open_run(key)? else { return Ok(()) };
    if details.is_some() {
        activity::heartbeat(run, env, id, details);
    }
    if failure.encoded_len() > BLOB_LIMIT {
        failure = activity::server_failure("Failure exceeds size limit.", false);
    }
    causes::cut_failure(&mut failure);
    if let Err(state) = activity::retry(run, env, id, &failure) {
        activity::close(run, env, id, End::Failed { failure, identity, state });
    }
    Ok(())
}
