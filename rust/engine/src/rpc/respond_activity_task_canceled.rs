//! `RespondActivityTaskCanceled`.

use crate::RpcStatus;
use crate::context::{Context, Failure};
use crate::machine::activity::{self, End};
use crate::proto::service::{
    RespondActivityTaskCanceledRequest, RespondActivityTaskCanceledResponse,
};

pub(crate) fn handle(
    context: &mut Context,
    request: RespondActivityTaskCanceledRequest,
) -> Result<RespondActivityTaskCanceledResponse, Failure> {
    let (key, id) = context.activity_of(&request.task_token)?;
    if let Some((run, env)) = context.open_run(key)? {
        if run.activities.get(&id).is_none_or(|record| record.cancel_requested == 0) {
            let message =
                "unable to mark activity as canceled without activity being request canceled first";
            return Err(RpcStatus::invalid_argument(message).into());
        }
        let end = End::Canceled { details: request.details, identity: request.identity };
        activity::close(run, env, id, end);
    }
    Ok(RespondActivityTaskCanceledResponse {})
}
