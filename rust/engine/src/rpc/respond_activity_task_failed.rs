//! `RespondActivityTaskFailed`: another attempt, or the end.

use crate::context::{Context, Failure};
use crate::machine::activity::{self, End};
use crate::proto::service::{RespondActivityTaskFailedRequest, RespondActivityTaskFailedResponse};

pub(crate) fn handle(
    context: &mut Context,
    request: RespondActivityTaskFailedRequest,
) -> Result<RespondActivityTaskFailedResponse, Failure> {
    let (key, id) = context.activity_of(&request.task_token)?;
    if let Some((run, env)) = context.open_run(key)? {
        if request.last_heartbeat_details.is_some() {
            activity::heartbeat(run, env, id, request.last_heartbeat_details);
        }
        let failure = request.failure.unwrap_or_default();
        if let Err(state) = activity::retry(run, env, id, &failure) {
            activity::close(
                run,
                env,
                id,
                End::Failed { failure, identity: request.identity, state },
            );
        }
    }
    Ok(RespondActivityTaskFailedResponse::default())
}
