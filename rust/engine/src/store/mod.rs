//! What the engine keeps, and the interface to whatever keeps it.
//!
//! Every call happens inside a transaction of the engine's loop. A failed call fails the transaction.

pub(crate) mod outage;
pub(crate) mod record;
pub(crate) mod sqlite;

use std::path::Path;

use bytes::Bytes;

use crate::Timestamp;
pub(crate) use crate::ids::RunKind;
use crate::ids::{EventId, NamespaceKey, RunId, RunKey};
use crate::visibility::filter::{Filter, Value};
pub(crate) use record::{
    ActivityRecord, CancelRecord, ChildRecord, NamespaceRecord, ParentRecord, RunRecord,
    StandaloneRecord, TimerRecord,
};

/// The store failed: the transaction under way is lost, earlier ones are not.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the disk or the quota is full: {0}")]
    Full(String),
    #[error("the database can't be written: {0}")]
    ReadOnly(String),
    #[error("the database can't be read or written: {0}")]
    Io(String),
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// For good: what was committed may be gone, and nothing may be acknowledged any more.
    #[error("the database was lost: {0}")]
    Lost(String),
}

pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// One run as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct RunRow {
    pub(crate) key: RunKey,
    pub(crate) namespace: NamespaceKey,
    pub(crate) workflow_id: String,
    pub(crate) run_id: RunId,
    pub(crate) workflow_type: String,
    pub(crate) task_queue: String,
    pub(crate) status: i32,
    pub(crate) start_time: Timestamp,
    pub(crate) close_time: Option<Timestamp>,
    pub(crate) record: RunRecord,
}

/// Where a run is in lists, which go backwards from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Nanoseconds since 1970, for an open run the end of time.
    pub(crate) closed: i64,
    pub(crate) started: i64,
    pub(crate) run: RunKey,
}

impl Place {
    pub(crate) fn of(row: &RunRow) -> Self {
        let closed = row.close_time.map_or(i64::MAX, |at| at.0);
        Self { closed, started: row.start_time.0, run: row.key }
    }
}

/// A task that waits for a worker.
#[derive(Clone, Debug)]
pub(crate) struct QueuedTask {
    pub(crate) run: RunKey,
    /// The scheduled event of an activity.
    pub(crate) subject: EventId,
    pub(crate) namespace: NamespaceKey,
    pub(crate) queue: String,
    /// See [`crate::policy::priority::level`].
    pub(crate) level: i32,
}

/// What an open run waits for or buffers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pending {
    pub(crate) activities: Vec<ActivityRecord>,
    pub(crate) timers: Vec<TimerRecord>,
    pub(crate) children: Vec<ChildRecord>,
    /// Sequence and encoded event.
    pub(crate) buffered: Vec<(i64, Vec<u8>)>,
    /// Updates that are accepted and have no outcome.
    pub(crate) updates: Vec<UpdateRow>,
}

/// An update that the workflow has accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UpdateRow {
    pub(crate) id: String,
    /// The accepted event.
    pub(crate) accepted: EventId,
    /// The completed event; 0 while it has no outcome.
    pub(crate) completed: EventId,
}

/// A stretch of history: encoded `History`, and the id of its first event.
#[derive(Clone, Debug)]
pub(crate) struct Fragment {
    pub(crate) first: EventId,
    pub(crate) events: Bytes,
}

/// Something due at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TimerRow {
    pub(crate) due: Timestamp,
    pub(crate) run: RunKey,
    pub(crate) kind: i64,
    pub(crate) subject: i64,
}

pub(crate) trait Store: Send {
    /// The file; `None` in memory.
    fn path(&self) -> Option<&Path>;
    fn begin(&mut self) -> Result<()>;
    fn commit(&mut self) -> Result<()>;
    /// Check that what was committed is where the next open will look for it.
    fn verify(&mut self) -> Result<()>;
    /// End the transaction, if there is one, without its changes.
    fn rollback(&mut self);

    fn namespaces(&mut self) -> Result<Vec<(NamespaceKey, NamespaceRecord)>>;
    fn insert_namespace(&mut self, key: NamespaceKey, record: &NamespaceRecord) -> Result<()>;
    fn update_namespace(&mut self, key: NamespaceKey, record: &NamespaceRecord) -> Result<()>;

    /// The largest key of a run that is there, 0 when there is none.
    fn last_run_key(&mut self) -> Result<RunKey>;
    fn insert_run(&mut self, row: &RunRow) -> Result<()>;
    fn update_run(&mut self, row: &RunRow) -> Result<()>;
    fn run(&mut self, key: RunKey) -> Result<Option<RunRow>>;
    fn run_by_id(&mut self, id: RunId) -> Result<Option<RunRow>>;
    /// The run of that id that was started last.
    fn last_run(
        &mut self,
        namespace: NamespaceKey,
        kind: RunKind,
        id: &str,
    ) -> Result<Option<RunRow>>;
    /// Forget a run that is closed, and its history.
    fn delete_run(&mut self, key: RunKey) -> Result<()>;
    /// Runs of a namespace that pass the filter: open ones, then those that closed last.
    fn list(
        &mut self,
        namespace: NamespaceKey,
        kind: RunKind,
        filter: &Filter,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Vec<RunRow>>;
    /// How many there are of each status.
    fn counts(
        &mut self,
        namespace: NamespaceKey,
        kind: RunKind,
        filter: &Filter,
    ) -> Result<Vec<(i32, i64)>>;
    fn pending(&mut self, key: RunKey) -> Result<Pending>;

    fn append_history(&mut self, key: RunKey, fragment: &Fragment) -> Result<()>;
    /// From the fragment that holds `from` on, at least one, until `budget` bytes are reached.
    fn history(&mut self, key: RunKey, from: EventId, budget: usize) -> Result<Vec<Fragment>>;

    fn put_activity(&mut self, key: RunKey, record: &ActivityRecord) -> Result<()>;
    fn delete_activity(&mut self, key: RunKey, scheduled_event_id: EventId) -> Result<()>;
    fn put_timer(&mut self, key: RunKey, record: &TimerRecord) -> Result<()>;
    fn delete_timer(&mut self, key: RunKey, started_event_id: EventId) -> Result<()>;
    fn put_child(&mut self, key: RunKey, record: &ChildRecord) -> Result<()>;
    fn delete_child(&mut self, key: RunKey, initiated_event_id: EventId) -> Result<()>;
    fn put_buffered(&mut self, key: RunKey, sequence: i64, event: &[u8]) -> Result<()>;
    fn delete_buffered(&mut self, key: RunKey) -> Result<()>;

    /// What a run is found by, from now on.
    fn put_search_attributes(&mut self, row: &RunRow, attributes: &[(String, Value)])
    -> Result<()>;
    /// The next runs that are not found by their search attributes, since an older version wrote them,
    /// and how far that is. `None`: there are no more.
    fn unindexed_runs(&mut self, limit: usize) -> Result<Option<(Vec<RunRow>, RunKey)>>;
    /// Those before this run are left.
    fn indexed_down_to(&mut self, key: RunKey) -> Result<()>;
    fn put_update(&mut self, key: RunKey, update: &UpdateRow) -> Result<()>;
    /// An update of a run, open or closed, that was accepted.
    fn update(&mut self, key: RunKey, update_id: &str) -> Result<Option<UpdateRow>>;

    /// Remember a request id; false when it was known.
    fn add_request_id(&mut self, key: RunKey, request_id: &str) -> Result<bool>;
    fn delete_request_ids(&mut self, key: RunKey) -> Result<()>;

    fn arm(&mut self, timer: TimerRow) -> Result<()>;
    fn disarm(&mut self, timer: TimerRow) -> Result<()>;
    /// The first `limit` timers in order of time.
    fn first_timers(&mut self, limit: usize) -> Result<Vec<TimerRow>>;

    /// Scheduled workflow tasks, in order of the start of their runs.
    fn workflow_tasks(&mut self) -> Result<Vec<QueuedTask>>;
    /// Activities that wait for a worker.
    fn activity_tasks(&mut self) -> Result<Vec<QueuedTask>>;
    /// Activities that a worker instance has.
    fn started_activities(&mut self, worker: &str) -> Result<Vec<(RunKey, EventId)>>;
}

/// When a commit counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// When it is on the disk: survives a power cut.
    #[default]
    Full,
    /// When the system has it: survives a crash of the process, not always one of the machine.
    Normal,
}
