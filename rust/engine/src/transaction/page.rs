//! Reading a history: pages, waiting for more, and only the end.

use bytes::Bytes;
use prost::Message;

use crate::RpcStatus;
use crate::history::fragment;
use crate::ids::{EventId, HistoryToken, RunKey, parse_token};
use crate::proto::common::WorkflowExecution;
use crate::proto::history::HistoryEvent;
use crate::proto::service::GetWorkflowExecutionHistoryResponse;
use crate::state::run::Run;
use crate::store::{Fragment, RunRow, Store, StoreError};
use crate::transaction::context::{Context, Failure};

/// A page ends with the event at which it has this many bytes.
const PAGE_BYTES: usize = 2 * 1024 * 1024;
/// Events on a page at most, and when the caller does not say.
const PAGE_EVENTS: usize = 1000;
/// `GetWorkflowExecutionHistoryResponse.history`.
const HISTORY_TAG: u32 = 1;

/// What a reader asks.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) token: HistoryToken,
    pub(crate) page_size: usize,
    /// Wait for events that are not there yet.
    pub(crate) wait: bool,
    /// The last event of a closed run, and nothing else.
    pub(crate) close_event: bool,
    /// A worker asks that has lost the run from its cache. It needs the events of the task it has, also
    /// of one that may come to nothing.
    pub(crate) of_worker: bool,
}

impl Question {
    pub(crate) fn page_size(asked: i32) -> usize {
        usize::try_from(asked)
            .ok()
            .filter(|size| *size > 0)
            .map_or(PAGE_EVENTS, |size| size.min(PAGE_EVENTS))
    }

    /// What a waiting reader is told when its time is over.
    pub(crate) fn empty(&self) -> Bytes {
        page(&[], self.token.encode_to_vec())
    }
}

/// The token of a page of that run that begins with the event `next_event_id`.
pub(crate) fn token(row: &RunRow, next_event_id: EventId, of_task: bool) -> HistoryToken {
    let run_id = row.run_id.0.as_bytes().to_vec();
    HistoryToken { run_key: row.key.0, run_id, next_event_id, of_task }
}

/// Where a reader stands: as the token of its last page says, or in the run that it names, at the event
/// that `first` says.
pub(crate) fn place(
    context: &mut Context,
    namespace: &str,
    execution: Option<&WorkflowExecution>,
    next_page_token: &[u8],
    first: impl FnOnce(&RunRow) -> EventId,
) -> Result<HistoryToken, Failure> {
    let namespace = context.namespace(namespace)?;
    if next_page_token.is_empty() {
        let row = context.find_run(namespace, execution)?;
        let first = first(&row);
        return Ok(token(&row, first, false));
    }
    let token: HistoryToken = parse_token(next_page_token, "NextPageToken")?;
    let row = context.store.run(RunKey(token.run_key))?;
    if row.is_none_or(|row| row.run_id.0.as_bytes().as_slice() != token.run_id) {
        return Err(RpcStatus::invalid_argument("Invalid NextPageToken.").into());
    }
    Ok(token)
}

fn page(events: &[Bytes], next_page_token: Vec<u8>) -> Bytes {
    let rest = GetWorkflowExecutionHistoryResponse { next_page_token, ..Default::default() };
    let mut body = rest.encode_to_vec();
    fragment::put_field(&mut body, HISTORY_TAG, events);
    body.into()
}

/// Fragments from the one that holds `from` on: from memory where they are there.
pub(crate) fn read(
    store: &mut dyn Store,
    run: Option<&Run>,
    key: RunKey,
    from: EventId,
) -> Result<Vec<Fragment>, StoreError> {
    if let Some(recent) = run.and_then(|run| run.recent(from)) {
        return Ok(recent);
    }
    let mut fragments = store.history(key, from, PAGE_BYTES)?;
    let bytes: usize = fragments.iter().map(|fragment| fragment.events.len()).sum();
    if bytes < PAGE_BYTES
        && let Some(run) = run
    {
        fragments.extend(run.unwritten());
    }
    Ok(fragments)
}

/// At most `limit` events and about [`PAGE_BYTES`] from `from` on, and the id after the last one.
pub(crate) fn cut(fragments: &[Fragment], from: EventId, limit: usize) -> (Vec<Bytes>, EventId) {
    let (mut parts, mut next, mut bytes, mut left) = (Vec::new(), from, 0, limit);
    for part in fragments {
        let before = usize::try_from(from.saturating_sub(part.first)).unwrap_or(0);
        let (events, taken) = fragment::take(&fragment::skip(&part.events, before), left);
        next += i64::try_from(taken).unwrap_or(0);
        left -= taken;
        bytes += events.len();
        parts.push(events);
        if left == 0 || bytes >= PAGE_BYTES {
            break;
        }
    }
    (parts, next)
}

/// The events of a run from `from` on and before `until`, all of them, decoded.
pub(crate) fn events(
    context: &mut Context,
    key: RunKey,
    from: EventId,
    until: EventId,
) -> Result<Vec<HistoryEvent>, StoreError> {
    let length = match context.runs.get(&key) {
        Some(run) => Some(run.row.record.next_event_id),
        None => context.store.run(key)?.map(|row| row.record.next_event_id),
    };
    let (mut next, end) = (from, until.min(length.unwrap_or(0)));
    let mut events = Vec::new();
    while next < end {
        let limit = usize::try_from(end - next).unwrap_or(usize::MAX);
        let fragments = read(context.store.as_mut(), context.runs.get(&key), key, next)?;
        let (parts, after) = cut(&fragments, next, limit);
        if after == next {
            return Err(StoreError::Damaged(format!("there is no event {next}")));
        }
        next = after;
        for part in parts {
            let decoded = fragment::decode(&part);
            let decoded = decoded.map_err(|error| StoreError::Damaged(error.to_string()))?;
            events.extend(decoded);
        }
    }
    Ok(events)
}

impl Context {
    /// Answer a reader; `None`: it has to wait.
    pub(crate) fn history_answer(
        &mut self,
        key: RunKey,
        question: &Question,
    ) -> Result<Option<Bytes>, Failure> {
        let run = self.runs.get(&key);
        let row = match run {
            Some(run) => Some(run.row.clone()),
            None => self.store.run(key)?,
        };
        let Some(row) = row else {
            return Err(crate::RpcStatus::not_found("workflow execution not found").into());
        };
        let end = row.record.next_event_id;
        if question.close_event {
            if row.is_open() {
                return Ok(if question.wait { None } else { Some(page(&[], Vec::new())) });
            }
            let fragments = read(self.store.as_mut(), run, key, end - 1)?;
            let last = fragments.last().map(|part| fragment::last(&part.events));
            return Ok(Some(page(&last.into_iter().collect::<Vec<_>>(), Vec::new())));
        }
        let from = question.token.next_event_id.max(1);
        let unwritten = self.unwritten_events(key, question);
        if from >= end && unwritten.is_none() {
            return Ok(if row.is_open() && question.wait {
                None
            } else {
                Some(page(&[], Vec::new()))
            });
        }
        let run = self.runs.get(&key);
        let fragments = read(self.store.as_mut(), run, key, from.min(end - 1))?;
        let (mut events, next) = cut(&fragments, from, question.page_size);
        let mut more = next < end || (row.is_open() && question.wait);
        if next >= end
            && let Some(unwritten) = unwritten
        {
            events.push(unwritten);
            more = false;
        }
        let token = HistoryToken { next_event_id: next, ..question.token.clone() };
        Ok(Some(page(&events, if more { token.encode_to_vec() } else { Vec::new() })))
    }

    /// What the worker that has the workflow task was shown and that is not written before it ends. A
    /// reader that waits does not get it: it would get those ids again.
    fn unwritten_events(&self, key: RunKey, question: &Question) -> Option<Bytes> {
        let volatile = &self.runs.get(&key)?.volatile;
        let lease = volatile.lease.as_ref()?;
        let comes_to_nothing = volatile.speculative.is_some() || lease.attempt > 1;
        if question.wait || (comes_to_nothing && !question.of_worker) {
            return None;
        }
        let mut bytes = Vec::new();
        for event in &lease.unwritten {
            fragment::push(&mut bytes, event);
        }
        Some(bytes.into())
    }
}
