//! `GetWorkflowExecutionHistoryReverse`: pages of a history, from its end.

use prost::Message;

use crate::RpcStatus;
use crate::context::{Context, Failure};
use crate::history::page::{self, Question};
use crate::ids::{HistoryToken, RunKey, parse_token};
use crate::proto::history::History;
use crate::proto::service::{
    GetWorkflowExecutionHistoryReverseRequest, GetWorkflowExecutionHistoryReverseResponse,
};

pub(crate) fn handle(
    context: &mut Context,
    request: GetWorkflowExecutionHistoryReverseRequest,
) -> Result<GetWorkflowExecutionHistoryReverseResponse, Failure> {
    let namespace = context.namespace(&request.namespace)?;
    let token = if request.next_page_token.is_empty() {
        let row = context.find_run(namespace, request.execution.as_ref())?;
        HistoryToken {
            run_key: row.key.0,
            run_id: row.run_id.0.as_bytes().to_vec(),
            next_event_id: row.record.next_event_id - 1,
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
