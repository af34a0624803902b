//! `PollActivityExecution`: what an activity has come to, as soon as it has.

use bytes::Bytes;
use prost::Message;

use super::describe_activity_execution::row;
use super::standalone::find;
use crate::context::{Context, Failure, Outcome};
use crate::history::page;
use crate::ids::RunKey;
use crate::machine::standalone;
use crate::proto::service::{PollActivityExecutionRequest, PollActivityExecutionResponse};
use crate::waiters::Asked;

pub(crate) fn handle(
    context: &mut Context,
    request: PollActivityExecutionRequest,
) -> Result<Outcome, Failure> {
    let row = find(context, &request.namespace, &request.activity_id, &request.run_id)?;
    context.answer_or_wait(row.key, Asked::Outcome, Bytes::new(), crate::engine::LONG_POLL)
}

/// Answer a caller; `None`: the activity has not ended yet.
pub(crate) fn answer(context: &mut Context, key: RunKey) -> Result<Option<Bytes>, Failure> {
    let row = row(context, key)?;
    if row.is_open() {
        return Ok(None);
    }
    let end = row.record.next_event_id;
    let event = page::events(context, key, end - 1, end)?.pop();
    let response = PollActivityExecutionResponse {
        run_id: row.run_id.to_string(),
        outcome: standalone::outcome(&row, event.and_then(|event| event.attributes)),
    };
    Ok(Some(response.encode_to_vec().into()))
}
