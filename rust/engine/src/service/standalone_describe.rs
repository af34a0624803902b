//! Standalone activities as they are, and their outcomes.

use bytes::Bytes;
use prost::Message;

use crate::RpcStatus;
use crate::proto::service::{DescribeActivityExecutionRequest, PollActivityExecutionRequest};
use crate::service::standalone_control::find;
use crate::state::reply::Reply;
use crate::state::waiters::{Awaited, ChangeQuestion};
use crate::transaction::context::{CallError, Context, Outcome};
use crate::transaction::standalone_answers::{ChangeToken, describe};

/// `DescribeActivityExecution`: what an activity is, now or as soon as something became of it.
pub(crate) fn describe_activity_execution(
    context: &mut Context,
    request: DescribeActivityExecutionRequest,
) -> Result<Outcome, CallError> {
    let waits = !request.long_poll_token.is_empty();
    if waits && request.run_id.is_empty() && !request.activity_id.is_empty() {
        let message = "run id is required when long poll token is provided";
        return Err(RpcStatus::invalid_argument(message).into());
    }
    let row = find(context, &request.namespace, &request.activity_id, &request.run_id)?;
    if !waits {
        let body = describe(context, row.key, &request)?.encode_to_vec();
        return Ok(Outcome::Done(Reply::new(Ok(body.into()))));
    }
    let token = ChangeToken::decode(request.long_poll_token.as_slice())
        .map_err(|_| RpcStatus::invalid_argument("invalid long poll token"))?;
    if token.run_id != row.run_id.0.as_bytes() {
        let message = "long poll token does not match execution";
        return Err(RpcStatus::invalid_argument(message).into());
    }
    let asked = Awaited::Change(ChangeQuestion { known: token.transitions, request });
    context.answer_or_wait(row.key, asked, Bytes::new(), crate::state::waiters::LONG_POLL)
}

/// `PollActivityExecution`: what an activity has come to, as soon as it has.
pub(crate) fn poll_activity_execution(
    context: &mut Context,
    request: PollActivityExecutionRequest,
) -> Result<Outcome, CallError> {
    let row = find(context, &request.namespace, &request.activity_id, &request.run_id)?;
    context.answer_or_wait(
        row.key,
        Awaited::Outcome,
        Bytes::new(),
        crate::state::waiters::LONG_POLL,
    )
}
