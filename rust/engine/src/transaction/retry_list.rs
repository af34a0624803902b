//! Retries of what failed transactions left, once the store works again.
//!
//! A run that such a transaction had touched is read again from the disk: it has the tasks that it had
//! before, and nobody was given them. What is not on the disk is remembered here as well.

use crate::state::env::Work;
use crate::state::retry_list::RetryList;
use crate::transaction::context::{Context, Failure};

impl Context {
    /// Do what is owed.
    pub(crate) fn settle_up(&mut self, owed: &RetryList) -> Result<(), Failure> {
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
