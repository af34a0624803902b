//! A worker that has ended for good.
//!
//! A worker can end with tasks in its hands that it never looked at: polled, and dropped on the way to
//! whoever was to work on them. Each would wait for its timeout, seconds for a workflow task and as
//! long as the program allows for an activity. Whoever knows that a worker can't answer any more says
//! so, and its tasks go to others as the same attempts: nothing is written.

use std::collections::BTreeSet;

use crate::ids::{EventId, RunKey};
use crate::state::reply::LeaseName;
use crate::state::task_queues::{QueueKey, QueueKind, Undelivered};
use crate::store::record::ActivityState;
use crate::transaction::context::{CallError, Context};

impl Context {
    /// Give what the worker was working on, and never will again, to whoever polls. Activities with
    /// the tokens `going_on` are still worked on.
    pub(crate) fn worker_gone(
        &mut self,
        worker: &str,
        going_on: &[Vec<u8>],
    ) -> Result<(), CallError> {
        self.gone.insert(worker.to_owned(), going_on.to_vec());
        self.precommit.worker_gone(worker);
        let leased = |run: &crate::state::run::Run| {
            run.volatile.lease.as_ref().is_some_and(|lease| lease.worker == worker)
        };
        let mut runs: Vec<_> =
            self.runs.iter().filter(|(_, run)| leased(run)).map(|(key, _)| *key).collect();
        runs.sort_unstable(); // a map has no order of its own
        for key in runs {
            if let Some((run, _)) = self.open_run(key)? {
                run.volatile.sticky = None; // it was in that worker's cache
            }
            self.offer_leased_again(key)?;
        }
        let mut stays = BTreeSet::new();
        for token in going_on {
            match self.activity_of(token) {
                Ok(activity) => drop(stays.insert(activity)),
                Err(CallError::Status(_)) => {} // a token of an attempt that is over names nothing
                Err(failure) => return Err(failure),
            }
        }
        for (key, event) in self.store.started_activities(worker)? {
            if !stays.contains(&(key, event)) {
                self.pass_on_activity(key, event, worker)?;
            }
        }
        Ok(())
    }

    /// Workflow tasks that came back to a queue which nobody polls any more: a sticky queue's worker is
    /// gone, so they go to the run's own queue. On that one they wait for a poller.
    pub(super) fn abandon_undelivered(&mut self, queue: &QueueKey) -> Result<(), CallError> {
        for task in self.matching.take_all_kept(queue) {
            let Some(task) = self.as_it_stands(task)? else {
                continue; // the run may be on its way with another task: leave it alone
            };
            if let LeaseName::Workflow { run: key, .. } = task.lease
                && let Some((run, _)) = self.open_run(key)?
                && run.row.task_queue != queue.name
            {
                run.volatile.sticky = None;
                self.offer_leased_again(key)?;
            } else {
                self.matching.queue(queue).undelivered.push_back(task);
            }
        }
        Ok(())
    }

    /// Pass on what that worker has. The transaction may have given it to another one already.
    fn pass_on_activity(
        &mut self,
        key: RunKey,
        event: EventId,
        worker: &str,
    ) -> Result<(), CallError> {
        let Some((run, _)) = self.open_run(key)? else { return Ok(()) };
        let namespace = run.row.namespace;
        let Some(record) = run.activities.get(&event) else { return Ok(()) };
        if record.state() != ActivityState::Started || record.worker != worker {
            return Ok(());
        }
        let name = record.task_queue.clone();
        let Some((body, lease)) = self.started_activity(key, event)? else { return Ok(()) };
        let queue = QueueKey { namespace, kind: QueueKind::Activity, name };
        self.pass_on(&queue, Undelivered { lease, body })
    }

    fn pass_on(&mut self, queue: &QueueKey, task: Undelivered) -> Result<(), CallError> {
        self.matching.queue(queue).keep(task);
        self.feed(queue)
    }
}
