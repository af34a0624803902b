//! `CompleteWorkflowExecution`.

use super::{Refusal, Scope};
use crate::machine::workflow;
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
    let event = scope.event(Attributes::WorkflowExecutionCompletedEventAttributes(
        history::WorkflowExecutionCompletedEventAttributes {
            result: attributes.result,
            workflow_task_completed_event_id: scope.completed_event_id,
            new_execution_run_id: String::new(),
        },
    ));
    workflow::close(scope.run, scope.env, WorkflowExecutionStatus::Completed, event);
    Ok(())
}
