//! Histories, from their beginning or from their end.

use std::time::Duration;

use prost::Message;

use crate::ids::{HistoryToken, RunKey};
use crate::proto::enums::HistoryEventFilterType;
use crate::proto::history::History;
use crate::proto::service::{
    GetWorkflowExecutionHistoryRequest, GetWorkflowExecutionHistoryReverseRequest,
    GetWorkflowExecutionHistoryReverseResponse,
};
use crate::state::waiters::{Awaited, HistoryQuestion};
use crate::transaction::context::{CallError, Context, Outcome};
use crate::transaction::pages;

/// The time that a reader waits for events before it has to ask again.
const LONG_POLL: Duration = Duration::from_secs(20);

/// `GetWorkflowExecutionHistory`: pages of a history, waiting for more, or only its end.
pub(crate) fn get_workflow_execution_history(
    context: &mut Context,
    request: GetWorkflowExecutionHistoryRequest,
) -> Result<Outcome, CallError> {
    let token = pages::place(
        context,
        &request.namespace,
        request.execution.as_ref(),
        &request.next_page_token,
        |_| 1,
    )?;
    let question = HistoryQuestion {
        wait: request.wait_new_event,
        close_event: request.history_event_filter_type() == HistoryEventFilterType::CloseEvent,
        // Workers ask without a filter, clients say which.
        of_worker: request.history_event_filter_type() == HistoryEventFilterType::Unspecified,
        page_size: HistoryQuestion::page_size(request.maximum_page_size),
        token,
    };
    let key = RunKey(question.token.run_key);
    let empty = question.empty();
    context.answer_or_wait(key, Awaited::History(question), empty, LONG_POLL)
}

/// `GetWorkflowExecutionHistoryReverse`: pages of a history, from its end.
pub(crate) fn get_workflow_execution_history_reverse(
    context: &mut Context,
    request: GetWorkflowExecutionHistoryReverseRequest,
) -> Result<GetWorkflowExecutionHistoryReverseResponse, CallError> {
    let token = pages::place(
        context,
        &request.namespace,
        request.execution.as_ref(),
        &request.next_page_token,
        |row| row.record.next_event_id - 1,
    )?;
    let size = HistoryQuestion::page_size(request.maximum_page_size);
    let last = token.next_event_id;
    let first = (last + 1).saturating_sub(i64::try_from(size).unwrap_or(i64::MAX)).max(1);
    let mut events = pages::events(context, RunKey(token.run_key), first, last + 1)?;
    events.reverse();
    let next = (first > 1).then(|| HistoryToken { next_event_id: first - 1, ..token });
    Ok(GetWorkflowExecutionHistoryReverseResponse {
        history: Some(History { events }),
        next_page_token: next.map(|token| token.encode_to_vec()).unwrap_or_default(),
    })
}
