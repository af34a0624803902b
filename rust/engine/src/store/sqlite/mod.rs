//! The store on SQLite.
//!
//! One connection, write-ahead log, every statement prepared once.

mod file;
mod found_by;
mod inode;
mod lists;
mod open;
mod pending;
mod runs;

use std::path::Path;

use prost::Message;
use rusqlite::{Connection, ErrorCode};

pub(crate) use file::LockedFile;

use super::{
    ActivityRecord, ChildRecord, Fragment, NamespaceRecord, Pending, Place, QueuedTask, Result,
    RunKind, RunRow, Store, StoreError, TimerRecord, TimerRow, UpdateRow,
};
use crate::ids::{EventId, NamespaceKey, RunId, RunKey};
use crate::visibility::filter::{Filter, Value};

/// A database that is open.
pub(crate) struct SqliteStore {
    /// Closed before the file: see [`file`].
    connection: Connection,
    in_transaction: bool,
    is_lost: bool,
    /// `None` in memory.
    file: Option<file::DatabaseFile>,
}

impl SqliteStore {
    /// The file's lock, for whoever has to deal with a fork; `None` in memory.
    pub(crate) fn locked_file(&self) -> Option<LockedFile> {
        self.file.as_ref().map(file::DatabaseFile::descriptors)
    }
}

impl Drop for SqliteStore {
    /// A database that was moved away gets what is in its log, and what is in its place is not given the
    /// log of another. (Where the file is in its place, SQLite does so itself.)
    fn drop(&mut self) {
        if self.is_lost {
            let empty = "PRAGMA wal_checkpoint(TRUNCATE)";
            if let Err(error) = self.connection.query_row(empty, [], |_| Ok(())) {
                tracing::debug!(%error, "the log of a lost database could not be saved");
            }
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full(text),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly(text),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(text),
            _ => Self::Io(text),
        }
    }
}

/// A stored message that can't be read is damage: we wrote it.
fn damaged(error: &prost::DecodeError) -> StoreError {
    StoreError::Damaged(format!("a stored record can't be decoded: {error}"))
}

impl Store for SqliteStore {
    fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(file::DatabaseFile::path)
    }

    fn begin(&mut self) -> Result<()> {
        self.verify()?;
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.in_transaction = true;
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.in_transaction = false;
        Ok(())
    }

    fn verify(&mut self) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let verified = file.verify(&self.connection);
        self.is_lost |= matches!(verified, Err(StoreError::Lost(_)));
        verified
    }

    fn rollback(&mut self) {
        if !std::mem::take(&mut self.in_transaction) || self.connection.is_autocommit() {
            return; // SQLite itself rolls back after some errors
        }
        if let Err(error) = self.connection.execute_batch("ROLLBACK") {
            tracing::error!(%error, "a failed transaction could not be rolled back");
        }
    }

    fn namespaces(&mut self) -> Result<Vec<(NamespaceKey, NamespaceRecord)>> {
        self.read_namespaces()
    }
    fn insert_namespace(&mut self, key: NamespaceKey, record: &NamespaceRecord) -> Result<()> {
        self.write_namespace(key, record)
    }
    fn update_namespace(&mut self, key: NamespaceKey, record: &NamespaceRecord) -> Result<()> {
        self.run_statement(
            "UPDATE namespaces SET data = ?2 WHERE namespace_key = ?1",
            (key.0, record.encode_to_vec()),
        )
    }
    fn last_run_key(&mut self) -> Result<RunKey> {
        self.read_last_run_key()
    }
    fn insert_run(&mut self, row: &RunRow) -> Result<()> {
        self.write_new_run(row)
    }
    fn update_run(&mut self, row: &RunRow) -> Result<()> {
        self.write_run(row)
    }
    fn run(&mut self, key: RunKey) -> Result<Option<RunRow>> {
        self.read_run("run_key = ?1", [key.0])
    }
    fn run_by_id(&mut self, id: RunId) -> Result<Option<RunRow>> {
        self.read_run("run_id = ?1", [id.0.as_bytes().as_slice()])
    }
    fn last_run(
        &mut self,
        namespace: NamespaceKey,
        kind: RunKind,
        id: &str,
    ) -> Result<Option<RunRow>> {
        self.read_run(
            "namespace_key = ?1 AND kind = ?2 AND workflow_id = ?3 ORDER BY run_key DESC LIMIT 1",
            (namespace.0, kind as i64, id),
        )
    }
    fn delete_run(&mut self, key: RunKey) -> Result<()> {
        self.delete_closed_run(key)
    }
    fn list(
        &mut self,
        namespace: NamespaceKey,
        kind: RunKind,
        filter: &Filter,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Vec<RunRow>> {
        self.read_list(namespace, kind, filter, after, limit)
    }
    fn counts(
        &mut self,
        namespace: NamespaceKey,
        kind: RunKind,
        filter: &Filter,
    ) -> Result<Vec<(i32, i64)>> {
        self.read_counts(namespace, kind, filter)
    }
    fn pending(&mut self, key: RunKey) -> Result<Pending> {
        self.read_pending(key)
    }
    fn append_history(&mut self, key: RunKey, fragment: &Fragment) -> Result<()> {
        self.write_history(key, fragment)
    }
    fn history(&mut self, key: RunKey, from: EventId, budget: usize) -> Result<Vec<Fragment>> {
        self.read_history(key, from, budget)
    }
    fn put_activity(&mut self, key: RunKey, record: &ActivityRecord) -> Result<()> {
        self.write_activity(key, record)
    }
    fn delete_activity(&mut self, key: RunKey, scheduled_event_id: EventId) -> Result<()> {
        self.run_statement(
            "DELETE FROM activities WHERE run_key = ?1 AND scheduled_event_id = ?2",
            (key.0, scheduled_event_id),
        )
    }
    fn put_timer(&mut self, key: RunKey, record: &TimerRecord) -> Result<()> {
        self.write_timer(key, record)
    }
    fn delete_timer(&mut self, key: RunKey, started_event_id: EventId) -> Result<()> {
        self.run_statement(
            "DELETE FROM user_timers WHERE run_key = ?1 AND started_event_id = ?2",
            (key.0, started_event_id),
        )
    }
    fn put_child(&mut self, key: RunKey, record: &ChildRecord) -> Result<()> {
        self.write_child(key, record)
    }
    fn delete_child(&mut self, key: RunKey, initiated_event_id: EventId) -> Result<()> {
        self.run_statement(
            "DELETE FROM children WHERE run_key = ?1 AND initiated_event_id = ?2",
            (key.0, initiated_event_id),
        )
    }
    fn put_buffered(&mut self, key: RunKey, sequence: i64, event: &[u8]) -> Result<()> {
        self.run_statement(
            "INSERT OR REPLACE INTO buffered_events (run_key, sequence, event) VALUES (?1, ?2, ?3)",
            (key.0, sequence, event),
        )
    }
    fn delete_buffered(&mut self, key: RunKey) -> Result<()> {
        self.run_statement("DELETE FROM buffered_events WHERE run_key = ?1", [key.0])
    }
    fn put_search_attributes(
        &mut self,
        row: &RunRow,
        attributes: &[(String, Value)],
    ) -> Result<()> {
        self.write_search_attributes(row, attributes)
    }
    fn unindexed_runs(&mut self, limit: usize) -> Result<Option<(Vec<RunRow>, RunKey)>> {
        self.read_unindexed_runs(limit)
    }
    fn indexed_down_to(&mut self, key: RunKey) -> Result<()> {
        self.run_statement("UPDATE unindexed_runs SET last_run_key = ?1", [key.0 - 1])
    }
    fn put_update(&mut self, key: RunKey, update: &UpdateRow) -> Result<()> {
        self.run_statement(
            "INSERT OR REPLACE INTO updates
             (run_key, update_id, accepted_event_id, completed_event_id) VALUES (?1, ?2, ?3, ?4)",
            (key.0, &update.id, update.accepted, update.completed),
        )
    }
    fn update(&mut self, key: RunKey, update_id: &str) -> Result<Option<UpdateRow>> {
        let mut found = self.read_updates("update_id = ?2", (key.0, update_id))?;
        Ok(found.pop())
    }
    fn add_request_id(&mut self, key: RunKey, request_id: &str) -> Result<bool> {
        let sql = "INSERT OR IGNORE INTO request_ids (run_key, request_id) VALUES (?1, ?2)";
        Ok(self.connection.prepare_cached(sql)?.execute((key.0, request_id))? > 0)
    }
    fn delete_request_ids(&mut self, key: RunKey) -> Result<()> {
        self.run_statement("DELETE FROM request_ids WHERE run_key = ?1", [key.0])
    }
    fn arm(&mut self, timer: TimerRow) -> Result<()> {
        self.run_statement(
            "INSERT OR IGNORE INTO timers (due, run_key, kind, subject) VALUES (?1, ?2, ?3, ?4)",
            (timer.due.0, timer.run.0, timer.kind, timer.subject),
        )
    }
    fn disarm(&mut self, timer: TimerRow) -> Result<()> {
        self.run_statement(
            "DELETE FROM timers WHERE due = ?1 AND run_key = ?2 AND kind = ?3 AND subject = ?4",
            (timer.due.0, timer.run.0, timer.kind, timer.subject),
        )
    }
    fn first_timers(&mut self, limit: usize) -> Result<Vec<TimerRow>> {
        self.read_first_timers(limit)
    }
    fn workflow_tasks(&mut self) -> Result<Vec<QueuedTask>> {
        self.read_workflow_tasks()
    }
    fn activity_tasks(&mut self) -> Result<Vec<QueuedTask>> {
        self.read_activity_tasks()
    }
    fn started_activities(&mut self, worker: &str) -> Result<Vec<(RunKey, EventId)>> {
        self.read_started_activities(worker)
    }
}
