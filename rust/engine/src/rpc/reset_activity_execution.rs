//! `ResetActivityExecution`: an activity begins anew, of a workflow or without one.

use super::reset_activity;
use super::standalone::{check_ending, check_jitter, find};
use crate::context::{Context, Failure};
use crate::machine::standalone::{SCHEDULED, note};
use crate::machine::standalone_control::{self, Reset};
use crate::machine::standalone_options::original;
use crate::proto::common::WorkflowExecution;
use crate::proto::nanos;
use crate::proto::service::reset_activity_request::Activity;
use crate::proto::service::{
    ResetActivityExecutionRequest, ResetActivityExecutionResponse, ResetActivityRequest,
};
use crate::{Code, RpcStatus};

pub(crate) fn handle(
    context: &mut Context,
    request: ResetActivityExecutionRequest,
) -> Result<ResetActivityExecutionResponse, Failure> {
    check_ending(&request.request_id, &request.identity, "")?;
    check_jitter(request.jitter.as_ref())?;
    if !request.workflow_id.is_empty() {
        let (workflow_id, run_id) = (request.workflow_id, request.run_id);
        let of_workflow = ResetActivityRequest {
            namespace: request.namespace,
            execution: Some(WorkflowExecution { workflow_id, run_id }),
            identity: request.identity,
            reset_heartbeat: request.reset_heartbeat,
            keep_paused: request.keep_paused,
            jitter: request.jitter,
            restore_original_options: request.restore_original_options,
            activity: Some(Activity::Id(request.activity_id)),
        };
        reset_activity::handle(context, of_workflow)?;
        return Ok(ResetActivityExecutionResponse {});
    }
    let row = find(context, &request.namespace, &request.activity_id, &request.run_id)?;
    let own = row.record.standalone.as_ref();
    let request_id = request.request_id;
    if !request_id.is_empty() && own.is_some_and(|own| own.reset_request_id == request_id) {
        return Ok(ResetActivityExecutionResponse {});
    }
    let closed = || RpcStatus::new(Code::FailedPrecondition, "activity execution is not running");
    if context.open_run(row.key)?.is_none() {
        return Err(closed().into());
    }
    let scheduled = context.scheduled_attributes(row.key, SCHEDULED)?;
    let Some((run, env)) = context.open_run(row.key)? else { return Err(closed().into()) };
    let record = run.activities.get(&SCHEDULED).filter(|_| request.restore_original_options);
    let wish = Reset {
        keep_paused: request.keep_paused,
        heartbeat: request.reset_heartbeat,
        jitter: nanos(request.jitter.as_ref()),
        restored: record.map(|record| original(run, record, scheduled)),
    };
    standalone_control::reset(run, env, wish)?;
    note(run, |own| own.reset_request_id = request_id);
    Ok(ResetActivityExecutionResponse {})
}
