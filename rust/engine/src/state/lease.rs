//! State of a run that is in memory only.

use std::time::{Duration, Instant};

use crate::Timestamp;
use crate::ids::EventId;
use crate::proto::history::HistoryEvent;
use crate::store::record::WorkflowTaskRecord;

/// State that a restart forgets, on purpose: who is working on the workflow task, and which worker has the
/// run in its cache. Workers of a process that is gone can't finish, so the task is simply offered
/// again, as the same attempt.
#[derive(Default)]
pub(crate) struct Volatile {
    /// Invariant: only while the run has a workflow task.
    pub(crate) lease: Option<Lease>,
    pub(crate) sticky: Option<Sticky>,
    /// The workflow task, when it is not stored.
    /// Invariant: only while no workflow task is stored.
    pub(crate) speculative: Option<Speculative>,
    /// The newest entry in a queue; older ones are void.
    pub(crate) dispatch: u64,
    /// When it was last looked at.
    pub(crate) last_used: Option<Instant>,
    /// It was logged that the history is long.
    pub(crate) is_known_to_be_long: bool,
    /// Nothing is to be left of the run when it has closed.
    pub(crate) deleted: bool,
    /// An `UnhandledCommand` was answered; no more signals while the run tries to close.
    pub(crate) closing: bool,
}

/// A workflow task for an update: if all that comes of it is a rejection, it was never there.
#[derive(Clone, Debug)]
pub(crate) struct Speculative {
    pub(crate) task: WorkflowTaskRecord,
    /// The scheduled event, to be written when the task turns out to be one.
    pub(crate) scheduled: HistoryEvent,
}

/// A workflow task that a worker has.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(crate) id: [u8; 16],
    /// The instance of the worker that has it; empty when it did not say.
    pub(crate) worker: String,
    pub(crate) scheduled_event_id: EventId,
    pub(crate) started_event_id: EventId,
    pub(crate) started_time: Timestamp,
    pub(crate) attempt: i32,
    /// Events that the worker was shown and that are written when the task ends: started, and before
    /// it scheduled where that is not in the history.
    pub(crate) unwritten: Vec<HistoryEvent>,
    /// When a worker that polled for it was given it.
    pub(crate) given: Option<Instant>,
    /// When it times out, in steady time: later than its timer says if the worker reads the history.
    pub(crate) ends: Timestamp,
}

/// The queue of the worker that has the run in its cache.
#[derive(Clone, Debug)]
pub(crate) struct Sticky {
    pub(crate) queue: String,
    pub(crate) schedule_to_start: Duration,
}
