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
pub(crate) mod sequence;
mod signal_external_workflow_execution;
mod start_child_workflow_execution;
mod start_timer;
mod upsert_workflow_search_attributes;

use temporalio_protos::temporal::api::sdk::v1::UserMetadata;

use crate::ids::{EventId, RunId};
use crate::machine::workflow::{BLOB_LIMIT, NewRun};
use crate::proto::command::Command;
use crate::proto::command::command::Attributes as Kind;
use crate::proto::enums::{CommandType, WorkflowTaskFailedCause};
use crate::proto::history::{HistoryEvent, WorkflowExecutionStartedEventAttributes};
use crate::proto::{Attributes, common, from_duration};
use crate::state::run::{Run, make_event};
use crate::transaction::context::Env;
use crate::visibility::attributes;

/// Why a command is refused: the workflow task fails with it.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) cause: WorkflowTaskFailedCause,
    pub(crate) message: String,
    /// Trying again can't help: the run is terminated.
    pub(crate) is_final: bool,
}

impl Refusal {
    pub(crate) fn new(cause: WorkflowTaskFailedCause, message: impl Into<String>) -> Self {
        Self { cause, message: message.into(), is_final: false }
    }
}

/// What the commands of one workflow task share.
pub(crate) struct Scope<'a> {
    pub(crate) run: &'a mut Run,
    pub(crate) env: &'a mut Env,
    /// The workflow task's completed event.
    pub(crate) completed_event_id: EventId,
    pub(crate) identity: &'a str,
    /// The command's own.
    pub(crate) user_metadata: Option<UserMetadata>,
    /// Activities that the worker wants to have with the answer, by their scheduled event.
    pub(crate) eager: Vec<EventId>,
    /// What the run was started with, when it is to be retried and a command fails it.
    pub(crate) first_event: Option<WorkflowExecutionStartedEventAttributes>,
    /// What the worker has to say to updates.
    pub(crate) messages: protocol_message::Messages,
    /// The run that goes on after this one.
    pub(crate) next_run: Option<NewRun>,
}

impl Scope<'_> {
    /// An event of the command, with its metadata.
    pub(crate) fn event(&mut self, attributes: Attributes) -> HistoryEvent {
        let event = make_event(self.env, attributes);
        HistoryEvent { user_metadata: self.user_metadata.take(), ..event }
    }

    pub(crate) fn append(&mut self, attributes: Attributes) -> EventId {
        let event = self.event(attributes);
        self.run.append_event(event)
    }

    /// Name and id of the namespace that a command means: the run's own unless it names another.
    pub(crate) fn namespace(&self, name: &str) -> Result<(String, String), String> {
        if name.is_empty() {
            return Ok(self.env.namespace(self.run.row.namespace));
        }
        let found = self.env.namespaces.get(name);
        let (_, record) = found.ok_or_else(|| format!("Namespace {name} is not found."))?;
        Ok((record.name.clone(), record.id.clone()))
    }
}

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
        Some((_, record)) => attributes::check(record, given).map_err(refusal),
        None => Ok(()),
    }
}

/// Names and ids that are longer than this are refused.
pub(crate) const NAME_LIMIT: usize = 1000;

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

/// Refuse a time that is negative. `rest` is what the server says besides, if anything.
fn check_time(
    time: Option<&prost_wkt_types::Duration>,
    what: &str,
    rest: &str,
) -> Result<(), String> {
    if time.is_some_and(|time| from_duration(time).is_none()) {
        let stop = if rest.is_empty() { "" } else { "." };
        return Err(format!("{what}: negative duration{stop}{rest}"));
    }
    Ok(())
}

/// Whether a command names another run as it has to be named. `namespace` and `rest` (a signal's name)
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

/// Whether a command ends the run.
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

/// Put `upserted` over `fields`; an empty payload removes its key.
pub(crate) fn merge(
    fields: &mut std::collections::HashMap<String, common::Payload>,
    upserted: std::collections::HashMap<String, common::Payload>,
) {
    for (key, payload) in upserted {
        let is_null = payload.metadata.get("encoding").is_some_and(|e| e == b"binary/null");
        if is_null || (payload.data.is_empty() && payload.metadata.is_empty()) {
            fields.remove(&key);
        } else {
            fields.insert(key, payload);
        }
    }
}
