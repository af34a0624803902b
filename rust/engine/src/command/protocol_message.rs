//! `ProtocolMessage`, and the messages of a completed workflow task: what a worker has to say to updates.

use std::collections::HashMap;

use prost::Message as _;

use crate::command::scope::{Refusal, Scope};
use crate::policy::limits::BLOB_LIMIT;
use crate::proto::command::ProtocolMessageCommandAttributes;
use crate::proto::enums::WorkflowTaskFailedCause as Cause;
use crate::proto::protocol::Message;
use crate::proto::update::{Acceptance, Rejection, Request, Response};
use crate::proto::{Attributes, history};
use crate::state::updates::ResolvedUpdates;

/// The package of the messages that are understood.
const PACKAGE: &str = "temporal.api.update.v1.";

/// The messages of one workflow task.
#[derive(Default)]
pub(crate) struct Messages {
    /// Those that no command has called for.
    pub(crate) rest: Vec<Message>,
    /// The updates that may be accepted or rejected, by id; without the request where that is on record.
    pub(crate) requests: HashMap<String, Option<Request>>,
    pub(crate) resolved: ResolvedUpdates,
    /// The updates that are over, by id, with their state: there is nothing more to say to them.
    pub(crate) over: HashMap<String, &'static str>,
}

impl Messages {
    /// Nothing may be said any more to an update that is over.
    fn check(&self, id: &str, kind: &str) -> Result<(), Refusal> {
        self.over.get(id).map_or(Ok(()), |state| Err(wrong_state(id, kind, state)))
    }

    /// Note that this task ends the update.
    fn end(&mut self, id: &str) {
        self.over.insert(id.to_owned(), "ProvisionallyCompleted");
    }
}

pub(crate) fn apply(
    scope: &mut Scope<'_>,
    attributes: &ProtocolMessageCommandAttributes,
) -> Result<(), Refusal> {
    let id = &attributes.message_id;
    if id.is_empty() {
        return Err(bad("MessageId is not set on ProtocolMessageCommand."));
    }
    let Some(at) = scope.messages.rest.iter().position(|message| message.id == *id) else {
        return Err(bad(format!("ProtocolMessageCommand referenced absent message ID {id}")));
    };
    let message = scope.messages.rest.remove(at);
    handle(scope, message)
}

/// Handle the messages that no command has called for: rejections, and from some workers everything.
pub(crate) fn apply_rest(scope: &mut Scope<'_>) -> Result<(), Refusal> {
    for message in std::mem::take(&mut scope.messages.rest) {
        handle(scope, message)?;
    }
    Ok(())
}

fn handle(scope: &mut Scope<'_>, message: Message) -> Result<(), Refusal> {
    let body = message.body.unwrap_or_default();
    let name = body.type_url.rsplit('/').next().unwrap_or_default();
    if body.value.len() > BLOB_LIMIT {
        return Err(bad(format!("Message type {name} exceeds size limit.")));
    }
    let (id, value) = (message.protocol_instance_id, body.value.as_slice());
    let undecodable = |_| bad(format!("unable to unmarshal request: {name}"));
    match name.strip_prefix(PACKAGE) {
        Some("Acceptance") => accept(scope, id, Acceptance::decode(value).map_err(undecodable)?),
        Some("Rejection") => reject(scope, id, Rejection::decode(value).map_err(undecodable)?),
        Some("Response") => complete(scope, &id, Response::decode(value).map_err(undecodable)?),
        _ => Err(bad(format!("Message type {name} not supported"))),
    }
}

fn accept(scope: &mut Scope<'_>, id: String, message: Acceptance) -> Result<(), Refusal> {
    if !scope.run.is_open() {
        return Ok(());
    }
    scope.messages.check(&id, "Acceptance")?;
    if scope.run.updates.contains_key(&id) {
        return Err(wrong_state(&id, "Acceptance", "Accepted"));
    }
    let accepted_request = match scope.messages.requests.remove(&id) {
        Some(request) => request,
        None => Some(message.accepted_request.ok_or_else(|| unknown(&id))?),
    };
    let event = scope.append(Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(
        history::WorkflowExecutionUpdateAcceptedEventAttributes {
            protocol_instance_id: id.clone(),
            accepted_request_message_id: format!("{id}/request"),
            accepted_request_sequencing_event_id: message.accepted_request_sequencing_event_id,
            accepted_request,
        },
    ));
    scope.run.accept_update(&id, event);
    scope.messages.resolved.accepted.push(id);
    Ok(())
}

fn reject(scope: &mut Scope<'_>, id: String, message: Rejection) -> Result<(), Refusal> {
    scope.messages.check(&id, "Rejection")?;
    if scope.run.updates.contains_key(&id) {
        return Err(wrong_state(&id, "Rejection", "Accepted"));
    }
    let known = scope.messages.requests.remove(&id).is_some();
    if !known && message.rejected_request.is_none() {
        return Err(unknown(&id));
    }
    scope.run.remove_admitted(&id);
    scope.messages.end(&id);
    scope.messages.resolved.rejected.push((id, message.failure.unwrap_or_default()));
    Ok(())
}

fn complete(scope: &mut Scope<'_>, id: &str, message: Response) -> Result<(), Refusal> {
    if !scope.run.is_open() {
        return Ok(());
    }
    scope.messages.check(id, "Response")?;
    let Some(accepted_event_id) = scope.run.updates.get(id).copied() else {
        let known = scope.messages.requests.contains_key(id);
        return Err(if known { wrong_state(id, "Response", "Sent") } else { unknown(id) });
    };
    if message.meta.as_ref().is_none_or(|meta| meta.update_id != id) {
        return Err(bad("invalid *update.Response: meta.update_id is not that of the update"));
    }
    if message.outcome.is_none() {
        return Err(bad("invalid *update.Response: outcome is not set"));
    }
    let event = scope.append(Attributes::WorkflowExecutionUpdateCompletedEventAttributes(
        history::WorkflowExecutionUpdateCompletedEventAttributes {
            meta: message.meta,
            accepted_event_id,
            outcome: message.outcome,
        },
    ));
    scope.run.complete_update(id, event);
    scope.messages.end(id);
    Ok(())
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(Cause::BadUpdateWorkflowExecutionMessage, message)
}

fn wrong_state(id: &str, kind: &str, state: &str) -> Refusal {
    bad(format!(
        "invalid state transition attempted for Update {id}: received *update.{kind} message while in \
         state {state}"
    ))
}

fn unknown(id: &str) -> Refusal {
    bad(format!(
        "update {id} wasn't found on the server. This is most likely a transient error which will be \
         resolved automatically by retries"
    ))
}
