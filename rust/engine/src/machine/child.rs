//! Children: initiated by a command, started, and followed to the end of their chain of runs.
//!
//! ```text
//! none      --StartChildWorkflowExecution-->  initiated  (Initiated; an effect is queued)
//! initiated --the effect is applied-->        started    (Started, buffered while a task is out)
//! initiated --id taken, or no namespace-->    none       (StartChildWorkflowExecutionFailed)
//! started   --its chain of runs ends-->       none       (the event of that end)
//! started   --its parent closes-->            released   (by its ParentClosePolicy: an effect)
//! ```

use temporalio_protos::temporal::api::sdk::v1::UserMetadata;

use crate::ids::EventId;
use crate::proto::history::StartChildWorkflowExecutionInitiatedEventAttributes;
use crate::proto::service::StartWorkflowExecutionRequest;
use crate::proto::{Attributes, common, history};
use crate::state::run::Run;
use crate::store::ChildRecord;

/// The identity of the engine in events that it causes itself.
pub(crate) const IDENTITY: &str = "history-service";

/// The start that an initiated event asks for.
pub(crate) fn request(
    attributes: &StartChildWorkflowExecutionInitiatedEventAttributes,
    user_metadata: Option<UserMetadata>,
) -> StartWorkflowExecutionRequest {
    let attributes = attributes.clone();
    StartWorkflowExecutionRequest {
        namespace: attributes.namespace,
        workflow_id: attributes.workflow_id,
        workflow_type: attributes.workflow_type,
        task_queue: attributes.task_queue,
        input: attributes.input,
        workflow_execution_timeout: attributes.workflow_execution_timeout,
        workflow_run_timeout: attributes.workflow_run_timeout,
        workflow_task_timeout: attributes.workflow_task_timeout,
        workflow_id_reuse_policy: attributes.workflow_id_reuse_policy,
        retry_policy: attributes.retry_policy,
        cron_schedule: attributes.cron_schedule,
        header: attributes.header,
        memo: attributes.memo,
        search_attributes: attributes.search_attributes,
        priority: attributes.priority,
        user_metadata,
        ..Default::default()
    }
}

/// A child that is not started yet.
pub(crate) fn record(
    attributes: &StartChildWorkflowExecutionInitiatedEventAttributes,
    initiated_event_id: EventId,
) -> ChildRecord {
    ChildRecord {
        initiated_event_id,
        started_event_id: 0,
        namespace: attributes.namespace.clone(),
        workflow_id: attributes.workflow_id.clone(),
        run_id: Vec::new(),
        workflow_type: attributes.workflow_type.clone().unwrap_or_default().name,
        parent_close_policy: attributes.parent_close_policy,
    }
}

/// The event that initiated the child of whose end, or of whose not starting, an event tells.
pub(crate) const fn ended_child(attributes: &Attributes) -> Option<EventId> {
    use Attributes as A;
    Some(match attributes {
        A::StartChildWorkflowExecutionFailedEventAttributes(a) => a.initiated_event_id,
        A::ChildWorkflowExecutionCompletedEventAttributes(a) => a.initiated_event_id,
        A::ChildWorkflowExecutionFailedEventAttributes(a) => a.initiated_event_id,
        A::ChildWorkflowExecutionCanceledEventAttributes(a) => a.initiated_event_id,
        A::ChildWorkflowExecutionTimedOutEventAttributes(a) => a.initiated_event_id,
        A::ChildWorkflowExecutionTerminatedEventAttributes(a) => a.initiated_event_id,
        _ => return None,
    })
}

/// The child's started event was buffered and is flushed now.
pub(crate) fn on_flushed(run: &mut Run, initiated_event_id: EventId, started_event_id: EventId) {
    debug_assert!(initiated_event_id < started_event_id, "a child starts after it was initiated");
    if let Some(record) = run.children.get(&initiated_event_id) {
        run.put_child(ChildRecord { started_event_id, ..record.clone() });
    }
}

/// The fields that all events about the end of a child share.
pub(crate) struct Child {
    pub(crate) record: ChildRecord,
    pub(crate) namespace_id: String,
    pub(crate) execution: common::WorkflowExecution,
    pub(crate) workflow_type: common::WorkflowType,
}

/// Build an event about the end of a child, with the fields they share.
macro_rules! child_event {
    ($child:ident, $variant:ident, $event:ident { $($field:ident: $value:expr),* }) => {
        Attributes::$variant(history::$event {
            namespace: $child.record.namespace,
            namespace_id: $child.namespace_id,
            workflow_execution: Some($child.execution),
            workflow_type: Some($child.workflow_type),
            initiated_event_id: $child.record.initiated_event_id,
            started_event_id: $child.record.started_event_id,
            $($field: $value,)*
        })
    };
}

impl Child {
    /// The parent's event for the child's last one.
    pub(crate) fn ended(self, closing: Attributes) -> Option<Attributes> {
        Some(match closing {
            Attributes::WorkflowExecutionCompletedEventAttributes(closing) => child_event!(
                self,
                ChildWorkflowExecutionCompletedEventAttributes,
                ChildWorkflowExecutionCompletedEventAttributes { result: closing.result }
            ),
            Attributes::WorkflowExecutionFailedEventAttributes(closing) => child_event!(
                self,
                ChildWorkflowExecutionFailedEventAttributes,
                ChildWorkflowExecutionFailedEventAttributes {
                    failure: closing.failure,
                    retry_state: closing.retry_state
                }
            ),
            Attributes::WorkflowExecutionCanceledEventAttributes(closing) => child_event!(
                self,
                ChildWorkflowExecutionCanceledEventAttributes,
                ChildWorkflowExecutionCanceledEventAttributes { details: closing.details }
            ),
            Attributes::WorkflowExecutionTimedOutEventAttributes(closing) => child_event!(
                self,
                ChildWorkflowExecutionTimedOutEventAttributes,
                ChildWorkflowExecutionTimedOutEventAttributes { retry_state: closing.retry_state }
            ),
            Attributes::WorkflowExecutionTerminatedEventAttributes(_) => child_event!(
                self,
                ChildWorkflowExecutionTerminatedEventAttributes,
                ChildWorkflowExecutionTerminatedEventAttributes {}
            ),
            _ => return None,
        })
    }
}
