//! `TerminateActivityExecution`: end an activity without asking it.

use super::standalone::{check_ending, find};
use crate::context::{Context, Failure};
use crate::machine::standalone;
use crate::proto::enums::ActivityExecutionStatus as Status;
use crate::proto::service::{
    TerminateActivityExecutionRequest, TerminateActivityExecutionResponse,
};
use crate::{Code, RpcStatus};

pub(crate) fn handle(
    context: &mut Context,
    request: TerminateActivityExecutionRequest,
) -> Result<TerminateActivityExecutionResponse, Failure> {
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
