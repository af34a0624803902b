//! `GetWorkflowExecutionHistory`: pages of a history, waiting for more, or only its end.

use std::time::Duration;

use crate::context::{Context, Failure, Outcome};
use crate::history::page::{self, Question};
use crate::ids::RunKey;
use crate::proto::enums::HistoryEventFilterType;
use crate::proto::service::GetWorkflowExecutionHistoryRequest;
use crate::waiters::Asked;

/// How long a reader waits for events before it is asked to ask again.
const LONG_POLL: Duration = Duration::from_secs(20);

pub(crate) fn handle(
    context: &mut Context,
    request: GetWorkflowExecutionHistoryRequest,
) -> Result<Outcome, Failure> {
    let token = page::place(
        context,
        &request.namespace,
        request.execution.as_ref(),
        &request.next_page_token,
        |_| 1,
    )?;
    let question = Question {
        wait: request.wait_new_event,
        close_event: request.history_event_filter_type() == HistoryEventFilterType::CloseEvent,
        // Workers ask without a filter, clients say which.
        of_worker: request.history_event_filter_type() == HistoryEventFilterType::Unspecified,
        page_size: Question::page_size(request.maximum_page_size),
        token,
    };
    let key = RunKey(question.token.run_key);
    let empty = question.empty();
    context.answer_or_wait(key, Asked::History(question), empty, LONG_POLL)
}
