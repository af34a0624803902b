//! Workflow tasks that are, or are about to be, with workers before their transaction is on the disk.

use std::time::{Duration, Instant};

use crate::Clock;
use crate::ids::{RunId, RunKey};
use crate::mutation::{Mutation, is_active};
use crate::state::reply::{Action, LeaseName, Reply, Responder};
use crate::store::StoreError;

/// No caller waits longer than this for workers to be done.
pub(crate) const LONGEST: Duration = Duration::from_millis(1);

/// Samples above this count as this: it is out of the ordinary, and soon forgotten.
pub(crate) const LONG: Duration = Duration::from_millis(4);

/// Tasks that are, or are about to be, with workers before the transaction is on the disk.
#[derive(Default)]
pub(crate) struct Precommit {
    /// Not sent yet.
    pub(crate) ready: Vec<(Responder, Reply)>,
    /// Sent.
    pub(crate) out: Vec<LeaseOut>,
    /// Sent out of transactions that failed, and not answered yet.
    pub(crate) withdrawn: Vec<Withdrawn>,
    /// The time that workers take for a workflow task.
    pub(crate) turnaround: Average,
    /// The time that a commit takes.
    pub(crate) sync: Average,
}

/// A lease that is not on the disk.
pub(crate) struct LeaseOut {
    pub(crate) run: RunKey,
    pub(crate) lease: [u8; 16],
    /// The commit may wait for it.
    pub(crate) is_awaited: bool,
}

/// A withdrawn lease whose worker is still at it.
pub(crate) struct Withdrawn {
    pub(crate) run_id: RunId,
    pub(crate) worker: String,
    pub(crate) lease: [u8; 16],
    /// The worker is not at it any longer than this.
    pub(crate) until: Instant,
}

/// An average in which what was lately counts most.
#[derive(Default)]
pub(crate) struct Average(Duration);

impl Average {
    pub(crate) fn add(&mut self, sample: Duration) {
        self.0 = (self.0 * 7 + sample.min(LONG)) / 8;
    }
}

/// Tell whether an answer may be given before the commit: it holds a task, and nothing else.
pub(crate) fn is_precommit(reply: &Reply) -> bool {
    match &reply.lease {
        Some((_, LeaseName::Workflow { .. })) => true,
        Some((_, LeaseName::Activity { .. })) => is_active(Mutation::PrecommitActivity),
        _ => false,
    }
}

impl Precommit {
    /// Take a workflow task on its way to a worker; any other answer comes back.
    pub(crate) fn take(&mut self, responder: Responder, reply: Reply) -> Option<Action> {
        if is_precommit(&reply) {
            self.ready.push((responder, reply));
            None
        } else {
            Some(Action::Reply(responder, reply))
        }
    }

    /// Note how long a commit takes that succeeds.
    pub(crate) fn time_commit(
        &mut self,
        clock: &dyn Clock,
        commit: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let began = clock.wall();
        commit()?;
        self.sync.add(clock.wall().saturating_duration_since(began));
        Ok(())
    }

    /// The transaction failed: give those that got no task.
    pub(crate) fn abort(&mut self) -> impl Iterator<Item = Responder> {
        self.ready.drain(..).map(|(responder, _)| responder)
    }

    /// For how long it is worth to wait for completions.
    pub(crate) fn patience(&self) -> Duration {
        let Self { turnaround: Average(turnaround), sync: Average(sync), .. } = self;
        let worthwhile = (*sync * 2).min(LONGEST);
        if *turnaround <= worthwhile { worthwhile } else { Duration::ZERO }
    }

    /// Nothing is waited for any more.
    pub(crate) fn forget(&mut self) {
        self.out.clear();
    }

    /// Drop the withdrawn task of this lease: its worker has answered.
    pub(crate) fn refuse(&mut self, lease: &[u8]) {
        self.withdrawn.retain(|task| task.lease != lease);
    }

    /// A worker is at nothing any more.
    pub(crate) fn worker_gone(&mut self, worker: &str) {
        self.withdrawn.retain(|task| task.worker != worker);
    }
}
