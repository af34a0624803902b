//! Runs that are deleted: nothing is left of one.

use crate::ids::RunKey;
use crate::machine::child::IDENTITY;
use crate::machine::workflow;
use crate::proto::history::WorkflowExecutionTerminatedEventAttributes;
use crate::transaction::context::{CallError, Context};

impl Context {
    /// Delete a run of a workflow. One that is open is terminated first: its parent and its children
    /// hear of that.
    pub(crate) fn delete_run(&mut self, key: RunKey) -> Result<(), CallError> {
        let Some((run, env)) = self.open_run(key)? else { return self.erase(key) };
        let attributes = WorkflowExecutionTerminatedEventAttributes {
            reason: "Delete workflow execution".into(),
            identity: IDENTITY.into(),
            ..Default::default()
        };
        workflow::terminate(run, env, attributes, Vec::new());
        run.volatile.deleted = true;
        Ok(())
    }

    /// A run has closed: tell everybody who waits for it, and delete it if that was why.
    pub(crate) fn leave_closed(&mut self, key: RunKey) -> Result<(), CallError> {
        self.end_updates(key)?;
        if self.runs.get(&key).is_some_and(|run| run.volatile.deleted) {
            self.erase(key)?;
        }
        Ok(())
    }

    /// Delete a closed run.
    pub(crate) fn erase(&mut self, key: RunKey) -> Result<(), CallError> {
        self.begin()?;
        self.store.delete_run(key)?;
        self.runs.remove(&key);
        self.drop_queries(key);
        Ok(())
    }
}
