//! Callers that wait for a run: for its history to grow or to end, or for what becomes of its activity.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;

use crate::ids::RunKey;
use crate::service::standalone_describe;
use crate::state::reply::{Reply, Responder};
use crate::state::task_queues::{ParkedAt, Ticket};
use crate::transaction::context::{Context, Failure, Outcome};
use crate::transaction::page::Question;

/// One of them.
pub(crate) struct Waiter {
    pub(crate) responder: Responder,
    pub(crate) ticket: Ticket,
    pub(crate) asked: Asked,
    /// What it is told when its time is over: ask again, from where you were.
    pub(crate) empty: Bytes,
}

/// What a caller waits for.
pub(crate) enum Asked {
    History(Question),
    /// The outcome of an activity that was started by itself.
    Outcome,
    /// Such an activity to change.
    Change(standalone_describe::Question),
}

/// All of them.
#[derive(Default)]
pub(crate) struct Waiters {
    by_run: HashMap<RunKey, Vec<Waiter>>,
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

impl Context {
    /// Answer the caller, or have it wait.
    pub(crate) fn answer_or_wait(
        &mut self,
        key: RunKey,
        asked: Asked,
        empty: Bytes,
        patience: Duration,
    ) -> Result<Outcome, Failure> {
        if let Some(body) = self.answer(key, &asked)? {
            return Ok(Outcome::Done(Reply::new(Ok(body))));
        }
        if let Some(responder) = self.caller.responder.take() {
            let expires = self.expiry(patience);
            let ticket = self.matching.park(expires, ParkedAt::History(key));
            self.waiters.add(key, Waiter { responder, ticket, asked, empty });
        }
        Ok(Outcome::Parked)
    }

    /// `None`: not yet.
    fn answer(&mut self, key: RunKey, asked: &Asked) -> Result<Option<Bytes>, Failure> {
        match asked {
            Asked::History(question) => self.history_answer(key, question),
            Asked::Outcome => standalone_describe::answer_outcome(self, key),
            Asked::Change(question) => standalone_describe::answer_change(self, key, question),
        }
    }

    /// The run's history grew, or something became of its activity, or it closed.
    pub(crate) fn answer_waiters(&mut self, key: RunKey) -> Result<(), Failure> {
        let Some(waiters) = self.waiters.by_run.remove(&key) else { return Ok(()) };
        for waiter in waiters {
            if waiter.responder.is_gone() {
                self.matching.unpark(waiter.ticket);
                continue;
            }
            match self.answer(key, &waiter.asked)? {
                Some(body) => {
                    self.matching.unpark(waiter.ticket);
                    self.reply(waiter.responder, Reply::new(Ok(body)));
                }
                None => self.waiters.add(key, waiter),
            }
        }
        Ok(())
    }
}
