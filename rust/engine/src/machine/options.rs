//! What is changed of a run from outside, and told to nobody: the workflow goes on without a task for it.

use crate::context::Env;
use crate::ids::EventId;
use crate::proto::history::{HistoryEvent, WorkflowExecutionOptionsUpdatedEventAttributes};
use crate::proto::{Attributes, common};
use crate::run::{Run, make_event};
use crate::store::record::AttachedRecord;

/// Change the run's options, and write that down. No workflow task sees to it.
pub(crate) fn update(
    run: &mut Run,
    env: &Env,
    attributes: WorkflowExecutionOptionsUpdatedEventAttributes,
    links: Vec<common::Link>,
) {
    let taken = attributes.clone();
    let event =
        make_event(env, Attributes::WorkflowExecutionOptionsUpdatedEventAttributes(attributes));
    let event = HistoryEvent { links, worker_may_ignore: true, ..event };
    let event_id = run.append_external(event);
    take(run, &taken, event_id.unwrap_or(0));
}

/// Have the run know what an event says, which has that id, or 0 while it is held back.
pub(crate) fn take(
    run: &mut Run,
    attributes: &WorkflowExecutionOptionsUpdatedEventAttributes,
    event_id: EventId,
) {
    if !attributes.attached_request_id.is_empty() {
        let request_id = attributes.attached_request_id.clone();
        run.state().record.attached.push(AttachedRecord { request_id, event_id });
    }
}

/// The request that an event attaches.
pub(crate) fn attached(event: &HistoryEvent) -> Option<String> {
    match &event.attributes {
        Some(Attributes::WorkflowExecutionOptionsUpdatedEventAttributes(a)) => {
            Some(a.attached_request_id.clone()).filter(|id| !id.is_empty())
        }
        _ => None,
    }
}

/// The event that attaches a request is held back no longer.
pub(crate) fn let_in(run: &mut Run, request_id: &str, event_id: EventId) {
    let mut attached = run.state().record.attached.iter_mut();
    if let Some(record) = attached.find(|record| record.request_id == request_id) {
        record.event_id = event_id;
    }
}
