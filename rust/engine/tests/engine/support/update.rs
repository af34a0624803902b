//! Updates as clients ask for them and workers answer them.

use std::future::Future;

use hourglass_engine::RpcStatus;
use prost::Message as _;
use temporalio_protos::temporal::api::command::v1::{
    Command, ProtocolMessageCommandAttributes, command::Attributes,
};
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::{
    CommandType, UpdateWorkflowExecutionLifecycleStage as Stage,
};
use temporalio_protos::temporal::api::protocol::v1::Message;
use temporalio_protos::temporal::api::protocol::v1::message::SequencingId;
use temporalio_protos::temporal::api::update::v1::outcome::Value;
use temporalio_protos::temporal::api::update::v1::{
    Acceptance, Input, Meta, Outcome, Rejection, Request, Response, UpdateRef, WaitPolicy,
};
use temporalio_protos::temporal::api::workflowservice::v1::*;

use super::command::{command, start_timer};
use super::server::Server;
use super::values::{NAMESPACE, failure, payloads, text};

/// A request to update a run, for a caller that waits for `stage`.
pub(crate) fn request(
    run: &WorkflowExecution,
    id: &str,
    stage: Stage,
) -> UpdateWorkflowExecutionRequest {
    UpdateWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: Some(run.clone()),
        wait_policy: Some(WaitPolicy { lifecycle_stage: stage.into() }),
        request: Some(Request {
            meta: Some(Meta { update_id: id.to_owned(), identity: "updater".to_owned() }),
            input: Some(Input {
                name: "approve".to_owned(),
                args: payloads("please"),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// A question what has become of an update, for a caller that waits for `stage`.
pub(crate) fn poll_request(
    run: &WorkflowExecution,
    id: &str,
    stage: Stage,
) -> PollWorkflowExecutionUpdateRequest {
    PollWorkflowExecutionUpdateRequest {
        namespace: NAMESPACE.to_owned(),
        update_ref: Some(UpdateRef {
            workflow_execution: Some(run.clone()),
            update_id: id.to_owned(),
        }),
        wait_policy: Some(WaitPolicy { lifecycle_stage: stage.into() }),
        ..Default::default()
    }
}

/// The event after which an update is to be looked at.
pub(crate) fn sequenced_after(message: &Message) -> i64 {
    match message.sequencing_id {
        Some(SequencingId::EventId(id)) => id,
        other => panic!("{other:?}"),
    }
}

fn answer(to: &Message, what: &str, name: &str, body: &impl prost::Message) -> Message {
    let mut message = Message {
        id: format!("{}/{what}", to.id),
        protocol_instance_id: to.protocol_instance_id.clone(),
        body: to.body.clone(),
        ..Default::default()
    };
    let any = message.body.as_mut().unwrap();
    any.type_url = format!("type.googleapis.com/temporal.api.update.v1.{name}");
    any.value = body.encode_to_vec();
    message
}

fn asked(message: &Message) -> Request {
    Request::decode(message.body.as_ref().unwrap().value.as_slice()).unwrap()
}

pub(crate) fn accept(message: &Message) -> Message {
    let acceptance = Acceptance {
        accepted_request_message_id: message.id.clone(),
        accepted_request_sequencing_event_id: sequenced_after(message),
        accepted_request: Some(asked(message)),
    };
    answer(message, "accept", "Acceptance", &acceptance)
}

pub(crate) fn reject(message: &Message) -> Message {
    let rejection = Rejection {
        rejected_request_message_id: message.id.clone(),
        rejected_request_sequencing_event_id: sequenced_after(message),
        rejected_request: Some(asked(message)),
        failure: Some(failure("not like this", "Invalid")),
    };
    answer(message, "reject", "Rejection", &rejection)
}

pub(crate) fn respond(message: &Message, result: &str) -> Message {
    let response = Response {
        meta: asked(message).meta,
        outcome: Some(Outcome { value: payloads(result).map(Value::Success) }),
    };
    answer(message, "complete", "Response", &response)
}

/// The command that gives a message its place.
pub(crate) fn place(message: &Message) -> Command {
    command(
        CommandType::ProtocolMessage,
        Attributes::ProtocolMessageCommandAttributes(ProtocolMessageCommandAttributes {
            message_id: message.id.clone(),
        }),
    )
}

/// A completion with messages, each accepted or completed one with its command, then other commands.
pub(crate) fn completion(
    task: &PollWorkflowTaskQueueResponse,
    messages: impl Into<Vec<Message>>,
    commands: impl IntoIterator<Item = Command>,
) -> RespondWorkflowTaskCompletedRequest {
    let messages = messages.into();
    let placed = messages.iter().filter(|message| !message.id.ends_with("/reject")).map(place);
    let commands: Vec<_> = placed.chain(commands).collect();
    RespondWorkflowTaskCompletedRequest {
        messages,
        capabilities: Some(respond_workflow_task_completed_request::Capabilities {
            discard_speculative_workflow_task_with_events: true,
        }),
        ..Server::completion(task, commands)
    }
}

/// The result of an update, or what it failed with.
pub(crate) fn result(outcome: Option<Outcome>) -> Result<String, String> {
    match outcome.and_then(|outcome| outcome.value) {
        Some(Value::Success(payloads)) => Ok(text(Some(&payloads))),
        Some(Value::Failure(failure)) => Err(failure.message),
        None => panic!("there is no outcome"),
    }
}

impl Server {
    /// Ask for an update and wait for its outcome.
    pub(crate) fn update<'a>(
        &'a self,
        run: &WorkflowExecution,
        id: &str,
    ) -> impl Future<Output = Result<UpdateWorkflowExecutionResponse, RpcStatus>> + use<'a> {
        self.call(request(run, id, Stage::Completed))
    }

    /// A run that waits for a timer, with nothing for a worker to do. Its history has five events.
    pub(crate) async fn waiting(&self, workflow_id: &str) -> WorkflowExecution {
        let run = self.start(workflow_id).await;
        self.step([start_timer("t", 3600)]).await;
        run
    }
}
