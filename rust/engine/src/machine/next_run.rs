//! Chains of runs with the same input: a run that failed, or ran out of its time, is retried, and a run
//! with a cron schedule is followed by another one, however it ended.

use crate::Timestamp;
use crate::ids::RunId;
use crate::machine::workflow::NewRun;
use crate::policy::cron::Schedule;
use crate::policy::retry;
use crate::proto::common::Payloads;
use crate::proto::enums::{ContinueAsNewInitiator, RetryState};
use crate::proto::failure::Failure;
use crate::proto::history::WorkflowExecutionStartedEventAttributes;
use crate::proto::{from_nanos, to_duration};
use crate::state::env::Env;
use crate::state::run::Run;

/// The run that follows one that ended with `failure`, and why it is or is not a retry.
pub(crate) fn after_failure(
    run: &Run,
    env: &Env,
    first: Option<WorkflowExecutionStartedEventAttributes>,
    failure: &Failure,
) -> (RetryState, Option<NewRun>) {
    let Some(first) = first else { return (RetryState::RetryPolicyNotSet, None) };
    match retry_of(run, env, &first, failure) {
        Ok(next) => (RetryState::InProgress, Some(next)),
        Err(state) => (state, by_schedule(run, env, first, Some(failure.clone()), None)),
    }
}

/// The run that follows one that completed: the next of its cron schedule.
pub(crate) fn after_completion(
    run: &Run,
    env: &Env,
    first: Option<WorkflowExecutionStartedEventAttributes>,
    result: Option<&Payloads>,
) -> Option<NewRun> {
    by_schedule(run, env, first?, None, result)
}

fn by_schedule(
    run: &Run,
    env: &Env,
    first: WorkflowExecutionStartedEventAttributes,
    failure: Option<Failure>,
    result: Option<&Payloads>,
) -> Option<NewRun> {
    let row = &run.row;
    let schedule = Schedule::parse(&row.record.cron_schedule)?;
    let meant_for = row.start_time.0.saturating_add(row.record.first_backoff);
    let backoff = schedule.backoff(meant_for, env.now.0)?;
    let expiration = row.record.execution_expiration;
    if expiration != 0 && env.now.after(backoff).0 >= expiration {
        return None;
    }
    let run_id = RunId::new(env.clock.as_ref(), env.entropy.as_ref());
    let attributes = WorkflowExecutionStartedEventAttributes {
        continued_execution_run_id: row.run_id.to_string(),
        original_execution_run_id: run_id.to_string(),
        initiator: ContinueAsNewInitiator::CronSchedule.into(),
        continued_failure: failure,
        last_completion_result: result.cloned().or_else(|| first.last_completion_result.clone()),
        attempt: 1,
        first_workflow_task_backoff: Some(to_duration(backoff)),
        memo: row.record.memo.clone().or_else(|| first.memo.clone()),
        search_attributes: row.record.search_attributes.clone(),
        identity: String::new(),
        ..first
    };
    Some(NewRun::following(row, env, run_id, attributes))
}

fn retry_of(
    run: &Run,
    env: &Env,
    first: &WorkflowExecutionStartedEventAttributes,
    failure: &Failure,
) -> Result<NewRun, RetryState> {
    let row = &run.row;
    let policy = first.retry_policy.as_ref().ok_or(RetryState::RetryPolicyNotSet)?;
    let attempt = row.record.attempt;
    let expiration = row.record.execution_expiration;
    let delay = retry::next_delay(policy, attempt, failure, env.now.0, expiration)?;
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
        identity: String::new(),
        ..first.clone()
    };
    Ok(NewRun::following(row, env, run_id, attributes))
}
