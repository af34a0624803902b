//! `PauseActivity`: no more attempts of an activity until somebody lets it go on.

use crate::context::{Context, Failure};
use crate::ids::{EventId, RunKey};
use crate::machine::activity_control::{self, Which, is_paused_by_other};
use crate::proto::common::WorkflowExecution;
use crate::proto::service::pause_activity_request::Activity;
use crate::proto::service::{PauseActivityRequest, PauseActivityResponse};
use crate::store::record::PauseRecord;
use crate::{Code, RpcStatus};

pub(crate) fn handle(
    context: &mut Context,
    request: PauseActivityRequest,
) -> Result<PauseActivityResponse, Failure> {
    let which = request.activity.map(|activity| match activity {
        Activity::Id(id) => Which::Id(id),
        Activity::Type(name) => Which::Type(name),
    });
    let (key, ids) = find(context, &request.namespace, request.execution.as_ref(), which)?;
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
            activity_control::pause(run, id, pause.clone());
        }
    }
    Ok(PauseActivityResponse::default())
}

/// The activities that are meant, at least one.
pub(super) fn find(
    context: &mut Context,
    namespace: &str,
    execution: Option<&WorkflowExecution>,
    which: Option<Which>,
) -> Result<(RunKey, Vec<EventId>), Failure> {
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
    let found = activity_control::find(run, &which);
    if found.is_empty() {
        return Err(RpcStatus::not_found(
            "Can't find pending activity with such ID. Invalid activityID or activity already completed",
        )
        .into());
    }
    Ok((row.key, found))
}
