//! Which run a caller means, by its id and maybe a run id.

use crate::RpcStatus;
use crate::ids::{NamespaceKey, RunId, RunKind};
use crate::proto::common::WorkflowExecution;
use crate::store::{RunRow, StoreError};
use crate::transaction::context::{CallError, Context};

/// There is no activity of that id, or not such an attempt of it.
pub(crate) fn not_found(activity_id: &str) -> RpcStatus {
    RpcStatus::not_found(format!("activity not found for ID: {activity_id}"))
}

impl Context {
    /// The run that a caller names, open or closed; without a run id the newest one.
    pub(crate) fn find_run(
        &mut self,
        namespace: NamespaceKey,
        execution: Option<&WorkflowExecution>,
    ) -> Result<RunRow, CallError> {
        let (id, run_id) = execution
            .map(|execution| (execution.workflow_id.as_str(), execution.run_id.as_str()))
            .unwrap_or_default();
        if id.is_empty() {
            return Err(RpcStatus::invalid_argument("WorkflowId is not set on request.").into());
        }
        let asked = if run_id.is_empty() { None } else { Some(RunId::parse(run_id)?) };
        self.find(namespace, RunKind::Workflow, id, asked)?.ok_or_else(|| {
            let message = if run_id.is_empty() {
                format!("workflow not found for ID: {id}")
            } else {
                format!("workflow execution not found for workflow ID {id:?} and run ID {run_id:?}")
            };
            RpcStatus::not_found(message).into()
        })
    }

    /// Find a standalone activity's run; `NOT_FOUND` if there is none.
    pub(crate) fn find_activity(
        &mut self,
        namespace: NamespaceKey,
        id: &str,
        run_id: &str,
    ) -> Result<RunRow, CallError> {
        let parsed = RunId::parse(run_id);
        let parsed = parsed.map_err(|_| RpcStatus::invalid_argument("RunId is not valid UUID."));
        let asked = if run_id.is_empty() { None } else { Some(parsed?) };
        self.find(namespace, RunKind::Activity, id, asked)?.ok_or_else(|| not_found(id).into())
    }

    /// The run of that workflow id that was started last.
    pub(crate) fn last_run(
        &mut self,
        namespace: NamespaceKey,
        workflow_id: &str,
    ) -> Result<Option<RunRow>, StoreError> {
        self.find(namespace, RunKind::Workflow, workflow_id, None)
    }

    /// The run of that id that has the run id, or was started last.
    pub(crate) fn find(
        &mut self,
        namespace: NamespaceKey,
        kind: RunKind,
        id: &str,
        run_id: Option<RunId>,
    ) -> Result<Option<RunRow>, StoreError> {
        let is_meant = |row: &RunRow| {
            row.namespace == namespace
                && row.kind() == kind
                && row.workflow_id == id
                && run_id.is_none_or(|run_id| row.run_id == run_id)
        };
        if let Some(row) = self.unwritten(is_meant) {
            return Ok(Some(row));
        }
        let row = match run_id {
            Some(run_id) => self.store.run_by_id(run_id)?,
            None => self.store.last_run(namespace, kind, id)?,
        };
        // What is in memory is newer, until it is flushed.
        let row = row.map(|row| self.runs.get(&row.key).map_or(row, |run| run.row.clone()));
        Ok(row.filter(is_meant))
    }

    /// The newest run that the call being handled started, of those that `is_meant`.
    fn unwritten(&self, is_meant: impl Fn(&RunRow) -> bool) -> Option<RunRow> {
        let runs = self.touched.iter().rev().filter_map(|key| self.runs.get(key));
        runs.filter(|run| run.is_new()).map(|run| &run.row).find(|row| is_meant(row)).cloned()
    }
}
