//! What the passing of wall time ends: calls that wait for too long, and runs in memory that nobody asks
//! for.

use bytes::Bytes;

use crate::action::Reply;
use crate::context::Context;
use crate::matching::ParkedAt;
use crate::run::Run;
use crate::{Code, RpcStatus};

/// Open runs kept in memory, about.
const RUNS_IN_MEMORY: usize = 20_000;

impl Context {
    /// Drop the runs from memory that were not looked at for longest, when there are too many. They are
    /// read again when something happens to them. Only between transactions.
    pub(crate) fn evict_idle_runs(&mut self) {
        if self.runs.len() <= RUNS_IN_MEMORY {
            return;
        }
        let idle = |run: &Run| run.volatile.lease.is_none() && run.workflow_task().is_none();
        let mut keys: Vec<_> = self
            .runs
            .values()
            .filter(|run| idle(run))
            .map(|run| (run.volatile.last_used, run.key()))
            .collect();
        keys.sort_unstable();
        for (_, key) in keys.into_iter().take(self.runs.len() - RUNS_IN_MEMORY / 2) {
            self.runs.remove(&key);
        }
    }

    /// End parked calls whose time is over.
    pub(crate) fn expire(&mut self) {
        self.env.wall = self.env.clock.wall();
        while let Some((ticket, at)) = self.matching.pop_expired(self.env.wall) {
            let ended = match at {
                ParkedAt::Queue(key) => {
                    let poller = self.matching.queue(&key).remove_poller(ticket);
                    poller.map(|poller| (poller.responder, Ok(Bytes::new())))
                }
                ParkedAt::History(run) => self
                    .waiters
                    .remove(run, ticket)
                    .map(|(responder, empty)| (responder, Ok(empty))),
                ParkedAt::Query(id) => {
                    let status =
                        RpcStatus::new(Code::DeadlineExceeded, "context deadline exceeded");
                    self.queries.expire(id).map(|responder| (responder, Err(status)))
                }
                ParkedAt::Update => self.expired_update(ticket),
            };
            if let Some((responder, result)) = ended {
                self.reply(responder, Reply::new(result));
            }
        }
    }
}
