//! Retries of a workflow as a whole: a run that failed, or ran out of its time, is followed by another
//! one with the same input.

use crate::Timestamp;
use crate::context::{Context, Env, Failure as CallFailure};
use crate::history::{fragment, page};
use crate::ids::{RunId, RunKey};
use crate::machine::workflow::NewRun;
use crate::proto::enums::{ContinueAsNewInitiator, RetryState};
use crate::proto::failure::Failure;
use crate::proto::history::WorkflowExecutionStartedEventAttributes;
use crate::proto::{Attributes, from_nanos};
use crate::retry;
use crate::run::Run;
use crate::store::StoreError;

impl Context {
    /// What an open run was started with, if it has a retry policy.
    pub(crate) fn first_event_for_retry(
        &mut self,
        key: RunKey,
    ) -> Result<Option<WorkflowExecutionStartedEventAttributes>, CallFailure> {
        let Some((run, _)) = self.open_run(key)? else { return Ok(None) };
        if !run.row.record.has_retry_policy {
            return Ok(None);
        }
        let fragments = page::read(self.store.as_mut(), self.runs.get(&key), key, 1)?;
        let (parts, _) = page::cut(&fragments, 1, 1);
        let event = parts.first().and_then(|part| fragment::decode(part).ok()?.pop());
        match event.and_then(|event| event.attributes) {
            Some(Attributes::WorkflowExecutionStartedEventAttributes(first)) => Ok(Some(first)),
            _ => Err(StoreError::Damaged("a history does not begin with its start".into()).into()),
        }
    }
}

/// The run that follows one that ended with `failure`; or why none does.
pub(crate) fn next_run(
    run: &Run,
    env: &Env,
    first: Option<WorkflowExecutionStartedEventAttributes>,
    failure: &Failure,
) -> Result<NewRun, RetryState> {
    let row = &run.row;
    let (first, policy) = first
        .and_then(|first| first.retry_policy.clone().map(|policy| (first, policy)))
        .ok_or(RetryState::RetryPolicyNotSet)?;
    let attempt = row.record.attempt;
    let expiration = row.record.execution_expiration;
    let delay = retry::next_delay(&policy, attempt, failure, env.now.0, expiration)?;
    let backoff = Timestamp(0).after(delay).0;
    let run_id = RunId::new(env.clock.as_ref(), env.entropy.as_ref());
    let attributes = WorkflowExecutionStartedEventAttributes {
        continued_execution_run_id: row.run_id.to_string(),
        original_execution_run_id: run_id.to_string(),
        initiator: ContinueAsNewInitiator::Retry.into(),
        continued_failure: Some(failure.clone()),
        attempt: attempt + 1,
        first_workflow_task_backoff: Some(from_nanos(backoff)),
        memo: row.record.memo.clone().or_else(|| first.memo.clone()),
        search_attributes: row.record.search_attributes.clone(),
        ..first
    };
    Ok(NewRun::following(row, env, run_id, attributes))
}
