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

use bytes::Bytes;

use crate::RpcStatus;
use crate::ids::{RunId, RunKey};
use crate::machine::workflow_task::start_to_close;
use crate::state::message::EngineMessage;
use crate::state::precommit::{LeaseOut, Withdrawn};
use crate::state::reply::{LeaseName, Reply};
use crate::state::run::{Lease, Run};
use crate::transaction::context::{CallError, Context, Outcome};

impl Context {
    /// Give workers the workflow tasks that there are for them.
    pub(crate) fn dispatch_tasks(&mut self, engine: &Sender<EngineMessage>) {
        if self.precommit.ready.is_empty() {
            return;
        }
        let wall = self.env.clock.wall();
        for (responder, reply) in std::mem::take(&mut self.precommit.ready) {
            if let Some((_, LeaseName::Workflow { run: key, lease: id })) = &reply.lease
                && let Some(lease) = self.lease_of(*key, id)
            {
                lease.given = Some(wall);
                self.precommit.out.push(LeaseOut { run: *key, lease: *id, is_awaited: true });
            }
            responder.send(reply, engine);
        }
    }

    /// Tell whether something is to be committed, and workers have tasks that came up meanwhile.
    pub(crate) fn awaits_workers(&mut self) -> bool {
        let mut out = std::mem::take(&mut self.precommit.out);
        out.retain(|out| self.lease_of(out.run, &out.lease).is_some());
        self.precommit.out = out;
        self.in_transaction && self.precommit.out.iter().any(|out| out.is_awaited)
    }

    /// The call being handled completes the workflow task of a run.
    pub(crate) fn note_turnaround(&mut self, run: RunKey) {
        let lease = self.runs.get(&run).and_then(|run| run.volatile.lease.as_ref());
        if let Some(given) = lease.and_then(|lease| lease.given)
            && let Some(responder) = &self.caller.responder
        {
            self.precommit.turnaround.add(responder.sent.saturating_duration_since(given));
        }
    }

    /// A worker wants to know whether what its workflow task of a run is made of is on the disk. The
    /// answer is like any other: it is given when everything before it is.
    pub(crate) fn confirm_workflow_task(&mut self, asked: &[u8]) -> Result<Outcome, CallError> {
        let asked = str::from_utf8(asked).unwrap_or_default();
        let (run_id, worker) = asked.split_once(' ').unwrap_or_default();
        let run_id = RunId::parse(run_id)?;
        let wall = self.env.wall;
        let withdrawn = &mut self.precommit.withdrawn;
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
        self.precommit.out.iter_mut().filter(|out| Some(out.run) == key).for_each(|out| {
            out.is_awaited = false; // it waits for us
        });
        Ok(Outcome::Done(Reply::new(Ok(Bytes::new()))))
    }

    /// The transaction has failed, which touched these runs: remember who is at a task that never was.
    pub(crate) fn withdraw(&mut self, runs: &BTreeSet<RunKey>) {
        let out = std::mem::take(&mut self.precommit.out);
        for LeaseOut { run: key, lease: id, .. } in
            out.into_iter().filter(|out| runs.contains(&out.run))
        {
            let Some(run) = self.runs.get(&key) else { continue };
            let lease = run.volatile.lease.as_ref().filter(|lease| lease.id == id);
            if let Some(Lease { worker, attempt, .. }) = lease {
                let limit = start_to_close(run.row.record.task_timeout, *attempt);
                let (run_id, until) = (run.row.run_id, self.env.wall + limit);
                let worker = worker.clone();
                self.precommit.withdrawn.push(Withdrawn { run_id, worker, lease: id, until });
            }
        }
    }

    /// The mutation: the run of a failed transaction is forgotten, its lease is not.
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
