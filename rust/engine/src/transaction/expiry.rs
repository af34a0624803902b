//! The end of what wall time limits: calls that wait for too long, and runs in memory that nobody asks
//! for.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::state::reply::{Reply, Responder};
use crate::state::task_queues::ParkedAt;
use crate::transaction::context::Context;
use crate::{Code, RpcStatus};

/// Idle runs kept in memory, at most: they are dropped when there are twice as many.
const RUNS_IN_MEMORY: usize = 4_096;

/// A run is cold when nothing has happened to it for this long.
const COLD: Duration = Duration::from_secs(30);

impl Context {
    /// Tell whether so many runs are in memory that some have to go before long.
    pub(crate) fn is_crowded(&self) -> bool {
        self.runs.len() > self.crowded
    }

    /// Drop cold runs from memory, and warm ones too where there are too many, those first that were not
    /// looked at for longest. They are read again when something happens to them. Only between
    /// transactions. Tells whether there are warm ones left, which will be cold if nothing happens.
    pub(crate) fn evict_idle_runs(&mut self, wall: Instant) -> bool {
        // A run with a workflow task stays: its lease and its place in a queue are nowhere else.
        let mut idle: Vec<_> = self
            .runs
            .values()
            .filter(|run| run.volatile.lease.is_none() && run.workflow_task().is_none())
            .map(|run| (run.volatile.last_used, run.key()))
            .collect();
        idle.sort_unstable();
        let surplus = idle.len().saturating_sub(RUNS_IN_MEMORY);
        let mut warm = false;
        for (index, (last_used, key)) in idle.into_iter().enumerate() {
            let is_cold = last_used.is_none_or(|at| wall.duration_since(at) >= COLD);
            if index >= surplus && !is_cold {
                warm = true;
                break;
            }
            if let Some(sticky) = self.runs.remove(&key).and_then(|run| run.volatile.sticky) {
                self.evicted.put(key, sticky);
            }
        }
        self.evicted.sweep();
        // What is not idle stays, however many: look again only when there are many more.
        self.crowded = (self.runs.len() * 2).max(2 * RUNS_IN_MEMORY);
        if self.runs.capacity() > 4 * self.runs.len() {
            self.runs.shrink_to_fit();
        }
        warm
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
                ParkedAt::Query(id) => self.queries.expire(id).map(too_late),
                ParkedAt::Sleep(id) => self.expired_sleep(id).map(too_late),
                ParkedAt::Update => self.expired_update(ticket),
            };
            if let Some((responder, result)) = ended {
                self.reply(responder, Reply::new(result));
            }
        }
    }
}

fn too_late(responder: Responder) -> (Responder, Result<Bytes, RpcStatus>) {
    let status = RpcStatus::new(Code::DeadlineExceeded, "context deadline exceeded");
    (responder, Err(status))
}
