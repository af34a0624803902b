//! `GetWorkflowExecutionHistoryReverse`: pages of a history, from its end.

use prost::Message;

use crate::context::{Context, Failure};
use crate::history::page::{self, Question};
use crate::ids::{HistoryToken, RunKey};
use crate::proto::history::History;
use crate::proto::service::{
    GetWorkflowExecutionHistoryReverseRequest, GetWorkflowExecutionHistoryReverseResponse,
};

pub(crate) fn handle(
    context: &mut Context,
    request: GetWorkflowExecutionHistoryReverseRequest,
) -> Result<GetWorkflowExecutionHistoryReverseResponse, Failure> {
    let token = page::place(
        context,
        &request.namespace,
        request.execution.as_ref(),
        &request.next_page_token,
        |row| row.record.next_event_id - 1,
    )?;
    let size = Question::page_size(request.maximum_page_size);
    let last = token.next_event_id;
    let first = (last + 1).saturating_sub(i64::try_from(size).unwrap_or(i64::MAX)).max(1);
    let mut events = page::events(context, RunKey(token.run_key), first, last + 1)?;
    events.reverse();
    let next = (first > 1).then(|| HistoryToken { next_event_id: first - 1, ..token });
    Ok(GetWorkflowExecutionHistoryReverseResponse {
        history: Some(History { events }),
        next_page_token: next.map(|token| token.encode_to_vec()).unwrap_or_default(),
    })
}
