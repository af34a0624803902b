//! Effects of one run on another: to be its child, to be told that a child ended, to be signalled or
//! cancelled.

use temporalio_protos::temporal::api::sdk::v1::UserMetadata;

use crate::ids::{EventId, RunKey};
use crate::proto::history::StartChildWorkflowExecutionInitiatedEventAttributes;
use crate::proto::{Attributes, common, history};
use crate::store::{ChildRecord, ParentRecord};

/// A child to be started.
pub(crate) struct StartChild {
    pub(crate) parent: RunKey,
    pub(crate) initiated_event_id: EventId,
    pub(crate) attributes: Box<StartChildWorkflowExecutionInitiatedEventAttributes>,
    pub(crate) user_metadata: Option<UserMetadata>,
}

/// A child that ended, and how.
pub(crate) struct EndedChild {
    pub(crate) parent: ParentRecord,
    pub(crate) execution: common::WorkflowExecution,
    pub(crate) first_run_id: Vec<u8>,
    pub(crate) closing: Attributes,
}

/// An effect on another run, queued by a state machine.
pub(crate) enum Effect {
    StartChild(StartChild),
    /// A child's chain of runs ended: its parent is told.
    EndChild(Box<EndedChild>),
    /// A run closed: what becomes of its child?
    Release {
        parent: RunKey,
        child: ChildRecord,
    },
    Signal {
        source: RunKey,
        initiated_event_id: EventId,
        attributes: Box<history::SignalExternalWorkflowExecutionInitiatedEventAttributes>,
    },
    Cancel {
        source: RunKey,
        initiated_event_id: EventId,
        attributes: Box<history::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes>,
    },
}
