//! `SignalExternalWorkflowExecution`.

use super::{Refusal, Scope};
use crate::machine::errand::Errand;
use crate::proto::Attributes;
use crate::proto::command::SignalExternalWorkflowExecutionCommandAttributes;
use crate::proto::enums::WorkflowTaskFailedCause as Cause;
use crate::proto::history::SignalExternalWorkflowExecutionInitiatedEventAttributes as Initiated;

pub(crate) fn apply(
    scope: &mut Scope<'_>,
    command: SignalExternalWorkflowExecutionCommandAttributes,
) -> Result<(), Refusal> {
    let bad = |message: String| Refusal::new(Cause::BadSignalWorkflowExecutionAttributes, message);
    super::check_size(
        command.input.as_ref(),
        Cause::BadSignalWorkflowExecutionAttributes,
        "SignalExternalWorkflowExecutionCommandAttributes.Input",
    )?;
    if command.signal_name.is_empty() {
        return Err(bad("SignalName is not set on SignalExternalWorkflowExecutionCommand.".into()));
    }
    let execution = command.execution.unwrap_or_default();
    super::check_execution(&execution, "SignalExternalWorkflowExecutionCommand").map_err(bad)?;
    let (namespace, namespace_id) = scope.namespace(&command.namespace).map_err(bad)?;
    let attributes = Initiated {
        workflow_task_completed_event_id: scope.completed_event_id,
        namespace: command.namespace,
        namespace_id,
        workflow_execution: Some(execution),
        signal_name: command.signal_name,
        input: command.input,
        control: command.control,
        child_workflow_only: command.child_workflow_only,
        header: command.header,
    };
    let event =
        Attributes::SignalExternalWorkflowExecutionInitiatedEventAttributes(attributes.clone());
    let initiated_event_id = scope.append(event);
    scope.env.errands.push(Errand::Signal {
        source: scope.run.key(),
        initiated_event_id,
        // The event says what the command said, what follows names the namespace.
        attributes: Box::new(Initiated { namespace, ..attributes }),
    });
    Ok(())
}
