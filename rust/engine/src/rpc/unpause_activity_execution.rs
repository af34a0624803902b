//! `UnpauseActivityExecution`: let a paused activity go on, of a workflow or without one.

use super::pause_activity_execution::closed;
use super::standalone::{check_ending, check_jitter, find};
use super::unpause_activity;
use crate::context::{Context, Failure};
use crate::machine::standalone::note;
use crate::machine::standalone_control;
use crate::proto::common::WorkflowExecution;
use crate::proto::nanos;
use crate::proto::service::unpause_activity_request::Activity;
use crate::proto::service::{
    UnpauseActivityExecutionRequest, UnpauseActivityExecutionResponse, UnpauseActivityRequest,
};

pub(crate) fn handle(
    context: &mut Context,
    request: UnpauseActivityExecutionRequest,
) -> Result<UnpauseActivityExecutionResponse, Failure> {
    let UnpauseActivityExecutionRequest {
        workflow_id, run_id, identity, jitter, request_id, ..
    } = request;
    check_ending(&request_id, &identity, &request.reason)?;
    check_jitter(jitter.as_ref())?;
    if !workflow_id.is_empty() {
        let of_workflow = UnpauseActivityRequest {
            namespace: request.namespace,
            execution: Some(WorkflowExecution { workflow_id, run_id }),
            identity,
            jitter,
            activity: Some(Activity::Id(request.activity_id)),
            ..Default::default()
        };
        unpause_activity::handle(context, of_workflow)?;
        return Ok(UnpauseActivityExecutionResponse {});
    }
    let row = find(context, &request.namespace, &request.activity_id, &run_id)?;
    let own = row.record.standalone.as_ref();
    if !request_id.is_empty() && own.is_some_and(|own| own.unpause_request_id == request_id) {
        return Ok(UnpauseActivityExecutionResponse {});
    }
    let Some((run, env)) = context.open_run(row.key)? else {
        return Err(closed("activity is in terminal state", &row).into());
    };
    standalone_control::unpause(run, env, nanos(jitter.as_ref()))?;
    note(run, |own| own.unpause_request_id = request_id);
    Ok(UnpauseActivityExecutionResponse {})
}
