//! Standalone activities: cancelled, terminated, deleted.

use crate::ids::RunId;
use crate::machine::activity::standalone;
use crate::policy::limits::{BLOB_LIMIT, NAME_LIMIT};
use crate::proto::enums::ActivityExecutionStatus as Status;
use crate::proto::from_duration;
use crate::proto::service::{
    DeleteActivityExecutionRequest, DeleteActivityExecutionResponse,
    RequestCancelActivityExecutionRequest, RequestCancelActivityExecutionResponse,
    TerminateActivityExecutionRequest, TerminateActivityExecutionResponse,
};
use crate::store::{CancelRecord, RunRow};
use crate::transaction::context::{CallError, Context};
use crate::visibility::filter;
use crate::{Code, RpcStatus};

/// `RequestCancelActivityExecution`: ask an activity to stop.
pub(crate) fn request_cancel_activity_execution(
    context: &mut Context,
    request: RequestCancelActivityExecutionRequest,
) -> Result<RequestCancelActivityExecutionResponse, CallError> {
    check_ending(&request.request_id, &request.identity, &request.reason)?;
    let row = find(context, &request.namespace, &request.activity_id, &request.run_id)?;
    let before = row.record.standalone.as_ref().and_then(|own| own.cancel.as_ref());
    if let Some(before) = before
        && !request.request_id.is_empty()
        && before.request_id == request.request_id
    {
        return Ok(RequestCancelActivityExecutionResponse {});
    }
    let refused = |message| Err(RpcStatus::new(Code::FailedPrecondition, message).into());
    let Some((run, env)) = context.open_run(row.key)? else {
        let status = filter::status_name(row.kind(), row.status);
        return refused(format!("activity is in terminal state {status}"));
    };
    if let Some(before) = before {
        return refused(format!(
            "cancellation already requested with request ID {}",
            before.request_id
        ));
    }
    let request_id = if request.request_id.is_empty() {
        uuid::Uuid::from_bytes(env.entropy.bytes()).to_string()
    } else {
        request.request_id
    };
    let (identity, reason) = (request.identity, request.reason);
    standalone::request_cancel(run, env, CancelRecord { identity, reason, request_id });
    Ok(RequestCancelActivityExecutionResponse {})
}

/// `TerminateActivityExecution`: end an activity without asking it.
pub(crate) fn terminate_activity_execution(
    context: &mut Context,
    request: TerminateActivityExecutionRequest,
) -> Result<TerminateActivityExecutionResponse, CallError> {
    check_ending(&request.request_id, &request.identity, &request.reason)?;
    let row = find(context, &request.namespace, &request.activity_id, &request.run_id)?;
    let before = row.record.standalone.as_ref().map_or("", |own| &own.terminate_request_id);
    let Some((run, env)) = context.open_run(row.key)? else {
        if !before.is_empty() && before == request.request_id {
            return Ok(TerminateActivityExecutionResponse {});
        }
        if row.status != i32::from(Status::Terminated) {
            return Err(standalone::no_transition(&row).into());
        }
        let message = format!("already terminated with request ID {before}");
        return Err(RpcStatus::new(Code::FailedPrecondition, message).into());
    };
    let request_id = if request.request_id.is_empty() {
        uuid::Uuid::from_bytes(env.entropy.bytes()).to_string()
    } else {
        request.request_id
    };
    standalone::terminate(run, env, request.reason, request.identity, request_id);
    Ok(TerminateActivityExecutionResponse {})
}

/// `DeleteActivityExecution`: end an activity if need be, and forget it.
pub(crate) fn delete_activity_execution(
    context: &mut Context,
    request: DeleteActivityExecutionRequest,
) -> Result<DeleteActivityExecutionResponse, CallError> {
    let row = find(context, &request.namespace, &request.activity_id, &request.run_id)?;
    if let Some((run, env)) = context.open_run(row.key)? {
        let reason = "Delete activity execution".to_owned();
        standalone::terminate(run, env, reason, String::new(), String::new());
        run.volatile.deleted = true;
    } else {
        context.erase(row.key)?;
    }
    Ok(DeleteActivityExecutionResponse {})
}

/// The activity that a caller names.
pub(super) fn find(
    context: &mut Context,
    namespace: &str,
    activity_id: &str,
    run_id: &str,
) -> Result<RunRow, CallError> {
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
