//! `SignalExternalWorkflowExecution`.

use crate::command::scope::{Refusal, Scope};
use crate::proto::Attributes;
use crate::proto::command::SignalExternalWorkflowExecutionCommandAttributes;
use crate::proto::common::WorkflowExecution;
use crate::proto::enums::WorkflowTaskFailedCause as Cause;
use crate::proto::history::SignalExternalWorkflowExecutionInitiatedEventAttributes as Initiated;
use crate::state::effect::Effect;

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
    let execution = command.execution.unwrap_or_default();
    check(&execution, &command.namespace, &command.signal_name).map_err(bad)?;
    let (namespace, namespace_id) = scope.namespace(&command.namespace).map_err(bad)?;
    let key = scope.run.key();
    let ordered = scope.env.effects.iter();
    super::check_pending(
        // None outlives its transaction: it is delivered, or is known to have failed.
        ordered.filter(|e| matches!(e, Effect::Signal { source, .. } if *source == key)).count(),
        Cause::PendingSignalsLimitExceeded,
        "pending signals to external workflows",
    )?;
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
    scope.env.effects.push(Effect::Signal {
        source: scope.run.key(),
        initiated_event_id,
        // The event says what the command said, what follows names the namespace.
        attributes: Box::new(Initiated { namespace, ..attributes }),
    });
    Ok(())
}

fn check(execution: &WorkflowExecution, namespace: &str, signal_name: &str) -> Result<(), String> {
    let on = "SignalExternalWorkflowExecutionCommand";
    let WorkflowExecution { workflow_id, run_id, .. } = execution;
    let named = format!(" Namespace={namespace} RunId={run_id} SignalName={signal_name}");
    super::check_execution(execution, on, namespace, &format!(" SignalName={signal_name}"))
        .map_err(
            |message| if message.contains("WorkflowId=") { message + &named } else { message },
        )?;
    if signal_name.is_empty() {
        return Err(format!(
            "SignalName is not set on {on}. WorkflowId={workflow_id} Namespace={namespace} \
             RunId={run_id}"
        ));
    }
    Ok(())
}
