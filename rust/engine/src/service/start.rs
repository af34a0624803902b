//! `StartWorkflowExecution`: which of the runs of a workflow id is meant, and starting one.

use prost::Message;

use crate::ids::RunKey;
use crate::machine::start::{Decision, Known, check, decide, first_run_id, new_run};
use crate::machine::{workflow_options, workflow_task};
use crate::proto::common::link::workflow_event::{EventReference, Reference, RequestIdReference};
use crate::proto::common::link::{Variant, WorkflowEvent};
use crate::proto::enums::{EventType, WorkflowExecutionStatus as Status};
use crate::proto::service::{
    PollWorkflowTaskQueueResponse, StartWorkflowExecutionRequest, StartWorkflowExecutionResponse,
};
use crate::proto::{common, history};
use crate::state::env::Work;
use crate::store::{RunRow, StoreError};
use crate::transaction::context::{CallError, Context};
use crate::transaction::start::{replace, start_run};
use crate::transaction::workflow_tasks;

pub(crate) fn start_workflow_execution(
    context: &mut Context,
    request: StartWorkflowExecutionRequest,
) -> Result<StartWorkflowExecutionResponse, CallError> {
    let namespace = context.namespace(&request.namespace)?;
    check(&request)?;
    let existing = context.last_run(namespace, &request.workflow_id)?;
    let replaced = match decide(existing.as_ref(), &request)? {
        Decision::Start => None,
        Decision::Existing(run, known) => {
            let run = run.clone();
            if known == Known::ById && request.on_conflict_options.is_some() {
                attach(context, &run, &request)?;
            }
            return Ok(existing_run(&request, &run, known));
        }
        Decision::TerminateAndStart(run) => Some(run.key),
    };
    let (eager, identity) = (request.request_eager_execution, request.identity.clone());
    let (namespace_name, workflow_id) = (request.namespace.clone(), request.workflow_id.clone());
    let mut new = new_run(&context.env, namespace, request)?;
    replace(context, replaced, new.run_id)?;
    let run_id = new.run_id.to_string();
    let eager = eager && new.backoff == 0;
    new.attributes.eager_execution_accepted = eager;
    let key = start_run(context, new);
    let eager_workflow_task = if eager { first_task(context, key, &identity)? } else { None };
    Ok(StartWorkflowExecutionResponse {
        eager_workflow_task,
        first_execution_run_id: run_id.clone(),
        link: Some(link(namespace_name, workflow_id, run_id.clone(), started_event())),
        run_id,
        started: true,
        status: Status::Running.into(),
    })
}

/// Attach to the run that is there what the caller of a start wants to be known of it.
fn attach(
    context: &mut Context,
    run: &RunRow,
    request: &StartWorkflowExecutionRequest,
) -> Result<(), CallError> {
    let wanted = request.on_conflict_options.unwrap_or_default();
    let attached =
        if wanted.attach_request_id { request.request_id.clone() } else { String::new() };
    let callbacks = wanted.attach_completion_callbacks.then_some(&request.completion_callbacks);
    let links = wanted.attach_links.then(|| request.links.clone());
    let attributes = history::WorkflowExecutionOptionsUpdatedEventAttributes {
        attached_request_id: attached,
        attached_completion_callbacks: callbacks.cloned().unwrap_or_default(),
        ..Default::default()
    };
    if let Some((run, env)) = context.open_run(run.key)? {
        workflow_options::update(run, env, attributes, links.unwrap_or_default());
    }
    Ok(())
}

/// The answer to a start that starts nothing.
fn existing_run(
    request: &StartWorkflowExecutionRequest,
    run: &RunRow,
    known: Known,
) -> StartWorkflowExecutionResponse {
    let attaches = request.on_conflict_options.is_some_and(|wanted| wanted.attach_request_id);
    let reference = if known == Known::Attached || (known == Known::ById && attaches) {
        Reference::RequestIdRef(RequestIdReference {
            request_id: request.request_id.clone(),
            event_type: EventType::WorkflowExecutionOptionsUpdated.into(),
        })
    } else {
        started_event()
    };
    let (namespace, run_id) = (request.namespace.clone(), run.run_id.to_string());
    StartWorkflowExecutionResponse {
        link: Some(link(namespace, run.workflow_id.clone(), run_id.clone(), reference)),
        run_id,
        first_execution_run_id: first_run_id(run),
        started: known == Known::Started,
        status: run.status,
        ..Default::default()
    }
}

/// The first event of a run.
pub(super) fn started_event() -> Reference {
    Reference::EventRef(EventReference {
        event_id: 1,
        event_type: EventType::WorkflowExecutionStarted.into(),
    })
}

/// Where in which run to find what a call led to.
pub(super) fn link(
    namespace: String,
    workflow_id: String,
    run_id: String,
    reference: Reference,
) -> common::Link {
    let reference = Some(reference);
    let event = WorkflowEvent { namespace, workflow_id, run_id, reference };
    common::Link { variant: Some(Variant::WorkflowEvent(event)) }
}

/// The first workflow task, for the caller's own worker: saves it a poll.
fn first_task(
    context: &mut Context,
    key: RunKey,
    identity: &str,
) -> Result<Option<PollWorkflowTaskQueueResponse>, CallError> {
    context.env.work.retain(|work| *work != Work::WorkflowTask(key));
    let Some((run, env)) = context.open_run(key)? else { return Ok(None) };
    // Which of the caller's workers takes it, it does not say.
    let Some(lease) = workflow_task::start(run, env, identity, "") else { return Ok(None) };
    let Some(run) = context.runs.get(&key) else { return Ok(None) };
    let body = workflow_tasks::response(run, context.store.as_mut(), &lease, false)?;
    let task = PollWorkflowTaskQueueResponse::decode(body.as_slice());
    Ok(Some(task.map_err(|error| StoreError::Damaged(error.to_string()))?))
}
