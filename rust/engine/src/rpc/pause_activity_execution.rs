//! `PauseActivityExecution`: no more attempts of an activity, of a workflow or without one.

use super::pause_activity;
use super::standalone::{check_ending, check_length, find};
use crate::RpcStatus;
use crate::context::{Context, Failure};
use crate::machine::standalone::note;
use crate::machine::standalone_control;
use crate::proto::common::WorkflowExecution;
use crate::proto::service::pause_activity_request::Activity;
use crate::proto::service::{
    PauseActivityExecutionRequest, PauseActivityExecutionResponse, PauseActivityRequest,
};

pub(crate) fn handle(
    context: &mut Context,
    request: PauseActivityExecutionRequest,
) -> Result<PauseActivityExecutionResponse, Failure> {
    let PauseActivityExecutionRequest { workflow_id, run_id, identity, reason, request_id, .. } =
        request;
    check_ending(&request_id, &identity, &reason)?;
    if !workflow_id.is_empty() {
        check_length("activity ID", &request.activity_id)?;
        let of_workflow = PauseActivityRequest {
            namespace: request.namespace,
            execution: Some(WorkflowExecution { workflow_id, run_id }),
            identity,
            reason,
            request_id,
            activity: Some(Activity::Id(request.activity_id)),
        };
        pause_activity::handle(context, of_workflow)?;
        return Ok(PauseActivityExecutionResponse {});
    }
    let row = find(context, &request.namespace, &request.activity_id, &run_id)?;
    let own = row.record.standalone.as_ref();
    if !request_id.is_empty() && own.is_some_and(|own| own.pause_request_id == request_id) {
        return Ok(PauseActivityExecutionResponse {});
    }
    let Some((run, env)) = context.open_run(row.key)? else {
        return Err(closed("activity is in non-pausable state", &row).into());
    };
    standalone_control::pause(run, env, &identity, &reason)?;
    note(run, |own| own.pause_request_id = request_id);
    Ok(PauseActivityExecutionResponse {})
}

/// Why a closed activity can't be changed any more.
pub(super) fn closed(what: &str, row: &crate::store::RunRow) -> RpcStatus {
    let state = standalone_control::state_name(row, None);
    RpcStatus::new(crate::Code::FailedPrecondition, format!("{what} {state}"))
}
