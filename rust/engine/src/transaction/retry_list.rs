//! Retries of what failed transactions left, once the store works again.
//!
//! A run that such a transaction had touched is read again from the disk: it has the tasks that it had
//! before, and nobody was given them. What is not on the disk is remembered here as well.

use crate::state::env::Work;
use crate::state::retry_list::RetryList;
use crate::transaction::context::{CallError, Context};

impl Context {
    /// Do what is retried.
    pub(crate) fn retry_pending(&mut self, retry_list: &RetryList) -> Result<(), CallError> {
        for key in &retry_list.runs {
            let Some((run, env)) = self.open_run(*key)? else { continue };
            env.work.push(Work::WorkflowTask(*key));
            let ready = run.activities.values().filter(|a| a.is_ready());
            env.work.extend(ready.map(|a| Work::ActivityTask(*key, a.scheduled_event_id)));
        }
        for queue in &retry_list.queues {
            self.feed_kept(queue)?;
        }
        for (worker, going_on) in &retry_list.gone {
            self.worker_gone(worker, going_on)?;
        }
        Ok(())
    }
}
