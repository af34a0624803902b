//! `SignalWorkflowExecution`.

use crate::command::NAME_LIMIT;
use crate::context::{Context, Failure};
use crate::ids::RunKey;
use crate::machine::workflow;
use crate::proto::enums::{ResourceExhaustedCause, ResourceExhaustedScope};
use crate::proto::errordetails::ResourceExhaustedFailure;
use crate::proto::history::{self, HistoryEvent};
use crate::proto::service::{SignalWorkflowExecutionRequest, SignalWorkflowExecutionResponse};
use crate::proto::{Attributes, common};
use crate::run::make_event;
use crate::{Code, RpcStatus};

pub(crate) fn handle(
    context: &mut Context,
    request: SignalWorkflowExecutionRequest,
) -> Result<SignalWorkflowExecutionResponse, Failure> {
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
) -> Result<(), Failure> {
    if attributes.signal_name.is_empty() {
        return Err(RpcStatus::invalid_argument("SignalName is not set on request.").into());
    }
    if attributes.signal_name.len() > NAME_LIMIT {
        return Err(RpcStatus::invalid_argument("SignalName length exceeds limit.").into());
    }
    workflow::check_size(attributes.input.as_ref(), "SignalWorkflowExecutionRequest.Input")
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

/// The run tries to close and signals kept it from that: they have to wait a moment.
pub(crate) fn closing() -> RpcStatus {
    RpcStatus::with_detail(
        Code::ResourceExhausted,
        "workflow operation can not be applied because workflow is closing",
        "ResourceExhaustedFailure",
        &ResourceExhaustedFailure {
            cause: ResourceExhaustedCause::BusyWorkflow.into(),
            scope: ResourceExhaustedScope::Namespace.into(),
        },
    )
}
