//! Callers that wait for a run's history to grow or to end.

use std::collections::HashMap;

use bytes::Bytes;

use crate::action::{Reply, Responder};
use crate::context::{Context, Failure};
use crate::history::page::Question;
use crate::ids::RunKey;
use crate::matching::Ticket;

/// One of them.
pub(crate) struct Waiter {
    pub(crate) responder: Responder,
    pub(crate) ticket: Ticket,
    pub(crate) question: Question,
    /// What it is told when its time is over: ask again, from where you were.
    pub(crate) empty: Bytes,
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
    /// The run's history grew, or the run closed.
    pub(crate) fn answer_history_waiters(&mut self, key: RunKey) -> Result<(), Failure> {
        let Some(waiters) = self.waiters.by_run.remove(&key) else { return Ok(()) };
        for waiter in waiters {
            if waiter.responder.is_gone() {
                self.matching.unpark(waiter.ticket);
                continue;
            }
            match self.history_answer(key, &waiter.question)? {
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
