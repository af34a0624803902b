//! Activities of workflows under an operator's hand.

use crate::ids::{EventId, RunKey};
use crate::machine::activity::control::{Which, Wish, is_paused_by_other};
use crate::machine::activity::{control, options};
use crate::proto::common::WorkflowExecution;
use crate::proto::nanos;
use crate::proto::service::pause_activity_request::Activity as PauseTarget;
use crate::proto::service::reset_activity_request::Activity as ResetTarget;
use crate::proto::service::unpause_activity_request::Activity as UnpauseTarget;
use crate::proto::service::update_activity_options_request::Activity as UpdateTarget;
use crate::proto::service::{
    PauseActivityRequest, PauseActivityResponse, ResetActivityRequest, ResetActivityResponse,
    UnpauseActivityRequest, UnpauseActivityResponse, UpdateActivityOptionsRequest,
    UpdateActivityOptionsResponse,
};
use crate::state::task_queues::{QueueKey, QueueKind};
use crate::store::record::{ActivityState, PauseRecord};
use crate::transaction::context::{CallError, Context};
use crate::{Code, RpcStatus};

/// `PauseActivity`: no more attempts of an activity until somebody lets it go on.
pub(crate) fn pause_activity(
    context: &mut Context,
    request: PauseActivityRequest,
) -> Result<PauseActivityResponse, CallError> {
    let which = request.activity.map(|activity| match activity {
        PauseTarget::Id(id) => Which::Id(id),
        PauseTarget::Type(name) => Which::Type(name),
    });
    let (key, ids) = find_pending(context, &request.namespace, request.execution.as_ref(), which)?;
    if let Some((run, env)) = context.open_run(key)? {
        let paused = |id: &EventId| is_paused_by_other(run, *id, &request.request_id);
        if ids.iter().any(paused) {
            let message = "activity is already paused";
            return Err(RpcStatus::new(Code::FailedPrecondition, message).into());
        }
        let pause = PauseRecord {
            time: env.now.0,
            identity: request.identity,
            reason: request.reason,
            request_id: request.request_id,
        };
        for id in ids {
            control::pause(run, id, pause.clone());
        }
    }
    Ok(PauseActivityResponse::default())
}

/// The activities that are meant, at least one.
pub(super) fn find_pending(
    context: &mut Context,
    namespace: &str,
    execution: Option<&WorkflowExecution>,
    which: Option<Which>,
) -> Result<(RunKey, Vec<EventId>), CallError> {
    let invalid = |message: &str| Err(RpcStatus::invalid_argument(message).into());
    if execution.is_none_or(|execution| execution.workflow_id.is_empty()) {
        return invalid("WorkflowId is not set on request.");
    }
    let Some(which) = which else {
        return invalid("Either Activity.Id or Activity.Type should be set on request.");
    };
    let namespace = context.namespace(namespace)?;
    let row = context.find_run(namespace, execution)?;
    let Some((run, _)) = context.open_run(row.key)? else {
        return Err(RpcStatus::not_found("workflow execution already completed").into());
    };
    let found = control::find(run, &which);
    if found.is_empty() {
        return Err(RpcStatus::not_found(
            "Can't find pending activity with such ID. Invalid activityID or activity already completed",
        )
        .into());
    }
    Ok((row.key, found))
}

/// `UnpauseActivity`: let a paused activity go on.
pub(crate) fn unpause_activity(
    context: &mut Context,
    request: UnpauseActivityRequest,
) -> Result<UnpauseActivityResponse, CallError> {
    let which = request.activity.map(|activity| match activity {
        UnpauseTarget::Id(id) => Which::Id(id),
        UnpauseTarget::Type(name) => Which::Type(name),
        UnpauseTarget::UnpauseAll(_) => Which::All,
    });
    let (key, ids) = find_pending(context, &request.namespace, request.execution.as_ref(), which)?;
    let wish = Wish {
        attempts: request.reset_attempts,
        heartbeat: request.reset_heartbeat,
        jitter: nanos(request.jitter.as_ref()),
    };
    if let Some((run, env)) = context.open_run(key)? {
        for id in ids {
            control::unpause(run, env, id, &wish);
        }
    }
    Ok(UnpauseActivityResponse::default())
}

/// `ResetActivity`: an activity begins anew with its first attempt.
pub(crate) fn reset_activity(
    context: &mut Context,
    request: ResetActivityRequest,
) -> Result<ResetActivityResponse, CallError> {
    let which = request.activity.map(|activity| match activity {
        ResetTarget::Id(id) => Which::Id(id),
        ResetTarget::Type(name) => Which::Type(name),
        ResetTarget::MatchAll(_) => Which::All,
    });
    let (key, ids) = find_pending(context, &request.namespace, request.execution.as_ref(), which)?;
    let wish = Wish {
        attempts: true,
        heartbeat: request.reset_heartbeat,
        jitter: nanos(request.jitter.as_ref()),
    };
    for id in ids {
        let original = if request.restore_original_options {
            Some(context.scheduled_attributes(key, id)?)
        } else {
            None
        };
        if let Some((run, env)) = context.open_run(key)? {
            let keep = request.keep_paused;
            control::reset(run, env, id, &wish, keep, original.as_ref());
        }
    }
    Ok(ResetActivityResponse::default())
}

/// `UpdateActivityOptions`: change the queue, the timeouts or the retries of a pending activity.
pub(crate) fn update_activity_options(
    context: &mut Context,
    mut request: UpdateActivityOptionsRequest,
) -> Result<UpdateActivityOptionsResponse, CallError> {
    let invalid = |message: &str| Err(RpcStatus::invalid_argument(message).into());
    let which = request.activity.take().map(|activity| match activity {
        UpdateTarget::Id(id) => Which::Id(id),
        UpdateTarget::Type(name) => Which::Type(name),
        UpdateTarget::MatchAll(_) => Which::All,
    });
    let mask = request.update_mask.take().map(|mask| mask.paths);
    if request.restore_original && mask.as_ref().is_some_and(|mask| !mask.is_empty()) {
        return invalid("Both UpdateMask and RestoreOriginal are provided");
    }
    if !request.restore_original && request.activity_options.is_none() {
        return invalid("ActivityOptions are not provided");
    }
    let (key, ids) = find_pending(context, &request.namespace, request.execution.as_ref(), which)?;
    if !request.restore_original && mask.is_none() {
        return invalid("UpdateMask is not provided");
    }
    let mut activity_options = None;
    let mut left = Vec::new();
    for id in ids {
        let original = if request.restore_original {
            Some(context.scheduled_attributes(key, id)?)
        } else {
            None
        };
        let Some((run, env)) = context.open_run(key)? else { break };
        let Some(record) = run.activities.get(&id).cloned() else { continue };
        if record.state() == ActivityState::Scheduled {
            let name = record.task_queue.clone();
            let queue = QueueKey { namespace: run.row.namespace, kind: QueueKind::Activity, name };
            left.push((queue, id));
        }
        let record = match (&original, &request.activity_options) {
            (Some(original), _) => options::restored(record, original),
            (None, Some(wanted)) => {
                options::changed(record, wanted, mask.as_deref().unwrap_or_default())?
            }
            (None, None) => continue,
        };
        activity_options = Some(options::keep(run, env, record));
    }
    // They are put into their queues anew, which may be others.
    for (queue, id) in left {
        context.matching.queue(&queue).withdraw(key, id);
    }
    Ok(UpdateActivityOptionsResponse { activity_options })
}
