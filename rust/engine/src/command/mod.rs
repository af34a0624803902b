//! Commands of workflows, one per file: each checks its attributes and changes the run.
//!
//! A refused command fails the workflow task as a whole: the run is read again, so a command need not
//! undo what those before it did.

mod cancel_timer;
mod cancel_workflow_execution;
mod complete_workflow_execution;
pub(crate) mod continue_as_new_workflow_execution;
mod fail_workflow_execution;
mod modify_workflow_properties;
pub(crate) mod protocol_message;
mod record_marker;
mod request_cancel_activity_task;
mod request_cancel_external_workflow_execution;
pub(crate) mod schedule_activity_task;
pub(crate) mod scope;
pub(crate) mod sequence;
mod signal_external_workflow_execution;
mod start_child_workflow_execution;
mod start_timer;
mod upsert_workflow_search_attributes;

use crate::command::scope::{Refusal, Scope};
use crate::ids::RunId;
use crate::policy::limits::{BLOB_LIMIT, NAME_LIMIT};
use crate::proto::command::Command;
use crate::proto::command::command::Attributes as Kind;
use crate::proto::common;
use crate::proto::enums::{CommandType, WorkflowTaskFailedCause};
use crate::visibility::attributes;

/// Apply one command.
pub(crate) fn apply(scope: &mut Scope<'_>, command: Command) -> Result<(), Refusal> {
    let kind = command.command_type();
    scope.user_metadata = command.user_metadata;
    match command.attributes {
        Some(Kind::ScheduleActivityTaskCommandAttributes(a)) => {
            schedule_activity_task::apply(scope, a)
        }
        Some(Kind::RequestCancelActivityTaskCommandAttributes(a)) => {
            request_cancel_activity_task::apply(scope, a)
        }
        Some(Kind::StartTimerCommandAttributes(a)) => start_timer::apply(scope, a),
        Some(Kind::CancelTimerCommandAttributes(a)) => cancel_timer::apply(scope, &a),
        Some(Kind::CompleteWorkflowExecutionCommandAttributes(a)) => {
            complete_workflow_execution::apply(scope, a)
        }
        Some(Kind::FailWorkflowExecutionCommandAttributes(a)) => {
            fail_workflow_execution::apply(scope, a)
        }
        Some(Kind::CancelWorkflowExecutionCommandAttributes(a)) => {
            cancel_workflow_execution::apply(scope, a)
        }
        Some(Kind::ContinueAsNewWorkflowExecutionCommandAttributes(a)) => {
            continue_as_new_workflow_execution::apply(scope, a)
        }
        Some(Kind::RecordMarkerCommandAttributes(a)) => record_marker::apply(scope, a),
        Some(Kind::UpsertWorkflowSearchAttributesCommandAttributes(a)) => {
            upsert_workflow_search_attributes::apply(scope, a)
        }
        Some(Kind::ModifyWorkflowPropertiesCommandAttributes(a)) => {
            modify_workflow_properties::apply(scope, a)
        }
        Some(Kind::StartChildWorkflowExecutionCommandAttributes(a)) => {
            start_child_workflow_execution::apply(scope, a)
        }
        Some(Kind::SignalExternalWorkflowExecutionCommandAttributes(a)) => {
            signal_external_workflow_execution::apply(scope, a)
        }
        Some(Kind::RequestCancelExternalWorkflowExecutionCommandAttributes(a)) => {
            request_cancel_external_workflow_execution::apply(scope, a)
        }
        Some(Kind::ProtocolMessageCommandAttributes(a)) => protocol_message::apply(scope, &a),
        Some(_) => Err(Refusal::new(
            WorkflowTaskFailedCause::FeatureDisabled,
            format!("the embedded engine does not support the command {} yet", kind.as_str_name()),
        )),
        None => Err(sequence::no_attributes(kind)),
    }
}

/// Refuse what is larger than what the server stores. A replay would make it again, so that is the end.
fn check_size(
    value: Option<&impl prost::Message>,
    cause: WorkflowTaskFailedCause,
    what: &str,
) -> Result<(), Refusal> {
    if value.is_some_and(|value| value.encoded_len() > BLOB_LIMIT) {
        let message = format!("{what} exceeds size limit.");
        return Err(Refusal { cause, message, is_final: true });
    }
    Ok(())
}

/// Refuse search attributes that the namespace (the run's own unless another is named) does not have.
fn check_attributes(
    scope: &Scope<'_>,
    namespace: &str,
    given: Option<&mut common::SearchAttributes>,
) -> Result<(), Refusal> {
    let refusal = |message| Refusal::new(WorkflowTaskFailedCause::BadSearchAttributes, message);
    let (name, _) = scope.namespace(namespace).map_err(refusal)?;
    match scope.env.namespaces.get(&name) {
        Some((_, record)) => {
            attributes::check(&record.name, &record.search_attributes, given).map_err(refusal)
        }
        None => Ok(()),
    }
}

/// The most that a run may have pending of a kind, by the server's default.
const PENDING_LIMIT: usize = 2000;

/// Refuse more than a run may have pending; a later attempt of the task may do better.
fn check_pending(
    pending: usize,
    cause: WorkflowTaskFailedCause,
    what: &str,
) -> Result<(), Refusal> {
    if pending < PENDING_LIMIT {
        return Ok(());
    }
    let message = format!(
        "the number of {what}, {pending}, has reached the per-workflow limit of {PENDING_LIMIT}"
    );
    Err(Refusal::new(cause, message))
}

/// Refuse a name that is too long. `rest` is what else the server says then.
fn check_length(field: &str, on: &str, value: &str, rest: &str) -> Result<(), String> {
    let length = value.len();
    if length <= NAME_LIMIT {
        return Ok(());
    }
    let name = field.rsplit(' ').next().unwrap_or(field);
    Err(format!(
        "{field} on {on} exceeds length limit. {name}={value}{rest} Length={length} Limit={NAME_LIMIT}"
    ))
}

/// Tell whether a command names another run as it has to be named. `namespace` and `rest` (a signal's name)
/// are what the server says besides.
fn check_execution(
    execution: &common::WorkflowExecution,
    on: &str,
    namespace: &str,
    rest: &str,
) -> Result<(), String> {
    let common::WorkflowExecution { workflow_id, run_id, .. } = execution;
    if workflow_id.is_empty() {
        return Err(format!(
            "WorkflowId is not set on {on}. Namespace={namespace} RunId={run_id}{rest}"
        ));
    }
    if workflow_id.len() > NAME_LIMIT {
        return Err(format!(
            "WorkflowId on {on} exceeds length limit. WorkflowId={workflow_id} Length={} \
             Limit={NAME_LIMIT}",
            workflow_id.len()
        ));
    }
    if !run_id.is_empty() && RunId::parse(run_id).is_err() {
        return Err(format!("Invalid RunId set on {on}. WorkflowId={workflow_id}"));
    }
    Ok(())
}

/// Tell whether a command ends the run.
pub(crate) fn is_close(command: &Command) -> bool {
    use CommandType as C;
    matches!(
        command.command_type(),
        C::CompleteWorkflowExecution
            | C::FailWorkflowExecution
            | C::CancelWorkflowExecution
            | C::ContinueAsNewWorkflowExecution
    )
}
