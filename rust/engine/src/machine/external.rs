//! Signals and requests to cancel from one run to another: what became of them is an event of the
//! run that sent them.

use crate::ids::EventId;
use crate::machine::workflow;
use crate::proto::enums::{
    CancelExternalWorkflowExecutionFailedCause as CancelCause,
    SignalExternalWorkflowExecutionFailedCause as SignalCause,
};
use crate::proto::history::{
    HistoryEvent, RequestCancelExternalWorkflowExecutionInitiatedEventAttributes,
    SignalExternalWorkflowExecutionInitiatedEventAttributes,
};
use crate::proto::{Attributes, common, history};
use crate::state::env::Env;
use crate::state::run::{Run, make_event};

/// Why a run is not reached.
#[derive(Clone, Copy)]
pub(crate) enum Missed {
    Namespace,
    Run,
}

/// Build the event that tells the sender of a signal whether it arrived.
pub(crate) fn signalled(
    initiated_event_id: EventId,
    sent: SignalExternalWorkflowExecutionInitiatedEventAttributes,
    missed: Option<Missed>,
) -> Attributes {
    match missed {
        None => Attributes::ExternalWorkflowExecutionSignaledEventAttributes(
            history::ExternalWorkflowExecutionSignaledEventAttributes {
                initiated_event_id,
                namespace: sent.namespace,
                namespace_id: sent.namespace_id,
                workflow_execution: sent.workflow_execution,
                control: sent.control,
            },
        ),
        Some(missed) => Attributes::SignalExternalWorkflowExecutionFailedEventAttributes(
            history::SignalExternalWorkflowExecutionFailedEventAttributes {
                cause: match missed {
                    Missed::Namespace => SignalCause::NamespaceNotFound,
                    Missed::Run => SignalCause::ExternalWorkflowExecutionNotFound,
                }
                .into(),
                namespace: sent.namespace,
                namespace_id: sent.namespace_id,
                workflow_execution: sent.workflow_execution,
                initiated_event_id,
                control: sent.control,
                ..Default::default()
            },
        ),
    }
}

/// Build the event that tells the requester of a cancellation whether it arrived.
pub(crate) fn cancelled(
    initiated_event_id: EventId,
    asked: RequestCancelExternalWorkflowExecutionInitiatedEventAttributes,
    missed: Option<Missed>,
) -> Attributes {
    match missed {
        None => Attributes::ExternalWorkflowExecutionCancelRequestedEventAttributes(
            history::ExternalWorkflowExecutionCancelRequestedEventAttributes {
                initiated_event_id,
                namespace: asked.namespace,
                namespace_id: asked.namespace_id,
                workflow_execution: asked.workflow_execution,
            },
        ),
        Some(missed) => Attributes::RequestCancelExternalWorkflowExecutionFailedEventAttributes(
            history::RequestCancelExternalWorkflowExecutionFailedEventAttributes {
                cause: match missed {
                    Missed::Namespace => CancelCause::NamespaceNotFound,
                    Missed::Run => CancelCause::ExternalWorkflowExecutionNotFound,
                }
                .into(),
                namespace: asked.namespace,
                namespace_id: asked.namespace_id,
                workflow_execution: asked.workflow_execution,
                initiated_event_id,
                control: asked.control,
                ..Default::default()
            },
        ),
    }
}

/// Ask a run to end itself. One that was asked already is not asked again.
pub(crate) fn request_cancel(
    run: &mut Run,
    env: &mut Env,
    attributes: history::WorkflowExecutionCancelRequestedEventAttributes,
    links: Vec<common::Link>,
) {
    if run.row.record.cancel_requested {
        return;
    }
    run.state().record.cancel_requested = true;
    let attributes = Attributes::WorkflowExecutionCancelRequestedEventAttributes(attributes);
    let event = make_event(env, attributes);
    workflow::receive(run, env, HistoryEvent { links, ..event });
}
