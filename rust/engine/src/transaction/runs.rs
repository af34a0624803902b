//! Bringing runs into memory. One that can't be read is reported and left alone; the others go on.

use crate::ids::RunKey;
use crate::machine::workflow_task;
use crate::proto::Attributes;
use crate::state::run::Run;
use crate::store::{RunRow, StoreError};
use crate::transaction::context::Context;
use crate::transaction::pages;

impl Context {
    /// Bring an open run into memory; false when there is none of that key.
    pub(crate) fn load_run(&mut self, key: RunKey) -> Result<bool, StoreError> {
        if self.runs.contains_key(&key) {
            return Ok(true);
        }
        match self.read_run(key) {
            Ok(Some(mut run)) => {
                // Held back for a worker that is gone: flushed before anything that comes later.
                if workflow_task::flush_buffered(&mut run) && run.touch() {
                    self.touched.push(key); // who reads it now is told only what is written, too
                }
                run.volatile.sticky = self.evicted.take(key);
                self.runs.insert(key, run);
                self.recall_updates(key)?;
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(StoreError::Damaged(detail)) => {
                if self.damaged.insert(key) {
                    tracing::error!(run = key.0, detail, "a stored run can't be read: left alone");
                }
                Ok(false)
            }
            Err(error) => {
                self.batch.insert(key); // whatever was to become of it is retried
                Err(error)
            }
        }
    }

    /// Updates that are on record as admitted wait for a worker again.
    pub(crate) fn recall_updates(&mut self, key: RunKey) -> Result<(), StoreError> {
        let Some(run) = self.runs.get(&key) else { return Ok(()) };
        for record in run.row.record.admitted.clone() {
            let (id, until) = (record.event_id, record.event_id + 1);
            let event = pages::events(self, key, id, until)?.pop();
            if let Some(Attributes::WorkflowExecutionUpdateAdmittedEventAttributes(admitted)) =
                event.and_then(|event| event.attributes)
            {
                self.updates.recall(key, admitted.request.unwrap_or_default());
            }
        }
        Ok(())
    }

    pub(crate) fn read_run(&mut self, key: RunKey) -> Result<Option<Run>, StoreError> {
        let Some(row) = self.store.run(key)?.filter(RunRow::is_open) else { return Ok(None) };
        let pending = self.store.pending(key)?;
        Run::load(row, pending).map(Some)
    }

    /// Tell whether the run is there and can't be read.
    pub(crate) fn is_damaged(&self, key: RunKey) -> bool {
        self.damaged.contains(&key)
    }
}
