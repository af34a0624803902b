//! Workflow tasks that are handed out before the transaction that scheduled them is on the disk.
//!
//! # The problem
//!
//! A step of a workflow is an activity's result, the workflow task that it leads to, and what that task
//! orders. Committed one after the other these are two syncs, and between them the disk waits for the
//! worker and the worker for the disk.
//!
//! # Why a workflow task can be early
//!
//! Workflow code reaches the world only through what its task's completion orders, and the completion
//! comes back to this engine, where it is committed with, or behind, what the task was made of: there is
//! one writer and one order. If the process dies before, both are lost together, and nobody knows of
//! either: the same as having died a moment earlier. What does reach the world waits for the commit:
//!
//! * every answer to a caller, reads too, since all answers of a transaction are given after it
//!   ([`Action::Reply`]): a client is told neither of a start nor of a signal that is not on the disk,
//!   nor what a query found out from it;
//! * tasks of activities;
//! * *local* activities, which a worker runs by itself in the middle of a workflow task. It asks first:
//!   [`crate::Engine::confirm_workflow_task`].
//!
//! # When the commit fails
//!
//! The runs of the transaction are read again from the disk, and a lease is in memory only: so a task
//! that was handed out from a failed transaction is no longer leased. Its completion is answered with
//! `NOT_FOUND`, which makes the worker drop the run from its cache; that the worker has it is forgotten
//! too, so that the next task comes with the whole history. Until it has answered, or its time is over, a
//! local activity that it asks for is not run, also when the run has another task by then. A transaction
//! that failed half-way has handed out nothing yet of what failed, but may have handed out what came
//! before; it is all the same.
//!
//! # To linger
//!
//! If the completion comes back while the transaction is still open, one sync does for both. So the
//! engine may wait before it commits, when it is worth it: when workers have lately taken less time than
//! two syncs, and no longer than that. (Not to wait saves the worker nothing: the sync that its completion
//! needs begins when the one before has ended.) On a disk that is faster than the workers, or in memory,
//! it never waits: then the sync and the worker overlap, which is as good.

use std::collections::BTreeSet;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::engine::EngineMessage;
use crate::ids::{RunId, RunKey};
use crate::machine::workflow_task::start_to_close;
use crate::mutation::{Bug, planted};
use crate::state::reply::{Action, LeaseName, Reply, Responder};
use crate::state::run::{Lease, Run};
use crate::store::StoreError;
use crate::transaction::context::{Context, Failure, Outcome};
use crate::{Clock, RpcStatus};

/// No caller waits longer than this for workers to be done.
const LONGEST: Duration = Duration::from_millis(1);
/// What took longer than this counts as this: it is out of the ordinary, and soon forgotten.
const LONG: Duration = Duration::from_millis(4);

/// Tasks that are, or are about to be, with workers before the transaction is on the disk.
#[derive(Default)]
pub(crate) struct Early {
    /// Not sent yet.
    ready: Vec<(Responder, Reply)>,
    /// Sent.
    out: Vec<Out>,
    /// Sent out of transactions that failed, and not answered yet.
    withdrawn: Vec<Withdrawn>,
    /// What a worker takes for a workflow task.
    turnaround: Average,
    /// What a commit takes.
    sync: Average,
}

/// A lease that is not on the disk.
struct Out {
    run: RunKey,
    lease: [u8; 16],
    /// The commit may wait for it.
    is_awaited: bool,
}

/// What is left of a lease in the worker that has it.
struct Withdrawn {
    run_id: RunId,
    worker: String,
    lease: [u8; 16],
    /// The worker is not at it any longer than this.
    until: Instant,
}

/// An average in which what was lately counts most.
#[derive(Default)]
struct Average(Duration);

impl Average {
    fn add(&mut self, sample: Duration) {
        self.0 = (self.0 * 7 + sample.min(LONG)) / 8;
    }
}

/// Whether an answer may be given before the commit: it holds a task, and nothing else.
fn is_early(reply: &Reply) -> bool {
    match &reply.lease {
        Some((_, LeaseName::Workflow { .. })) => true,
        Some((_, LeaseName::Activity { .. })) => planted(Bug::EarlyActivity),
        _ => false,
    }
}

impl Early {
    /// Take a workflow task on its way to a worker; any other answer comes back.
    pub(crate) fn take(&mut self, responder: Responder, reply: Reply) -> Option<Action> {
        if is_early(&reply) {
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

    /// A worker answers for a task that it does not have.
    pub(crate) fn refuse(&mut self, lease: &[u8]) {
        self.withdrawn.retain(|task| task.lease != lease);
    }

    /// A worker is at nothing any more.
    pub(crate) fn worker_gone(&mut self, worker: &str) {
        self.withdrawn.retain(|task| task.worker != worker);
    }
}

impl Context {
    /// Give workers the workflow tasks that there are for them.
    pub(crate) fn hand_out(&mut self, engine: &Sender<EngineMessage>) {
        if self.early.ready.is_empty() {
            return;
        }
        let wall = self.env.clock.wall();
        for (responder, reply) in std::mem::take(&mut self.early.ready) {
            if let Some((_, LeaseName::Workflow { run: key, lease: id })) = &reply.lease
                && let Some(lease) = self.lease_of(*key, id)
            {
                lease.given = Some(wall);
                self.early.out.push(Out { run: *key, lease: *id, is_awaited: true });
            }
            responder.send(reply, engine);
        }
    }

    /// Whether something is to be committed, and workers have tasks that came up meanwhile.
    pub(crate) fn awaits_workers(&mut self) -> bool {
        let mut out = std::mem::take(&mut self.early.out);
        out.retain(|out| self.lease_of(out.run, &out.lease).is_some());
        self.early.out = out;
        self.in_transaction && self.early.out.iter().any(|out| out.is_awaited)
    }

    /// The call being handled completes the workflow task of a run.
    pub(crate) fn note_turnaround(&mut self, run: RunKey) {
        let lease = self.runs.get(&run).and_then(|run| run.volatile.lease.as_ref());
        if let Some(given) = lease.and_then(|lease| lease.given)
            && let Some(responder) = &self.caller.responder
        {
            self.early.turnaround.add(responder.sent.saturating_duration_since(given));
        }
    }

    /// A worker wants to know whether what its workflow task of a run is made of is on the disk. The
    /// answer is like any other: it is given when everything before it is.
    pub(crate) fn confirm_workflow_task(&mut self, asked: &[u8]) -> Result<Outcome, Failure> {
        let asked = str::from_utf8(asked).unwrap_or_default();
        let (run_id, worker) = asked.split_once(' ').unwrap_or_default();
        let run_id = RunId::parse(run_id)?;
        let wall = self.env.wall;
        let withdrawn = &mut self.early.withdrawn;
        withdrawn.retain(|task| task.until > wall);
        let is_withdrawn =
            withdrawn.iter().any(|task| task.run_id == run_id && task.worker == worker);
        let key = self.store.run_by_id(run_id)?.map(|row| row.key);
        let lease = key.and_then(|key| self.runs.get(&key)?.volatile.lease.as_ref());
        // Who starts a workflow and takes its first task does not say which worker it is for.
        let is_its = |lease: &Lease| lease.worker == worker || lease.worker.is_empty();
        if is_withdrawn || !lease.is_some_and(is_its) {
            let detail = "The worker has no workflow task of this run.";
            return Err(RpcStatus::not_found(detail).into());
        }
        self.early.out.iter_mut().filter(|out| Some(out.run) == key).for_each(|out| {
            out.is_awaited = false; // it waits for us
        });
        Ok(Outcome::Done(Reply::new(Ok(Bytes::new()))))
    }

    /// The transaction has failed, which touched these runs: remember who is at a task that never was.
    pub(crate) fn withdraw(&mut self, runs: &BTreeSet<RunKey>) {
        let out = std::mem::take(&mut self.early.out);
        for Out { run: key, lease: id, .. } in out.into_iter().filter(|out| runs.contains(&out.run))
        {
            let Some(run) = self.runs.get(&key) else { continue };
            let lease = run.volatile.lease.as_ref().filter(|lease| lease.id == id);
            if let Some(Lease { worker, attempt, .. }) = lease {
                let limit = start_to_close(run.row.record.task_timeout, *attempt);
                let (run_id, until) = (run.row.run_id, self.env.wall + limit);
                let worker = worker.clone();
                self.early.withdrawn.push(Withdrawn { run_id, worker, lease: id, until });
            }
        }
    }

    /// The planted bug: the run of a failed transaction is forgotten, its lease is not.
    pub(crate) fn keep_lease(&mut self, key: RunKey, run: Option<Run>) {
        let Some(lease) = run.and_then(|run| run.volatile.lease) else { return };
        if let Ok(Some(mut run)) = self.read_run(key)
            && run.row.record.workflow_task.is_some()
        {
            run.volatile.lease = Some(lease);
            self.runs.insert(key, run);
        }
    }

    fn lease_of(&mut self, run: RunKey, id: &[u8; 16]) -> Option<&mut Lease> {
        let lease = self.runs.get_mut(&run)?.volatile.lease.as_mut()?;
        (lease.id == *id).then_some(lease)
    }
}
