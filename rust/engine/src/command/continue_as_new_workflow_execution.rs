//! `ContinueAsNewWorkflowExecution`: this run ends and a new one goes on in its place.

use crate::Timestamp;
use crate::command::scope::{Refusal, Scope};
use crate::ids::RunId;
use crate::machine::workflow;
use crate::machine::workflow::NewRun;
use crate::policy::{cron, limits, retry};
use crate::proto::command::ContinueAsNewWorkflowExecutionCommandAttributes;
use crate::proto::enums::{
    ContinueAsNewInitiator, WorkflowExecutionStatus, WorkflowTaskFailedCause as Cause,
};
use crate::proto::{
    Attributes, common, from_duration, from_nanos, history, nanos, normal_queue, timestamp,
};

pub(crate) fn apply(
    scope: &mut Scope<'_>,
    mut command: ContinueAsNewWorkflowExecutionCommandAttributes,
) -> Result<(), Refusal> {
    super::check_attributes(scope, "", command.search_attributes.as_mut())?;
    let bad = |message: String| Refusal::new(Cause::BadContinueAsNewAttributes, message);
    super::check_size(
        command.input.as_ref(),
        Cause::BadContinueAsNewAttributes,
        "ContinueAsNewWorkflowExecutionCommandAttributes. Input",
    )?;
    check(&command).map_err(bad)?;
    cron::check(&command.cron_schedule).map_err(|status| bad(status.message))?;
    let run_id = RunId::new(scope.env.clock.as_ref(), scope.env.entropy.as_ref());
    let next = next_run(scope, &command, run_id).map_err(bad)?;
    let event = scope.event(Attributes::WorkflowExecutionContinuedAsNewEventAttributes(
        history::WorkflowExecutionContinuedAsNewEventAttributes {
            new_execution_run_id: run_id.to_string(),
            workflow_type: next.attributes.workflow_type.clone(),
            task_queue: next.attributes.task_queue.clone(),
            input: command.input,
            workflow_run_timeout: next.attributes.workflow_run_timeout,
            workflow_task_timeout: next.attributes.workflow_task_timeout,
            workflow_task_completed_event_id: scope.completed_event_id,
            backoff_start_interval: command.backoff_start_interval,
            initiator: command.initiator,
            failure: command.failure,
            last_completion_result: command.last_completion_result,
            header: command.header,
            memo: next.attributes.memo.clone(),
            search_attributes: next.attributes.search_attributes.clone(),
            inherit_build_id: command.inherit_build_id,
            initial_versioning_behavior: command.initial_versioning_behavior,
        },
    ));
    scope.run.state().record.next_run_id = run_id.0.as_bytes().to_vec();
    workflow::close(scope.run, scope.env, WorkflowExecutionStatus::ContinuedAsNew, event);
    scope.next_run = Some(next);
    Ok(())
}

fn check(command: &ContinueAsNewWorkflowExecutionCommandAttributes) -> Result<(), String> {
    let on = "ContinueAsNewWorkflowExecutionCommand";
    let kind = command.workflow_type.as_ref().map_or("", |kind| kind.name.as_str());
    let queue = command.task_queue.as_ref().map_or("", |queue| queue.name.as_str());
    super::check_length("WorkflowType", on, kind, "")?;
    super::check_length("TaskQueue", on, queue, "")?;
    let named = format!(" WorkflowType={kind} TaskQueue={queue}");
    for (time, name) in [
        (&command.workflow_run_timeout, "WorkflowRunTimeout"),
        (&command.workflow_task_timeout, "WorkflowTaskTimeout"),
        (&command.backoff_start_interval, "BackoffStartInterval"),
    ] {
        limits::check_time(time.as_ref(), &format!("Invalid {name} on {on}"), &named)?;
    }
    Ok(())
}

/// The new run. Type, queue and timeouts that the command leaves open are this run's; memo, search
/// attributes and retry policy are not: the worker puts them into the command.
fn next_run(
    scope: &Scope<'_>,
    command: &ContinueAsNewWorkflowExecutionCommandAttributes,
    run_id: RunId,
) -> Result<NewRun, String> {
    let row = &scope.run.row;
    let workflow_type = command.workflow_type.clone().filter(|kind| !kind.name.is_empty());
    let workflow_type =
        workflow_type.unwrap_or_else(|| common::WorkflowType { name: row.workflow_type.clone() });
    let queue =
        command.task_queue.as_ref().map(|queue| queue.name.clone()).filter(|name| !name.is_empty());
    let backoff = nanos(command.backoff_start_interval.as_ref());
    let retry_policy = match command.retry_policy.clone() {
        Some(policy) => Some(retry::complete(Some(policy))?),
        None => None,
    };
    let initiator = match command.initiator() {
        ContinueAsNewInitiator::Unspecified => ContinueAsNewInitiator::Workflow,
        initiator => initiator,
    };
    let first =
        uuid::Uuid::from_slice(&row.record.first_run_id).map_err(|error| error.to_string())?;
    let expiration = row.record.execution_expiration;
    let attributes = history::WorkflowExecutionStartedEventAttributes {
        workflow_type: Some(workflow_type),
        task_queue: Some(normal_queue(&queue.unwrap_or_else(|| row.task_queue.clone()))),
        input: command.input.clone(),
        workflow_execution_timeout: Some(from_nanos(row.record.execution_timeout)),
        workflow_run_timeout: Some(or_inherited(
            command.workflow_run_timeout,
            row.record.run_timeout,
        )),
        workflow_task_timeout: Some(or_inherited(
            command.workflow_task_timeout,
            row.record.task_timeout,
        )),
        continued_execution_run_id: row.run_id.to_string(),
        initiator: initiator.into(),
        continued_failure: command.failure.clone(),
        last_completion_result: command.last_completion_result.clone(),
        original_execution_run_id: run_id.to_string(),
        first_execution_run_id: first.to_string(),
        retry_policy,
        cron_schedule: command.cron_schedule.clone(),
        attempt: 1,
        workflow_execution_expiration_time: (expiration != 0)
            .then(|| timestamp(Timestamp(expiration))),
        first_workflow_task_backoff: Some(from_nanos(backoff)),
        memo: command.memo.clone(),
        search_attributes: command.search_attributes.clone(),
        header: command.header.clone(),
        workflow_id: row.workflow_id.clone(),
        priority: row.record.priority.clone(),
        ..Default::default()
    };
    Ok(NewRun::following(row, scope.env, run_id, attributes))
}

/// A timeout of the command, or this run's where it has none.
fn or_inherited(
    given: Option<prost_wkt_types::Duration>,
    inherited: i64,
) -> prost_wkt_types::Duration {
    let given = given.filter(|given| from_duration(given).is_some_and(|given| !given.is_zero()));
    given.unwrap_or_else(|| from_nanos(inherited))
}
