//! Reading a history: pages, waiting for more, and only the end.

use bytes::Bytes;
use prost::Message;

use crate::RpcStatus;
use crate::history::{fragment, page};
use crate::ids::{EventId, HistoryToken, RunKey, parse_token};
use crate::proto::Attributes;
use crate::proto::common::WorkflowExecution;
use crate::proto::history::{HistoryEvent, WorkflowExecutionStartedEventAttributes};
use crate::state::run::fragments_from;
use crate::state::waiters::HistoryQuestion;
use crate::store::{RunRow, StoreError};
use crate::transaction::context::{CallError, Context};

/// Where a reader stands: as the token of its last page says, or in the run that it names, at the event
/// that `first` says.
pub(crate) fn place(
    context: &mut Context,
    namespace: &str,
    execution: Option<&WorkflowExecution>,
    next_page_token: &[u8],
    first: impl FnOnce(&RunRow) -> EventId,
) -> Result<HistoryToken, CallError> {
    let namespace = context.namespace(namespace)?;
    if next_page_token.is_empty() {
        let row = context.find_run(namespace, execution)?;
        let first = first(&row);
        return Ok(page::token(&row, first, false));
    }
    let token: HistoryToken = parse_token(next_page_token, "NextPageToken")?;
    let row = context.store.run(RunKey(token.run_key))?;
    if row.is_none_or(|row| row.run_id.0.as_bytes().as_slice() != token.run_id) {
        return Err(RpcStatus::invalid_argument("Invalid NextPageToken.").into());
    }
    Ok(token)
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
        let fragments =
            fragments_from(context.store.as_mut(), context.runs.get(&key), key, next, limit)?;
        let (parts, after) = page::cut(&fragments, next, limit);
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
        question: &HistoryQuestion,
    ) -> Result<Option<Bytes>, CallError> {
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
                return Ok(if question.wait { None } else { Some(page::encode(&[], Vec::new())) });
            }
            let fragments = fragments_from(self.store.as_mut(), run, key, end - 1, 1)?;
            let last = fragments.last().map(|part| fragment::last(&part.events));
            return Ok(Some(page::encode(&last.into_iter().collect::<Vec<_>>(), Vec::new())));
        }
        let from = question.token.next_event_id.max(1);
        if question.of_worker && !question.wait && from > 1 {
            self.extend_lease(key);
        }
        let unwritten = self.unwritten_events(key, question);
        if from >= end && unwritten.is_none() {
            return Ok(if row.is_open() && question.wait {
                None
            } else {
                Some(page::encode(&[], Vec::new()))
            });
        }
        let run = self.runs.get(&key);
        let fragments =
            fragments_from(self.store.as_mut(), run, key, from.min(end - 1), question.page_size)?;
        let (mut events, next) = page::cut(&fragments, from, question.page_size);
        let mut more = next < end || (row.is_open() && question.wait);
        if next >= end
            && let Some(unwritten) = unwritten
        {
            events.push(unwritten);
            more = false;
        }
        let token = HistoryToken { next_event_id: next, ..question.token.clone() };
        Ok(Some(page::encode(&events, if more { token.encode_to_vec() } else { Vec::new() })))
    }

    /// Read the events that the worker of the workflow task was shown and that are written when it ends. A
    /// reader that waits does not get it: it would get those ids again.
    fn unwritten_events(&self, key: RunKey, question: &HistoryQuestion) -> Option<Bytes> {
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

impl Context {
    /// Read one event of a run, open or closed.
    pub(crate) fn event(
        &mut self,
        key: RunKey,
        id: EventId,
    ) -> Result<Option<HistoryEvent>, StoreError> {
        let fragments = fragments_from(self.store.as_mut(), self.runs.get(&key), key, id, 1)?;
        let (parts, _) = page::cut(&fragments, id, 1);
        let events = parts.first().map(|part| fragment::decode(part)).transpose();
        let events = events.map_err(|error| StoreError::Damaged(format!("event {id}: {error}")))?;
        Ok(events.into_iter().flatten().next())
    }

    /// Read the started attributes of an open run that has a retry policy or a cron schedule.
    pub(crate) fn first_event_for_next(
        &mut self,
        key: RunKey,
    ) -> Result<Option<WorkflowExecutionStartedEventAttributes>, CallError> {
        let Some((run, _)) = self.open_run(key)? else { return Ok(None) };
        if !run.row.record.has_retry_policy && run.row.record.cron_schedule.is_empty() {
            return Ok(None);
        }
        let event = self.event(key, 1)?;
        match event.and_then(|event| event.attributes) {
            Some(Attributes::WorkflowExecutionStartedEventAttributes(first)) => Ok(Some(first)),
            _ => Err(StoreError::Damaged("a history does not begin with its start".into()).into()),
        }
    }
}
