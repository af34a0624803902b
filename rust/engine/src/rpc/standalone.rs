//! What requests about activities that were started by themselves have in common.

use crate::RpcStatus;
use crate::command::NAME_LIMIT;
use crate::context::{Context, Failure};
use crate::ids::RunId;
use crate::machine::workflow::BLOB_LIMIT;
use crate::proto::from_duration;
use crate::store::RunRow;

/// The activity that a caller names.
pub(super) fn find(
    context: &mut Context,
    namespace: &str,
    activity_id: &str,
    run_id: &str,
) -> Result<RunRow, Failure> {
    let namespace = context.namespace(namespace)?;
    if activity_id.is_empty() {
        return Err(RpcStatus::invalid_argument("activity ID is required").into());
    }
    check_length("activity ID", activity_id)?;
    if !run_id.is_empty() && RunId::parse(run_id).is_err() {
        let message = "invalid run id: must be a valid UUID";
        return Err(RpcStatus::invalid_argument(message).into());
    }
    context.find_activity(namespace, activity_id, run_id)
}

/// Refuse an id, or what is like one, that is too long.
pub(super) fn check_length(name: &str, given: &str) -> Result<(), RpcStatus> {
    if given.len() > NAME_LIMIT {
        let length = given.len();
        return Err(RpcStatus::invalid_argument(format!(
            "{name} exceeds length limit. Length={length} Limit={NAME_LIMIT}"
        )));
    }
    Ok(())
}

/// Refuse a time that is none.
pub(super) fn check_jitter(jitter: Option<&prost_wkt_types::Duration>) -> Result<(), RpcStatus> {
    if jitter.is_some_and(|jitter| from_duration(jitter).is_none()) {
        return Err(RpcStatus::invalid_argument("invalid jitter: negative duration"));
    }
    Ok(())
}

/// Refuse who asks for something, or why, where that is too long.
pub(super) fn check_ending(
    request_id: &str,
    identity: &str,
    reason: &str,
) -> Result<(), RpcStatus> {
    check_length("request ID", request_id)?;
    check_length("identity", identity)?;
    if reason.len() > BLOB_LIMIT {
        return Err(RpcStatus::invalid_argument("reason exceeds length limit"));
    }
    Ok(())
}
