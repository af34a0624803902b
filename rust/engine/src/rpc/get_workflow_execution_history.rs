//! `GetWorkflowExecutionHistory`: pages of a history, waiting for more, or only its end.

use std::time::Duration;

use crate::RpcStatus;
use crate::action::Reply;
use crate::context::{Context, Failure, Outcome};
use crate::history::page::Question;
use crate::ids::{HistoryToken, RunKey, parse_token};
use crate::matching::ParkedAt;
use crate::proto::enums::HistoryEventFilterType;
use crate::proto::service::GetWorkflowExecutionHistoryRequest;
use crate::waiters::Waiter;

/// How long a reader waits for events before it is asked to ask again.
const LONG_POLL: Duration = Duration::from_secs(20);

pub(crate) fn handle(
    context: &mut Context,
    request: GetWorkflowExecutionHistoryRequest,
) -> Result<Outcome, Failure> {
    let namespace = context.namespace(&request.namespace)?;
    let token = if request.next_page_token.is_empty() {
        let row = context.find_run(namespace, request.execution.as_ref())?;
        HistoryToken {
            run_key: row.key.0,
            run_id: row.run_id.0.as_bytes().to_vec(),
            next_event_id: 1,
            of_task: false,
        }
    } else {
        let token: HistoryToken = parse_token(&request.next_page_token, "NextPageToken")?;
        let row = context.store.run(RunKey(token.run_key))?;
        if row.is_none_or(|row| row.run_id.0.as_bytes().as_slice() != token.run_id) {
            return Err(RpcStatus::invalid_argument("Invalid NextPageToken.").into());
        }
        token
    };
    let question = Question {
        wait: request.wait_new_event,
        close_event: request.history_event_filter_type() == HistoryEventFilterType::CloseEvent,
        // Workers ask without a filter, clients say which.
        of_worker: request.history_event_filter_type() == HistoryEventFilterType::Unspecified,
        page_size: Question::page_size(request.maximum_page_size),
        token,
    };
    let key = RunKey(question.token.run_key);
    if let Some(body) = context.history_answer(key, &question)? {
        return Ok(Outcome::Done(Reply::new(Ok(body))));
    }
    if let Some(responder) = context.caller.responder.take() {
        let expires = context.expiry(LONG_POLL);
        let ticket = context.matching.park(expires, ParkedAt::History(key));
        let empty = question.empty();
        context.waiters.add(key, Waiter { responder, ticket, question, empty });
    }
    Ok(Outcome::Parked)
}
