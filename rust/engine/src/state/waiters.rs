//! Callers that wait for a run: for its history to grow or to end, or for what becomes of its activity.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;

use crate::history::page;
use crate::ids::{HistoryToken, RunKey};
use crate::proto::service::DescribeActivityExecutionRequest;
use crate::state::reply::Responder;
use crate::state::task_queues::Ticket;

/// The time that a poll for a task waits.
pub(crate) const LONG_POLL: Duration = Duration::from_mins(1);

/// A read of a history.
#[derive(Clone, Debug)]
pub(crate) struct HistoryQuestion {
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

impl HistoryQuestion {
    pub(crate) fn page_size(asked: i32) -> usize {
        usize::try_from(asked)
            .ok()
            .filter(|size| *size > 0)
            .map_or(page::PAGE_EVENTS, |size| size.min(page::PAGE_EVENTS))
    }

    /// Build the answer to a reader whose time is over.
    pub(crate) fn empty(&self) -> Bytes {
        page::encode(&[], self.token.encode_to_vec())
    }
}

/// A description, awaited until the activity changes.
pub(crate) struct ChangeQuestion {
    pub(crate) known: i64,
    pub(crate) request: DescribeActivityExecutionRequest,
}

/// The things that callers wait for.
pub(crate) enum Awaited {
    History(HistoryQuestion),
    /// The outcome of an activity that was started by itself.
    Outcome,
    /// Such an activity to change.
    Change(ChangeQuestion),
}

/// A caller that waits.
pub(crate) struct Waiter {
    pub(crate) responder: Responder,
    pub(crate) ticket: Ticket,
    pub(crate) asked: Awaited,
    /// The answer when its time is over: ask again, from the same place.
    pub(crate) empty: Bytes,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Waiters {
    /// Invariant: no run without a caller.
    pub(crate) by_run: HashMap<RunKey, Vec<Waiter>>,
}

impl Waiters {
    pub(crate) fn add(&mut self, run: RunKey, waiter: Waiter) {
        self.by_run.entry(run).or_default().push(waiter);
    }

    pub(crate) fn remove(&mut self, run: RunKey, ticket: Ticket) -> Option<(Responder, Bytes)> {
        let waiters = self.by_run.get_mut(&run)?;
        let at = waiters.iter().position(|waiter| waiter.ticket == ticket)?;
        let waiter = waiters.swap_remove(at);
        if waiters.is_empty() {
            self.by_run.remove(&run);
        }
        debug_assert!(self.by_run.values().all(|all| !all.is_empty()), "no run without a caller");
        Some((waiter.responder, waiter.empty))
    }

    /// The runs that somebody waits for.
    #[cfg(feature = "simulation")]
    pub(crate) fn runs(&self) -> impl Iterator<Item = RunKey> {
        self.by_run.keys().copied()
    }

    pub(crate) fn drain(&mut self) -> Vec<Responder> {
        self.by_run
            .drain()
            .flat_map(|(_, waiters)| waiters)
            .map(|waiter| waiter.responder)
            .collect()
    }
}
