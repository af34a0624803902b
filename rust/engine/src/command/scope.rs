//! State shared by the commands of one workflow task, and their refusals.

use temporalio_protos::temporal::api::sdk::v1::UserMetadata;

use crate::command::protocol_message;
use crate::ids::EventId;
use crate::machine::workflow::NewRun;
use crate::proto::Attributes;
use crate::proto::enums::WorkflowTaskFailedCause;
use crate::proto::history::{HistoryEvent, WorkflowExecutionStartedEventAttributes};
use crate::state::env::Env;
use crate::state::run::{Run, make_event};

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

/// State shared by the commands of one workflow task.
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
    /// The run's started attributes, when a failing command may lead to a retry.
    pub(crate) first_event: Option<WorkflowExecutionStartedEventAttributes>,
    /// The worker's messages about updates.
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
