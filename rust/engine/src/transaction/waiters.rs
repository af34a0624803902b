//! Callers that wait for a run: for its history to grow or to end, or for what becomes of its activity.

use std::time::Duration;

use bytes::Bytes;

use crate::ids::RunKey;
use crate::state::reply::Reply;
use crate::state::task_queues::ParkedAt;
use crate::state::waiters::{Awaited, Waiter};
use crate::transaction::context::{CallError, Context, Outcome};
use crate::transaction::standalone_answers;

impl Context {
    /// Answer the caller, or have it wait.
    pub(crate) fn answer_or_wait(
        &mut self,
        key: RunKey,
        asked: Awaited,
        empty: Bytes,
        patience: Duration,
    ) -> Result<Outcome, CallError> {
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
    fn answer(&mut self, key: RunKey, asked: &Awaited) -> Result<Option<Bytes>, CallError> {
        match asked {
            Awaited::History(question) => self.history_answer(key, question),
            Awaited::Outcome => standalone_answers::answer_outcome(self, key),
            Awaited::Change(question) => standalone_answers::answer_change(self, key, question),
        }
    }

    /// The run's history grew, or something became of its activity, or it closed.
    pub(crate) fn answer_waiters(&mut self, key: RunKey) -> Result<(), CallError> {
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
