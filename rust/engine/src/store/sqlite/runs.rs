//! Namespaces, runs and their history.

use prost::Message;
use rusqlite::{OptionalExtension, Params, Row};
use uuid::Uuid;

use super::{SqliteStore, damaged};
use crate::Timestamp;
use crate::ids::{EventId, NamespaceKey, RunId, RunKey};
use crate::mutation::{Mutation, is_active};
use crate::policy::priority;
use crate::store::{Fragment, NamespaceRecord, QueuedTask, Result, RunRecord, RunRow, StoreError};

/// A history row's id is the run's key and, in this many bits, the id of its first event.
pub(crate) const EVENT_ID_BITS: u32 = 22;

/// What [`run_row`] reads.
pub(super) const COLUMNS: &str = "run_key, namespace_key, workflow_id, run_id, workflow_type, task_queue, \
                                  status, start_time, close_time, state";

fn history_id(key: RunKey, event: EventId) -> i64 {
    (key.0 << EVENT_ID_BITS) | event
}

impl SqliteStore {
    /// Run a statement that returns nothing of interest.
    pub(super) fn run_statement(&self, sql: &str, params: impl Params) -> Result<()> {
        self.connection.prepare_cached(sql)?.execute(params)?;
        Ok(())
    }

    pub(super) fn read_namespaces(&self) -> Result<Vec<(NamespaceKey, NamespaceRecord)>> {
        let mut statement =
            self.connection.prepare_cached("SELECT namespace_key, data FROM namespaces")?;
        let mut rows = statement.query([])?;
        let mut namespaces = Vec::new();
        while let Some(row) = rows.next()? {
            let data = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
            let record = NamespaceRecord::decode(data).map_err(|error| damaged(&error))?;
            namespaces.push((NamespaceKey(row.get(0)?), record));
        }
        Ok(namespaces)
    }

    pub(super) fn write_namespace(
        &self,
        key: NamespaceKey,
        record: &NamespaceRecord,
    ) -> Result<()> {
        self.run_statement(
            "INSERT INTO namespaces (namespace_key, name, data) VALUES (?1, ?2, ?3)",
            (key.0, &record.name, record.encode_to_vec()),
        )
    }

    pub(super) fn read_last_run_key(&self) -> Result<RunKey> {
        let mut statement =
            self.connection.prepare_cached("SELECT coalesce(max(run_key), 0) FROM runs")?;
        Ok(RunKey(statement.query_row([], |row| row.get(0))?))
    }

    pub(super) fn write_new_run(&self, row: &RunRow) -> Result<()> {
        self.run_statement(
            "INSERT INTO runs (run_key, namespace_key, workflow_id, run_id, workflow_type, task_queue,
             status, start_time, close_time, has_task, state, kind)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            (
                row.key.0,
                row.namespace.0,
                &row.workflow_id,
                row.run_id.0.as_bytes().as_slice(),
                &row.workflow_type,
                &row.task_queue,
                row.status,
                row.start_time.0,
                row.close_time.map(|at| at.0),
                row.record.workflow_task.is_some(),
                row.record.encode_to_vec(),
                row.kind() as i64,
            ),
        )
    }

    /// Everything that there is of a run which waits for nothing.
    pub(super) fn delete_closed_run(&self, key: RunKey) -> Result<()> {
        self.run_statement("DELETE FROM runs WHERE run_key = ?1", [key.0])?;
        self.run_statement("DELETE FROM runs_by_attribute WHERE run_key = ?1", [key.0])?;
        self.run_statement("DELETE FROM updates WHERE run_key = ?1", [key.0])?;
        if is_active(Mutation::KeptHistory) {
            return Ok(());
        }
        self.run_statement(
            "DELETE FROM history WHERE id BETWEEN ?1 AND ?2",
            (history_id(key, 0), history_id(key, (1 << EVENT_ID_BITS) - 1)),
        )
    }

    /// While a run is open the time of its close does not change, and the index over it is left alone.
    pub(super) fn write_run(&self, row: &RunRow) -> Result<()> {
        if row.is_open() {
            return self.run_statement(
                "UPDATE runs SET has_task = ?2, state = ?3, status = ?4, task_queue = ?5
                 WHERE run_key = ?1",
                (
                    row.key.0,
                    row.record.workflow_task.is_some(),
                    row.record.encode_to_vec(),
                    row.status,
                    &row.task_queue,
                ),
            );
        }
        self.run_statement(
            "UPDATE runs SET status = ?2, close_time = ?3, has_task = ?4, state = ?5 WHERE run_key = ?1",
            (
                row.key.0,
                row.status,
                row.close_time.map(|at| at.0),
                row.record.workflow_task.is_some(),
                row.record.encode_to_vec(),
            ),
        )?;
        self.move_search_attributes(row)
    }

    pub(super) fn read_run(&self, condition: &str, params: impl Params) -> Result<Option<RunRow>> {
        let sql = format!("SELECT {COLUMNS} FROM runs WHERE {condition}");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let found = statement.query_row(params, |row| Ok(run_row(row))).optional()?;
        found.transpose()
    }

    pub(super) fn write_history(&self, key: RunKey, fragment: &Fragment) -> Result<()> {
        self.run_statement(
            "INSERT INTO history (id, events) VALUES (?1, ?2)",
            (history_id(key, fragment.first), fragment.events.as_ref()),
        )
    }

    pub(super) fn read_history(
        &self,
        key: RunKey,
        from: EventId,
        budget: usize,
    ) -> Result<Vec<Fragment>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, events FROM history WHERE id BETWEEN
               coalesce((SELECT max(id) FROM history WHERE id BETWEEN ?1 AND ?2), ?2) AND ?3 ORDER BY id",
        )?;
        let end = history_id(key, (1 << EVENT_ID_BITS) - 1);
        let mut rows = statement.query((history_id(key, 0), history_id(key, from), end))?;
        let (mut fragments, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let first = row.get::<_, i64>(0)? & ((1 << EVENT_ID_BITS) - 1);
            let events = row.get::<_, Vec<u8>>(1)?;
            bytes += events.len();
            fragments.push(Fragment { first, events: events.into() });
            if bytes >= budget {
                break;
            }
        }
        Ok(fragments)
    }

    pub(super) fn read_workflow_tasks(&self) -> Result<Vec<QueuedTask>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT run_key, namespace_key, task_queue, state FROM runs WHERE has_task = 1
             ORDER BY run_key",
        )?;
        let mut rows = statement.query([])?;
        let mut tasks = Vec::new();
        while let Some(row) = rows.next()? {
            // A run that can't be read is reported when its task is given out.
            let state = row.get_ref(3)?.as_blob().unwrap_or_default();
            let record = RunRecord::decode(state).unwrap_or_default();
            tasks.push(QueuedTask {
                run: RunKey(row.get(0)?),
                subject: 0,
                namespace: NamespaceKey(row.get(1)?),
                queue: row.get(2)?,
                level: priority::level(record.priority.as_ref()),
            });
        }
        Ok(tasks)
    }
}

pub(super) fn run_row(row: &Row<'_>) -> Result<RunRow> {
    let id: [u8; 16] = row.get(3)?;
    let state =
        row.get_ref(9)?.as_blob().map_err(|error| StoreError::Damaged(error.to_string()))?;
    Ok(RunRow {
        key: RunKey(row.get(0)?),
        namespace: NamespaceKey(row.get(1)?),
        workflow_id: row.get(2)?,
        run_id: RunId(Uuid::from_bytes(id)),
        workflow_type: row.get(4)?,
        task_queue: row.get(5)?,
        status: row.get(6)?,
        start_time: Timestamp(row.get(7)?),
        close_time: row.get::<_, Option<i64>>(8)?.map(Timestamp),
        record: RunRecord::decode(state).map_err(|error| damaged(&error))?,
    })
}
