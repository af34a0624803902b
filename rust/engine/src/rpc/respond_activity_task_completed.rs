//! `RespondActivityTaskCompleted`.

use crate::RpcStatus;
use crate::context::{Context, Failure};
use crate::machine::activity::{self, End};
use crate::machine::workflow;
use crate::proto::service::{
    RespondActivityTaskCompletedRequest, RespondActivityTaskCompletedResponse,
};

pub(crate) fn handle(
    context: &mut Context,
    request: RespondActivityTaskCompletedRequest,
) -> Result<RespondActivityTaskCompletedResponse, Failure> {
    let (key, id) = context.activity_of(&request.task_token)?;
    workflow::check_size(request.result.as_ref(), "RespondActivityTaskCompletedRequest.Result")
        .map_err(RpcStatus::invalid_argument)?;
    if let Some((run, env)) = context.open_run(key)? {
        let end = End::Completed { result: request.result, identity: request.identity };
        activity::close(run, env, id, end);
    }
    Ok(RespondActivityTaskCompletedResponse {})
}
