//! What one run wants of another: to be its child, to be told that a child ended, to be signalled or
//! cancelled.
//!
//! A state machine has one run at hand, so it leaves an errand, which is carried out in the same
//! transaction: either both runs know of it or neither does, whenever the process dies.

use crate::ids::{EventId, RunKey};
use crate::machine::{child, external};
use crate::proto::history;
use crate::store::ChildRecord;
use crate::transaction::context::{Context, Failure};

/// One of them.
pub(crate) enum Errand {
    StartChild(child::Start),
    /// A child's chain of runs ended: its parent is told.
    EndChild(Box<child::Ended>),
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

impl Context {
    /// Carry out an errand. Only the store can fail it: what else goes wrong becomes an event.
    pub(crate) fn run_errand(&mut self, errand: Errand) -> Result<(), Failure> {
        match errand {
            Errand::StartChild(start) => child::start(self, start),
            Errand::EndChild(ended) => child::end(self, *ended),
            Errand::Release { parent, child } => child::release(self, parent, &child),
            Errand::Signal { source, initiated_event_id, attributes } => {
                external::signal(self, source, initiated_event_id, *attributes)
            }
            Errand::Cancel { source, initiated_event_id, attributes } => {
                external::cancel(self, source, initiated_event_id, *attributes)
            }
        }
    }
}
