//! Workflow tasks as workers get them.

use prost::Message;

use crate::Timestamp;
use crate::history::{fragment, page};
use crate::ids::WorkflowTaskToken;
use crate::proto::service::PollWorkflowTaskQueueResponse;
use crate::proto::{common, normal_queue, timestamp};
use crate::state::run::{Lease, Run, fragments_from};
use crate::store::{Store, StoreError};

/// `PollWorkflowTaskQueueResponse.history`.
pub(crate) const HISTORY_TAG: u32 = 8;

/// The answer to a poll that leases the task. On a sticky queue the worker has the history up to the
/// last task that completed.
pub(crate) fn response(
    run: &Run,
    store: &mut dyn Store,
    lease: &Lease,
    sticky: bool,
) -> Result<Vec<u8>, StoreError> {
    let previous = run.row.record.previous_started_event_id;
    let from = if sticky && previous > 0 { previous + 1 } else { 1 };
    let fragments = fragments_from(store, Some(run), run.key(), from, page::PAGE_EVENTS)?;
    let (mut events, next) = page::cut(&fragments, from, page::PAGE_EVENTS);
    let mut next_page_token = Vec::new();
    if next < run.row.record.next_event_id {
        next_page_token = page::token(&run.row, next, true).encode_to_vec();
    } else {
        let mut bytes = Vec::new();
        for event in &lease.unwritten {
            fragment::push(&mut bytes, event);
        }
        events.push(bytes.into());
    }
    let mut body = response_head(run, lease, next_page_token).encode_to_vec();
    fragment::put_field(&mut body, HISTORY_TAG, &events);
    Ok(body)
}

pub(crate) fn response_head(
    run: &Run,
    lease: &Lease,
    next_page_token: Vec<u8>,
) -> PollWorkflowTaskQueueResponse {
    let token = WorkflowTaskToken {
        run_key: run.key().0,
        run_id: run.row.run_id.0.as_bytes().to_vec(),
        lease: lease.id.to_vec(),
    };
    let scheduled = run.workflow_task().map(|task| Timestamp(task.scheduled_time));
    PollWorkflowTaskQueueResponse {
        task_token: token.encode_to_vec(),
        workflow_execution: Some(run.execution()),
        workflow_type: Some(common::WorkflowType { name: run.row.workflow_type.clone() }),
        previous_started_event_id: run.row.record.previous_started_event_id,
        started_event_id: lease.started_event_id,
        attempt: lease.attempt,
        next_page_token,
        workflow_execution_task_queue: Some(normal_queue(&run.row.task_queue)),
        scheduled_time: scheduled.map(timestamp),
        started_time: Some(timestamp(lease.started_time)),
        ..Default::default()
    }
}
