//! Signals, to a workflow that runs or to one that is started for it.

use crate::RpcStatus;
use crate::ids::{NamespaceKey, RunKey};
use crate::machine::start::{Decision, Known, check, decide, new_run};
use crate::machine::workflow;
use crate::machine::workflow::closing;
use crate::policy::limits;
use crate::policy::limits::NAME_LIMIT;
use crate::proto::enums::{WorkflowIdConflictPolicy as Conflict, WorkflowIdReusePolicy as Reuse};
use crate::proto::history::HistoryEvent;
use crate::proto::service::{
    SignalWithStartWorkflowExecutionRequest, SignalWithStartWorkflowExecutionResponse,
    SignalWorkflowExecutionRequest, SignalWorkflowExecutionResponse, StartWorkflowExecutionRequest,
};
use crate::proto::{Attributes, common, history};
use crate::state::run::make_event;
use crate::transaction::context::{CallError, Context};
use crate::transaction::start::{replace, start_run};

/// `SignalWorkflowExecution`.
pub(crate) fn signal_workflow_execution(
    context: &mut Context,
    request: SignalWorkflowExecutionRequest,
) -> Result<SignalWorkflowExecutionResponse, CallError> {
    let namespace = context.namespace(&request.namespace)?;
    let row = context.find_run(namespace, request.workflow_execution.as_ref())?;
    if !row.is_open() {
        return Err(RpcStatus::not_found("workflow execution already completed").into());
    }
    let attributes = history::WorkflowExecutionSignaledEventAttributes {
        signal_name: request.signal_name,
        input: request.input,
        identity: request.identity,
        header: request.header,
        request_id: request.request_id,
        ..Default::default()
    };
    signal(context, row.key, attributes, request.links)?;
    Ok(SignalWorkflowExecutionResponse::default())
}

/// Send a signal to an open run. A request id that the run has seen changes nothing.
pub(crate) fn signal(
    context: &mut Context,
    key: RunKey,
    attributes: history::WorkflowExecutionSignaledEventAttributes,
    links: Vec<common::Link>,
) -> Result<(), CallError> {
    if attributes.signal_name.is_empty() {
        return Err(RpcStatus::invalid_argument("SignalName is not set on request.").into());
    }
    if attributes.signal_name.len() > NAME_LIMIT {
        return Err(RpcStatus::invalid_argument("SignalName length exceeds limit.").into());
    }
    if attributes.request_id.len() > NAME_LIMIT {
        return Err(RpcStatus::invalid_argument("RequestId length exceeds limit.").into());
    }
    limits::check_size(attributes.input.as_ref(), "SignalWorkflowExecutionRequest.Input")
        .map_err(RpcStatus::invalid_argument)?;
    let Some((run, _)) = context.open_run(key)? else {
        return Err(RpcStatus::not_found("workflow execution already completed").into());
    };
    if run.volatile.closing && run.volatile.lease.is_some() {
        return Err(closing().into());
    }
    if !attributes.request_id.is_empty() {
        context.begin()?;
        if !context.store.add_request_id(key, &attributes.request_id)? {
            return Ok(());
        }
    }
    if let Some((run, env)) = context.open_run(key)? {
        if !attributes.request_id.is_empty() && !run.row.record.has_request_ids {
            run.state().record.has_request_ids = true;
        }
        let event =
            make_event(env, Attributes::WorkflowExecutionSignaledEventAttributes(attributes));
        workflow::receive(run, env, HistoryEvent { links, ..event });
    }
    Ok(())
}

/// `SignalWithStartWorkflowExecution`: signal a workflow, and start it first if it does not run.
pub(crate) fn signal_with_start_workflow_execution(
    context: &mut Context,
    request: SignalWithStartWorkflowExecutionRequest,
) -> Result<SignalWithStartWorkflowExecutionResponse, CallError> {
    let namespace = context.namespace(&request.namespace)?;
    let (start, signal) = split(request)?;
    check_lengths(&start, &signal)?;
    check(&start)?;
    let existing = context.last_run(namespace, &start.workflow_id)?;
    let replaced = match decide(existing.as_ref(), &start)? {
        Decision::Existing(run, known) => {
            let started = known == Known::Started;
            let run_id = run.run_id.to_string();
            // A request that is repeated has sent its signal already.
            if !started {
                let execution = common::WorkflowExecution {
                    workflow_id: run.workflow_id.clone(),
                    run_id: run_id.clone(),
                };
                let signal = SignalWorkflowExecutionRequest {
                    workflow_execution: Some(execution),
                    ..signal
                };
                signal_workflow_execution(context, signal)?;
            }
            return Ok(SignalWithStartWorkflowExecutionResponse {
                run_id,
                started,
                ..Default::default()
            });
        }
        Decision::TerminateAndStart(run) => Some(run.key),
        Decision::Start => None,
    };
    start_signalled(context, namespace, start, signal, replaced)
}

/// Refuse what is too long, in other words than a start or a signal alone.
fn check_lengths(
    start: &StartWorkflowExecutionRequest,
    signal: &SignalWorkflowExecutionRequest,
) -> Result<(), RpcStatus> {
    let kind = start.workflow_type.as_ref().map_or("", |kind| kind.name.as_str());
    for (what, value) in [
        ("Request ID", start.request_id.as_str()),
        ("workflow type name", kind),
        ("signal name", signal.signal_name.as_str()),
    ] {
        let length = value.len();
        if length > NAME_LIMIT {
            return Err(RpcStatus::invalid_argument(format!(
                "{what} exceeds maximum allowed length ({length}/{NAME_LIMIT})"
            )));
        }
    }
    Ok(())
}

/// The start and the signal that are asked for.
#[allow(deprecated, reason = "old clients send TERMINATE_IF_RUNNING")]
fn split(
    request: SignalWithStartWorkflowExecutionRequest,
) -> Result<(StartWorkflowExecutionRequest, SignalWorkflowExecutionRequest), RpcStatus> {
    let conflict = match request.workflow_id_conflict_policy() {
        Conflict::Fail => {
            let message = "Invalid WorkflowIDConflictPolicy: WORKFLOW_ID_CONFLICT_POLICY_FAIL is not \
                           supported for this operation.";
            return Err(RpcStatus::invalid_argument(message));
        }
        Conflict::Unspecified
            if request.workflow_id_reuse_policy() != Reuse::TerminateIfRunning =>
        {
            Conflict::UseExisting
        }
        other => other,
    };
    if request.signal_name.is_empty() {
        return Err(RpcStatus::invalid_argument("SignalName is not set on request."));
    }
    let signal = SignalWorkflowExecutionRequest {
        namespace: request.namespace.clone(),
        signal_name: request.signal_name,
        input: request.signal_input,
        identity: request.identity.clone(),
        request_id: request.request_id.clone(),
        header: request.header.clone(),
        links: request.links.clone(),
        ..Default::default()
    };
    let start = StartWorkflowExecutionRequest {
        namespace: request.namespace,
        workflow_id: request.workflow_id,
        workflow_type: request.workflow_type,
        task_queue: request.task_queue,
        input: request.input,
        workflow_execution_timeout: request.workflow_execution_timeout,
        workflow_run_timeout: request.workflow_run_timeout,
        workflow_task_timeout: request.workflow_task_timeout,
        identity: request.identity,
        request_id: request.request_id,
        workflow_id_reuse_policy: request.workflow_id_reuse_policy,
        workflow_id_conflict_policy: conflict.into(),
        retry_policy: request.retry_policy,
        cron_schedule: request.cron_schedule,
        memo: request.memo,
        search_attributes: request.search_attributes,
        header: request.header,
        workflow_start_delay: request.workflow_start_delay,
        user_metadata: request.user_metadata,
        links: request.links,
        versioning_override: request.versioning_override,
        priority: request.priority,
        ..Default::default()
    };
    Ok((start, signal))
}

/// Start a run that finds the signal in its first workflow task.
fn start_signalled(
    context: &mut Context,
    namespace: NamespaceKey,
    start: StartWorkflowExecutionRequest,
    signal: SignalWorkflowExecutionRequest,
    replaced: Option<RunKey>,
) -> Result<SignalWithStartWorkflowExecutionResponse, CallError> {
    limits::check_size(
        signal.input.as_ref(),
        "SignalWithStartWorkflowExecutionRequest.SignalInput",
    )
    .map_err(RpcStatus::invalid_argument)?;
    let attributes = history::WorkflowExecutionSignaledEventAttributes {
        signal_name: signal.signal_name,
        input: signal.input,
        identity: signal.identity,
        header: signal.header,
        ..Default::default()
    };
    let mut event =
        make_event(&context.env, Attributes::WorkflowExecutionSignaledEventAttributes(attributes));
    event.links = signal.links;
    let mut new = new_run(&context.env, namespace, start)?;
    replace(context, replaced, new.run_id)?;
    new.signal = Some(event);
    let run_id = new.run_id.to_string();
    start_run(context, new);
    Ok(SignalWithStartWorkflowExecutionResponse { run_id, started: true, ..Default::default() })
}
