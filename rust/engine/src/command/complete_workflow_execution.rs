//! `CompleteWorkflowExecution`.

use crate::command::scope::{Refusal, Scope};
use crate::machine::{next_run, workflow};
use crate::proto::command::CompleteWorkflowExecutionCommandAttributes;
use crate::proto::enums::{WorkflowExecutionStatus, WorkflowTaskFailedCause as Cause};
use crate::proto::{Attributes, history};

pub(crate) fn apply(
    scope: &mut Scope<'_>,
    attributes: CompleteWorkflowExecutionCommandAttributes,
) -> Result<(), Refusal> {
    // The server gives this cause, too, and workers have come to know it.
    super::check_size(
        attributes.result.as_ref(),
        Cause::BadScheduleActivityAttributes,
        "CompleteWorkflowExecutionCommandAttributes.Result",
    )?;
    let first = scope.first_event.take();
    let result = attributes.result.as_ref();
    let next = next_run::after_completion(scope.run, scope.env, first, result);
    let next_run_id = next.as_ref().map(|next| next.run_id.to_string());
    let event = scope.event(Attributes::WorkflowExecutionCompletedEventAttributes(
        history::WorkflowExecutionCompletedEventAttributes {
            result: attributes.result,
            workflow_task_completed_event_id: scope.completed_event_id,
            new_execution_run_id: next_run_id.unwrap_or_default(),
        },
    ));
    if let Some(next) = &next {
        scope.run.state().record.next_run_id = next.run_id.0.as_bytes().to_vec();
    }
    scope.next_run = next;
    workflow::close(scope.run, scope.env, WorkflowExecutionStatus::Completed, event);
    Ok(())
}
