//! `RequestCancelActivityExecution`: ask an activity to stop.

use super::standalone::{check_ending, find};
use crate::context::{Context, Failure};
use crate::machine::standalone;
use crate::proto::service::{
    RequestCancelActivityExecutionRequest, RequestCancelActivityExecutionResponse,
};
use crate::store::CancelRecord;
use crate::{Code, RpcStatus, filter};

pub(crate) fn handle(
    context: &mut Context,
    request: RequestCancelActivityExecutionRequest,
) -> Result<RequestCancelActivityExecutionResponse, Failure> {
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
