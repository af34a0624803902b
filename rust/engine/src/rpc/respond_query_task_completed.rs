//! `RespondQueryTaskCompleted`: a worker answers a direct query.

use crate::RpcStatus;
use crate::context::{Context, Failure};
use crate::ids::{QueryToken, parse_task_token};
use crate::proto::service::{RespondQueryTaskCompletedRequest, RespondQueryTaskCompletedResponse};

pub(crate) fn handle(
    context: &mut Context,
    request: RespondQueryTaskCompletedRequest,
) -> Result<RespondQueryTaskCompletedResponse, Failure> {
    context.namespace(&request.namespace)?;
    let token: QueryToken = parse_task_token(&request.task_token)?;
    let RespondQueryTaskCompletedRequest {
        completed_type,
        query_result,
        error_message,
        failure,
        ..
    } = request;
    if context.answer_query(token.query, completed_type, query_result, error_message, failure) {
        Ok(RespondQueryTaskCompletedResponse::default())
    } else {
        Err(RpcStatus::not_found("query task not found, or already expired").into())
    }
}
