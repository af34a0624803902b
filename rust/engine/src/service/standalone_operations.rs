//! Activities under an operator's hand, standalone or of a workflow.

use crate::machine::activity::standalone::{SCHEDULED, note};
use crate::machine::activity::standalone_control::{Reset, changed, state_name};
use crate::machine::activity::standalone_options::original;
use crate::machine::activity::{standalone_control, standalone_options as options};
use crate::proto::common::WorkflowExecution;
use crate::proto::nanos;
use crate::proto::service::pause_activity_request::Activity as PauseTarget;
use crate::proto::service::reset_activity_request::Activity as ResetTarget;
use crate::proto::service::unpause_activity_request::Activity as UnpauseTarget;
use crate::proto::service::update_activity_options_request::Activity as UpdateTarget;
use crate::proto::service::{
    PauseActivityExecutionRequest, PauseActivityExecutionResponse, PauseActivityRequest,
    ResetActivityExecutionRequest, ResetActivityExecutionResponse, ResetActivityRequest,
    UnpauseActivityExecutionRequest, UnpauseActivityExecutionResponse, UnpauseActivityRequest,
    UpdateActivityExecutionOptionsRequest, UpdateActivityExecutionOptionsResponse,
    UpdateActivityOptionsRequest,
};
use crate::service::activity_operations;
use crate::service::standalone_control::{check_ending, check_jitter, check_length, find};
use crate::store::{ActivityRecord, StandaloneRecord};
use crate::transaction::context::{CallError, Context};
use crate::{Code, RpcStatus};

/// `PauseActivityExecution`: no more attempts of an activity, of a workflow or without one.
pub(crate) fn pause_activity_execution(
    context: &mut Context,
    request: PauseActivityExecutionRequest,
) -> Result<PauseActivityExecutionResponse, CallError> {
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
            activity: Some(PauseTarget::Id(request.activity_id)),
        };
        activity_operations::pause_activity(context, of_workflow)?;
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

/// `UnpauseActivityExecution`: let a paused activity go on, of a workflow or without one.
pub(crate) fn unpause_activity_execution(
    context: &mut Context,
    request: UnpauseActivityExecutionRequest,
) -> Result<UnpauseActivityExecutionResponse, CallError> {
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
            activity: Some(UnpauseTarget::Id(request.activity_id)),
            ..Default::default()
        };
        activity_operations::unpause_activity(context, of_workflow)?;
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

/// `ResetActivityExecution`: an activity begins anew, of a workflow or without one.
pub(crate) fn reset_activity_execution(
    context: &mut Context,
    request: ResetActivityExecutionRequest,
) -> Result<ResetActivityExecutionResponse, CallError> {
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
            activity: Some(ResetTarget::Id(request.activity_id)),
        };
        activity_operations::reset_activity(context, of_workflow)?;
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

/// `UpdateActivityExecutionOptions`: change what an activity was started with, of a workflow or without one.
pub(crate) fn update_activity_execution_options(
    context: &mut Context,
    request: UpdateActivityExecutionOptionsRequest,
) -> Result<UpdateActivityExecutionOptionsResponse, CallError> {
    if !request.workflow_id.is_empty() {
        return of_workflow(context, request);
    }
    check_ending(&request.request_id, &request.identity, "")?;
    check(&request)?;
    let row = find(context, &request.namespace, &request.activity_id, &request.run_id)?;
    let refused = |message: String| RpcStatus::new(Code::FailedPrecondition, message);
    if context.open_run(row.key)?.is_none() {
        return Err(closed("Cannot update options for activity in state", &row).into());
    }
    let scheduled = context.scheduled_attributes(row.key, SCHEDULED)?;
    let nothing = UpdateActivityExecutionOptionsResponse::default();
    let Some((run, env)) = context.open_run(row.key)? else { return Ok(nothing) };
    let Some(mut record) = run.activities.get(&SCHEDULED).cloned() else { return Ok(nothing) };
    let own = run.row.record.standalone.clone().unwrap_or_default();
    let paths = request.update_mask.as_ref().map_or(&[][..], |mask| mask.paths.as_slice());
    if request.request_id.is_empty() || own.update_request_id != request.request_id {
        let state = state_name(&run.row, Some(&record));
        if matches!(state, "CancelRequested" | "ResetRequested") {
            let message = format!("Cannot update options for activity in state {state}");
            return Err(refused(message).into());
        }
        let delays = paths.iter().any(|path| path == "start_delay" || path == "startDelay");
        if delays && !may_delay(&own, &record, env.now.0) {
            let message = "cannot update start_delay: the first activity attempt has already been \
                           dispatched";
            return Err(refused(message.into()).into());
        }
        if request.restore_original {
            let restored = options::original(run, &record, scheduled);
            options::apply(run, &mut record, restored);
        } else {
            let mut new = options::of(run, &record);
            let given = request.activity_options.unwrap_or_default();
            options::merge(&mut new, &given, paths)?;
            check_timeouts(&request.activity_id, &record, &new)?;
            options::apply(run, &mut record, new);
        }
        let retries =
            request.restore_original || paths.iter().any(|path| path.starts_with("retry"));
        changed(run, env, record, retries);
        note(run, |own| own.update_request_id = request.request_id);
    }
    let record = run.activities.get(&SCHEDULED);
    let activity_options = record.map(|record| options::of(run, record));
    Ok(UpdateActivityExecutionOptionsResponse { activity_options })
}

/// Change the options of a workflow's activity.
fn of_workflow(
    context: &mut Context,
    request: UpdateActivityExecutionOptionsRequest,
) -> Result<UpdateActivityExecutionOptionsResponse, CallError> {
    let (workflow_id, run_id) = (request.workflow_id, request.run_id);
    let request = UpdateActivityOptionsRequest {
        namespace: request.namespace,
        execution: Some(WorkflowExecution { workflow_id, run_id }),
        identity: request.identity,
        activity_options: request.activity_options,
        update_mask: request.update_mask,
        restore_original: request.restore_original,
        activity: Some(UpdateTarget::Id(request.activity_id)),
    };
    let response = activity_operations::update_activity_options(context, request)?;
    let activity_options = response.activity_options;
    Ok(UpdateActivityExecutionOptionsResponse { activity_options })
}

fn invalid<T>(message: impl Into<String>) -> Result<T, RpcStatus> {
    Err(RpcStatus::invalid_argument(message))
}

fn check(request: &UpdateActivityExecutionOptionsRequest) -> Result<(), RpcStatus> {
    let mask = request.update_mask.as_ref();
    let names = mask.is_some_and(|mask| !mask.paths.is_empty());
    match (request.restore_original, names) {
        (true, true) => invalid("Both UpdateMask and RestoreOriginal are provided"),
        (false, _) if request.activity_options.is_none() => {
            invalid("ActivityOptions are not provided")
        }
        (false, _) if mask.is_none() => invalid("UpdateMask is not provided"),
        (false, false) => invalid("UpdateMask must specify at least one path"),
        (true, false) | (false, true) => Ok(()),
    }
}

/// Tell whether the first attempt has not been given to a queue yet.
fn may_delay(own: &StandaloneRecord, record: &ActivityRecord, now: i64) -> bool {
    let first = record.scheduled_time.saturating_add(record.start_delay);
    first > now || (own.last_started == 0 && record.paused.is_some())
}

fn check_timeouts(
    id: &str,
    record: &ActivityRecord,
    new: &crate::proto::activity::ActivityOptions,
) -> Result<(), RpcStatus> {
    let whole = nanos(new.schedule_to_close_timeout.as_ref());
    if whole == 0 && nanos(new.start_to_close_timeout.as_ref()) == 0 {
        return invalid(format!(
            "a valid StartToCloseTimeout or ScheduleToCloseTimeout must be set on the activity. \
             ActivityId={id} ActivityType={}",
            record.activity_type
        ));
    }
    Ok(())
}
