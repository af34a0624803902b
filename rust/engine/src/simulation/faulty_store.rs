//! A store that fails when it is told to, and otherwise does what the store behind it does.

use std::path::Path;

use crate::ids::{EventId, NamespaceKey, RunId, RunKey, RunKind};
use crate::simulation::{Faults, Step};
use crate::store::{
    ActivityRecord, ChildRecord, Fragment, NamespaceRecord, Pending, Place, QueuedTask, Result,
    RunRow, Store, TimerRecord, TimerRow, UpdateRow,
};
use crate::visibility::filter::{Filter, Value};

/// A store between the engine and another one.
pub(crate) struct FaultyStore {
    inner: Box<dyn Store>,
    faults: Faults,
}

impl FaultyStore {
    pub(crate) fn new(inner: Box<dyn Store>, faults: Faults) -> Self {
        Self { inner, faults }
    }
}

/// Methods that may fail at a step, and are otherwise handed through.
macro_rules! steps {
    ($($step:ident fn $name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*) => {$(
        fn $name(&mut self, $($arg: $type),*) -> Result<$out> {
            self.faults.attempt(Step::$step, || self.inner.$name($($arg),*))
        }
    )*};
}

impl Store for FaultyStore {
    fn path(&self) -> Option<&Path> {
        self.inner.path()
    }

    fn verify(&mut self) -> Result<()> {
        self.inner.verify()
    }

    fn rollback(&mut self) {
        self.inner.rollback();
    }

    steps! {
        Write fn begin() -> ();
        Commit fn commit() -> ();
        Read fn namespaces() -> Vec<(NamespaceKey, NamespaceRecord)>;
        Write fn insert_namespace(key: NamespaceKey, record: &NamespaceRecord) -> ();
        Write fn update_namespace(key: NamespaceKey, record: &NamespaceRecord) -> ();
        Read fn last_run_key() -> RunKey;
        Write fn insert_run(row: &RunRow) -> ();
        Write fn update_run(row: &RunRow) -> ();
        Read fn run(key: RunKey) -> Option<RunRow>;
        Read fn run_by_id(id: RunId) -> Option<RunRow>;
        Read fn last_run(namespace: NamespaceKey, kind: RunKind, id: &str) -> Option<RunRow>;
        Write fn delete_run(key: RunKey) -> ();
        Read fn pending(key: RunKey) -> Pending;
        Write fn append_history(key: RunKey, fragment: &Fragment) -> ();
        Read fn history(key: RunKey, from: EventId, budget: usize) -> Vec<Fragment>;
        Write fn put_activity(key: RunKey, record: &ActivityRecord) -> ();
        Write fn delete_activity(key: RunKey, scheduled_event_id: EventId) -> ();
        Write fn put_timer(key: RunKey, record: &TimerRecord) -> ();
        Write fn delete_timer(key: RunKey, started_event_id: EventId) -> ();
        Write fn put_child(key: RunKey, record: &ChildRecord) -> ();
        Write fn delete_child(key: RunKey, initiated_event_id: EventId) -> ();
        Write fn put_buffered(key: RunKey, sequence: i64, event: &[u8]) -> ();
        Write fn delete_buffered(key: RunKey) -> ();
        Write fn put_search_attributes(row: &RunRow, attributes: &[(String, Value)]) -> ();
        Read fn unindexed_runs(limit: usize) -> Option<(Vec<RunRow>, RunKey)>;
        Write fn indexed_down_to(key: RunKey) -> ();
        Write fn put_update(key: RunKey, update: &UpdateRow) -> ();
        Read fn update(key: RunKey, update_id: &str) -> Option<UpdateRow>;
        Write fn add_request_id(key: RunKey, request_id: &str) -> bool;
        Write fn delete_request_ids(key: RunKey) -> ();
        Write fn arm(timer: TimerRow) -> ();
        Write fn disarm(timer: TimerRow) -> ();
        Read fn list(namespace: NamespaceKey, kind: RunKind, filter: &Filter, after: Option<Place>, limit: usize) -> Vec<RunRow>;
        Read fn counts(namespace: NamespaceKey, kind: RunKind, filter: &Filter) -> Vec<(i32, i64)>;
        Read fn first_timers(limit: usize) -> Vec<TimerRow>;
        Read fn workflow_tasks() -> Vec<QueuedTask>;
        Read fn activity_tasks() -> Vec<QueuedTask>;
        Read fn started_activities(worker: &str) -> Vec<(RunKey, EventId)>;
    }
}
