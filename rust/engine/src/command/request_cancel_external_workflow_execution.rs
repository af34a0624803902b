//! `RequestCancelExternalWorkflowExecution`.

use crate::command::scope::{Refusal, Scope};
use crate::proto::command::RequestCancelExternalWorkflowExecutionCommandAttributes;
use crate::proto::enums::WorkflowTaskFailedCause as Cause;
use crate::proto::history::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes as Initiated;
use crate::proto::{Attributes, common};
use crate::state::effect::Effect;

pub(crate) fn apply(
    scope: &mut Scope<'_>,
    command: RequestCancelExternalWorkflowExecutionCommandAttributes,
) -> Result<(), Refusal> {
    let bad = |message: String| {
        Refusal::new(Cause::BadRequestCancelExternalWorkflowExecutionAttributes, message)
    };
    let execution =
        common::WorkflowExecution { workflow_id: command.workflow_id, run_id: command.run_id };
    let on = "RequestCancelExternalWorkflowExecutionCommand";
    super::check_execution(&execution, on, &command.namespace, "")
        .map_err(|message| {
            let named = format!(" RunId={} Namespace={}", execution.run_id, command.namespace);
            if message.contains("WorkflowId=") { message + &named } else { message }
        })
        .map_err(bad)?;
    let (namespace, namespace_id) = scope.namespace(&command.namespace).map_err(bad)?;
    let key = scope.run.key();
    let ordered = scope.env.effects.iter();
    super::check_pending(
        // None outlives its transaction: it is delivered, or is known to have failed.
        ordered.filter(|e| matches!(e, Effect::Cancel { source, .. } if *source == key)).count(),
        Cause::PendingRequestCancelLimitExceeded,
        "pending requests to cancel external workflows",
    )?;
    let attributes = Initiated {
        workflow_task_completed_event_id: scope.completed_event_id,
        namespace: command.namespace,
        namespace_id,
        workflow_execution: Some(execution),
        control: command.control,
        child_workflow_only: command.child_workflow_only,
        reason: command.reason,
    };
    let event = Attributes::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(
        attributes.clone(),
    );
    let initiated_event_id = scope.append(event);
    scope.env.effects.push(Effect::Cancel {
        source: scope.run.key(),
        initiated_event_id,
        // The event says what the command said, what follows names the namespace.
        attributes: Box::new(Initiated { namespace, ..attributes }),
    });
    Ok(())
}
