//! `FailWorkflowExecution`.

use super::{Refusal, Scope};
use crate::machine::workflow;
use crate::proto::command::FailWorkflowExecutionCommandAttributes;
use crate::proto::enums::{RetryState, WorkflowExecutionStatus, WorkflowTaskFailedCause as Cause};
use crate::proto::{Attributes, history};

pub(crate) fn apply(
    scope: &mut Scope<'_>,
    attributes: FailWorkflowExecutionCommandAttributes,
) -> Result<(), Refusal> {
    if attributes.failure.is_none() {
        let message = "Failure is not set on FailWorkflowExecutionCommand.";
        return Err(Refusal::new(Cause::BadFailWorkflowExecutionAttributes, message));
    }
    let event = scope.event(Attributes::WorkflowExecutionFailedEventAttributes(
        history::WorkflowExecutionFailedEventAttributes {
            failure: attributes.failure,
            retry_state: RetryState::RetryPolicyNotSet.into(),
            workflow_task_completed_event_id: scope.completed_event_id,
            new_execution_run_id: String::new(),
        },
    ));
    workflow::close(scope.run, scope.env, WorkflowExecutionStatus::Failed, event);
    Ok(())
}
