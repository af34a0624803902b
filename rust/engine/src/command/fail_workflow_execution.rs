//! `FailWorkflowExecution`: the end, or another run where a retry policy says so.

use crate::command::scope::{Refusal, Scope};
use crate::machine::{next_run, workflow};
use crate::proto::command::FailWorkflowExecutionCommandAttributes;
use crate::proto::enums::{WorkflowExecutionStatus, WorkflowTaskFailedCause as Cause};
use crate::proto::{Attributes, history};

pub(crate) fn apply(
    scope: &mut Scope<'_>,
    attributes: FailWorkflowExecutionCommandAttributes,
) -> Result<(), Refusal> {
    let Some(failure) = attributes.failure else {
        let message = "Failure is not set on FailWorkflowExecutionCommand.";
        return Err(Refusal::new(Cause::BadFailWorkflowExecutionAttributes, message));
    };
    super::check_size(
        Some(&failure),
        Cause::BadFailWorkflowExecutionAttributes,
        "FailWorkflowExecutionCommandAttributes.Failure",
    )?;
    let first = scope.first_event.take();
    let (retry_state, next) = next_run::after_failure(scope.run, scope.env, first, &failure);
    let new_execution_run_id = next.as_ref().map(|next| next.run_id.to_string());
    let event = scope.event(Attributes::WorkflowExecutionFailedEventAttributes(
        history::WorkflowExecutionFailedEventAttributes {
            failure: Some(failure),
            retry_state: retry_state.into(),
            workflow_task_completed_event_id: scope.completed_event_id,
            new_execution_run_id: new_execution_run_id.unwrap_or_default(),
        },
    ));
    if let Some(next) = &next {
        scope.run.state().record.next_run_id = next.run_id.0.as_bytes().to_vec();
    }
    workflow::close(scope.run, scope.env, WorkflowExecutionStatus::Failed, event);
    scope.next_run = next;
    Ok(())
}
