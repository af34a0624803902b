//! `CancelWorkflowExecution`.

use crate::command::scope::{Refusal, Scope};
use crate::machine::workflow;
use crate::proto::command::CancelWorkflowExecutionCommandAttributes;
use crate::proto::enums::{WorkflowExecutionStatus, WorkflowTaskFailedCause as Cause};
use crate::proto::{Attributes, history};

pub(crate) fn apply(
    scope: &mut Scope<'_>,
    attributes: CancelWorkflowExecutionCommandAttributes,
) -> Result<(), Refusal> {
    super::check_size(
        attributes.details.as_ref(),
        Cause::BadCancelWorkflowExecutionAttributes,
        "CancelWorkflowExecutionCommandAttributes.Details",
    )?;
    let event = scope.event(Attributes::WorkflowExecutionCanceledEventAttributes(
        history::WorkflowExecutionCanceledEventAttributes {
            workflow_task_completed_event_id: scope.completed_event_id,
            details: attributes.details,
        },
    ));
    workflow::close(scope.run, scope.env, WorkflowExecutionStatus::Canceled, event);
    Ok(())
}
