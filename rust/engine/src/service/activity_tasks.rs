//! Activity tasks: polls, results and heartbeats, by token or by id.

use prost::Message;

use crate::RpcStatus;
use crate::history::causes;
use crate::ids::{EventId, RunKey};
use crate::machine::activity;
use crate::machine::activity::{End, HeartbeatAnswer};
use crate::policy::limits::BLOB_LIMIT;
use crate::proto::common::{Payloads, WorkflowExecution};
use crate::proto::failure::Failure;
use crate::proto::failure::failure::FailureInfo;
use crate::proto::service::{
    PollActivityTaskQueueRequest, RecordActivityTaskHeartbeatByIdRequest,
    RecordActivityTaskHeartbeatByIdResponse, RecordActivityTaskHeartbeatRequest,
    RecordActivityTaskHeartbeatResponse, RespondActivityTaskCanceledByIdRequest,
    RespondActivityTaskCanceledByIdResponse, RespondActivityTaskCanceledRequest,
    RespondActivityTaskCanceledResponse, RespondActivityTaskCompletedByIdRequest,
    RespondActivityTaskCompletedByIdResponse, RespondActivityTaskCompletedRequest,
    RespondActivityTaskCompletedResponse, RespondActivityTaskFailedByIdRequest,
    RespondActivityTaskFailedByIdResponse, RespondActivityTaskFailedRequest,
    RespondActivityTaskFailedResponse,
};
use crate::service::workflow_tasks::poll;
use crate::state::task_queues::{QueueKey, QueueKind};
use crate::transaction::context::{CallError, Context, Outcome};

/// `PollActivityTaskQueue`: the next activity, or an empty answer after a while.
pub(crate) fn poll_activity_task_queue(
    context: &mut Context,
    request: PollActivityTaskQueueRequest,
) -> Result<Outcome, CallError> {
    let namespace = context.namespace(&request.namespace)?;
    let name = request.task_queue.map(|queue| queue.name).unwrap_or_default();
    poll(
        context,
        QueueKey { namespace, kind: QueueKind::Activity, name },
        request.identity,
        request.worker_instance_key,
    )
}

/// `RespondActivityTaskCompleted`.
pub(crate) fn respond_activity_task_completed(
    context: &mut Context,
    request: RespondActivityTaskCompletedRequest,
) -> Result<RespondActivityTaskCompletedResponse, CallError> {
    let (key, id) = context.activity_of(&request.task_token)?;
    complete(context, key, id, request.result, request.identity)?;
    Ok(RespondActivityTaskCompletedResponse {})
}

/// Complete an activity. With a result that is too large it fails: it would be no smaller another time.
pub(super) fn complete(
    context: &mut Context,
    key: RunKey,
    id: EventId,
    result: Option<Payloads>,
    identity: String,
) -> Result<(), CallError> {
    if let Some((run, env)) = context.open_run(key)? {
        let end = if result.as_ref().map_or(0, Message::encoded_len) > BLOB_LIMIT {
            activity::too_large("Complete result exceeds size limit.")
        } else {
            End::Completed { result, identity }
        };
        activity::close(run, env, id, end);
    }
    Ok(())
}

/// `RespondActivityTaskFailed`: another attempt, or the end.
pub(crate) fn respond_activity_task_failed(
    context: &mut Context,
    request: RespondActivityTaskFailedRequest,
) -> Result<RespondActivityTaskFailedResponse, CallError> {
    let (key, id) = context.activity_of(&request.task_token)?;
    let failure = request.failure.unwrap_or_default();
    fail(context, key, id, failure, request.last_heartbeat_details, request.identity)?;
    Ok(RespondActivityTaskFailedResponse::default())
}

/// An attempt failed. A failure that is too large to store is replaced by one that says so.
pub(super) fn fail(
    context: &mut Context,
    key: RunKey,
    id: EventId,
    mut failure: Failure,
    details: Option<Payloads>,
    identity: String,
) -> Result<(), CallError> {
    let of_application =
        matches!(failure.failure_info, Some(FailureInfo::ApplicationFailureInfo(_)));
    if failure != Failure::default() && !of_application {
        let message = "Failure must have ApplicationFailureInfo.";
        return Err(RpcStatus::invalid_argument(message).into());
    }
    let Some((run, env)) = context.open_run(key)? else { return Ok(()) };
    if details.is_some() {
        activity::heartbeat(run, env, id, details);
    }
    if failure.encoded_len() > BLOB_LIMIT {
        failure = activity::server_failure("Failure exceeds size limit.", false);
    }
    causes::cut_failure(&mut failure);
    if let Err(state) = activity::retry(run, env, id, &failure) {
        activity::close(run, env, id, End::Failed { failure, identity, state });
    }
    Ok(())
}

/// `RespondActivityTaskCanceled`.
pub(crate) fn respond_activity_task_canceled(
    context: &mut Context,
    request: RespondActivityTaskCanceledRequest,
) -> Result<RespondActivityTaskCanceledResponse, CallError> {
    let (key, id) = context.activity_of(&request.task_token)?;
    cancel(context, key, id, request.details, request.identity)?;
    Ok(RespondActivityTaskCanceledResponse {})
}

/// An activity has stopped as it was asked to.
pub(super) fn cancel(
    context: &mut Context,
    key: RunKey,
    id: EventId,
    details: Option<Payloads>,
    identity: String,
) -> Result<(), CallError> {
    let Some((run, env)) = context.open_run(key)? else { return Ok(()) };
    if run.activities.get(&id).is_none_or(|record| record.cancel_requested == 0) {
        let message =
            "unable to mark activity as canceled without activity being request canceled first";
        return Err(RpcStatus::invalid_argument(message).into());
    }
    activity::close(run, env, id, End::Canceled { details, identity });
    Ok(())
}

/// `RecordActivityTaskHeartbeat`.
pub(crate) fn record_activity_task_heartbeat(
    context: &mut Context,
    request: RecordActivityTaskHeartbeatRequest,
) -> Result<RecordActivityTaskHeartbeatResponse, CallError> {
    let (key, id) = context.activity_of(&request.task_token)?;
    let told = heartbeat(context, key, id, request.details)?;
    Ok(RecordActivityTaskHeartbeatResponse {
        cancel_requested: told.cancel_requested,
        activity_paused: told.paused,
        activity_reset: told.reset,
    })
}

/// Note that an activity is alive, and tell whether it is to stop. With details that are too large it
/// fails.
pub(super) fn heartbeat(
    context: &mut Context,
    key: RunKey,
    id: EventId,
    details: Option<Payloads>,
) -> Result<HeartbeatAnswer, CallError> {
    let stop = HeartbeatAnswer { cancel_requested: true, ..HeartbeatAnswer::default() };
    let Some((run, env)) = context.open_run(key)? else { return Ok(stop) };
    if details.as_ref().map_or(0, Message::encoded_len) > BLOB_LIMIT {
        let end = activity::too_large("Heartbeat details exceed size limit.");
        activity::close(run, env, id, end);
        return Ok(stop);
    }
    Ok(activity::heartbeat(run, env, id, details))
}

/// `RespondActivityTaskCompletedById`: of an activity that is named, not by the token of a task.
pub(crate) fn respond_activity_task_completed_by_id(
    context: &mut Context,
    request: RespondActivityTaskCompletedByIdRequest,
) -> Result<RespondActivityTaskCompletedByIdResponse, CallError> {
    let execution = WorkflowExecution { workflow_id: request.workflow_id, run_id: request.run_id };
    let (key, id) =
        context.activity_by_id(&request.namespace, &execution, &request.activity_id, true)?;
    complete(context, key, id, request.result, request.identity)?;
    Ok(RespondActivityTaskCompletedByIdResponse {})
}

/// `RespondActivityTaskFailedById`: of an activity that is named, not by the token of a task.
pub(crate) fn respond_activity_task_failed_by_id(
    context: &mut Context,
    request: RespondActivityTaskFailedByIdRequest,
) -> Result<RespondActivityTaskFailedByIdResponse, CallError> {
    let execution = WorkflowExecution { workflow_id: request.workflow_id, run_id: request.run_id };
    let (key, id) =
        context.activity_by_id(&request.namespace, &execution, &request.activity_id, false)?;
    let failure = request.failure.unwrap_or_default();
    let details = request.last_heartbeat_details;
    fail(context, key, id, failure, details, request.identity)?;
    Ok(RespondActivityTaskFailedByIdResponse::default())
}

/// `RespondActivityTaskCanceledById`: of an activity that is named, not by the token of a task.
pub(crate) fn respond_activity_task_canceled_by_id(
    context: &mut Context,
    request: RespondActivityTaskCanceledByIdRequest,
) -> Result<RespondActivityTaskCanceledByIdResponse, CallError> {
    let execution = WorkflowExecution { workflow_id: request.workflow_id, run_id: request.run_id };
    let (key, id) =
        context.activity_by_id(&request.namespace, &execution, &request.activity_id, false)?;
    cancel(context, key, id, request.details, request.identity)?;
    Ok(RespondActivityTaskCanceledByIdResponse {})
}

/// `RecordActivityTaskHeartbeatById`: of an activity that is named, not by the token of a task.
pub(crate) fn record_activity_task_heartbeat_by_id(
    context: &mut Context,
    request: RecordActivityTaskHeartbeatByIdRequest,
) -> Result<RecordActivityTaskHeartbeatByIdResponse, CallError> {
    let execution = WorkflowExecution { workflow_id: request.workflow_id, run_id: request.run_id };
    let (key, id) =
        context.activity_by_id(&request.namespace, &execution, &request.activity_id, false)?;
    let told = heartbeat(context, key, id, request.details)?;
    Ok(RecordActivityTaskHeartbeatByIdResponse {
        cancel_requested: told.cancel_requested,
        activity_paused: told.paused,
        activity_reset: told.reset,
    })
}
