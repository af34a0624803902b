//! `UpdateActivityExecutionOptions`: change what an activity was started with, of a workflow or without one.

use super::pause_activity_execution::closed;
use super::standalone::{check_ending, find};
use super::update_activity_options;
use crate::context::{Context, Failure};
use crate::machine::standalone::{SCHEDULED, note};
use crate::machine::standalone_control::{changed, state_name};
use crate::machine::standalone_options as options;
use crate::proto::common::WorkflowExecution;
use crate::proto::nanos;
use crate::proto::service::update_activity_options_request::Activity;
use crate::proto::service::{
    UpdateActivityExecutionOptionsRequest, UpdateActivityExecutionOptionsResponse,
    UpdateActivityOptionsRequest,
};
use crate::store::{ActivityRecord, StandaloneRecord};
use crate::{Code, RpcStatus};

pub(crate) fn handle(
    context: &mut Context,
    request: UpdateActivityExecutionOptionsRequest,
) -> Result<UpdateActivityExecutionOptionsResponse, Failure> {
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

/// The same for an activity of a workflow.
fn of_workflow(
    context: &mut Context,
    request: UpdateActivityExecutionOptionsRequest,
) -> Result<UpdateActivityExecutionOptionsResponse, Failure> {
    let (workflow_id, run_id) = (request.workflow_id, request.run_id);
    let request = UpdateActivityOptionsRequest {
        namespace: request.namespace,
        execution: Some(WorkflowExecution { workflow_id, run_id }),
        identity: request.identity,
        activity_options: request.activity_options,
        update_mask: request.update_mask,
        restore_original: request.restore_original,
        activity: Some(Activity::Id(request.activity_id)),
    };
    let response = update_activity_options::handle(context, request)?;
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

/// Whether the first attempt has not been given to a queue yet.
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
