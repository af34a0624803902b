//! What failed transactions leave to be done, until the store works again.
//!
//! A run that such a transaction had touched is read again from the disk: it has the tasks that it had
//! before, and nobody was given them. What is not on the disk is remembered here as well.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::RunKey;
use crate::state::task_queues::QueueKey;
use crate::transaction::context::{Context, Failure, Work};

#[derive(Default)]
pub(crate) struct Owed {
    /// Their tasks are to be offered.
    pub(crate) runs: BTreeSet<RunKey>,
    /// What they hold again is to be given to those who wait.
    pub(crate) queues: BTreeSet<QueueKey>,
    /// What these workers had is to be given to others; with the tokens of activities that go on.
    pub(crate) gone: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Owed {
    pub(crate) fn add(&mut self, more: Self) {
        let Self { runs, queues, gone } = more;
        self.runs.extend(runs);
        self.queues.extend(queues);
        self.gone.extend(gone);
    }
}

impl Context {
    /// Do what is owed.
    pub(crate) fn settle_up(&mut self, owed: &Owed) -> Result<(), Failure> {
        for key in &owed.runs {
            let Some((run, env)) = self.open_run(*key)? else { continue };
            env.work.push(Work::WorkflowTask(*key));
            let ready = run.activities.values().filter(|a| a.is_ready());
            env.work.extend(ready.map(|a| Work::ActivityTask(*key, a.scheduled_event_id)));
        }
        for queue in &owed.queues {
            self.feed_kept(queue)?;
        }
        for (worker, going_on) in &owed.gone {
            self.worker_gone(worker, going_on)?;
        }
        Ok(())
    }
}
