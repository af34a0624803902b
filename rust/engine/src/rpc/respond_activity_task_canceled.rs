//! `RespondActivityTaskCanceled`.

use crate::RpcStatus;
use crate::context::{Context, Failure};
use crate::ids::{EventId, RunKey};
use crate::machine::activity::{self, End};
use crate::proto::common::Payloads;
use crate::proto::service::{
    RespondActivityTaskCanceledRequest, RespondActivityTaskCanceledResponse,
};

pub(crate) fn handle(
    context: &mut Context,
    request: RespondActivityTaskCanceledRequest,
) -> Result<RespondActivityTaskCanceledResponse, Failure> {
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
) -> Result<(), Failure> {
    let Some((run, env)) = context.open_run(key)? else { return Ok(()) };
    if run.activities.get(&id).is_none_or(|record| record.cancel_requested == 0) {
        let message =
            "unable to mark activity as canceled without activity being request canceled first";
        return Err(RpcStatus::invalid_argument(message).into());
    }
    activity::close(run, env, id, End::Canceled { details, identity });
    Ok(())
}
