//! What open runs wait for: activities, user timers, children, buffered events, and the order of all timers.

use prost::Message;
use rusqlite::Params;

use super::{SqliteStore, damaged};
use crate::Timestamp;
use crate::ids::{EventId, NamespaceKey, RunKey};
use crate::store::record::ActivityState;
use crate::store::{
    ActivityRecord, ChildRecord, Pending, QueuedTask, Result, TimerRecord, TimerRow, UpdateRow,
};

impl SqliteStore {
    pub(super) fn read_pending(&self, key: RunKey) -> Result<Pending> {
        let mut buffered = Vec::new();
        let mut statement = self.connection.prepare_cached(
            "SELECT sequence, event FROM buffered_events WHERE run_key = ?1 ORDER BY sequence",
        )?;
        let mut rows = statement.query([key.0])?;
        while let Some(row) = rows.next()? {
            buffered.push((row.get(0)?, row.get(1)?));
        }
        Ok(Pending {
            activities: self.messages(
                "SELECT data FROM activities WHERE run_key = ?1 ORDER BY scheduled_event_id",
                [key.0],
            )?,
            timers: self.messages(
                "SELECT data FROM user_timers WHERE run_key = ?1 ORDER BY started_event_id",
                [key.0],
            )?,
            children: self.messages(
                "SELECT data FROM children WHERE run_key = ?1 ORDER BY initiated_event_id",
                [key.0],
            )?,
            buffered,
            updates: self.read_updates("completed_event_id = 0", [key.0])?,
        })
    }

    pub(super) fn read_updates(
        &self,
        condition: &str,
        params: impl Params,
    ) -> Result<Vec<UpdateRow>> {
        let sql = format!(
            "SELECT update_id, accepted_event_id, completed_event_id FROM updates
             WHERE run_key = ?1 AND {condition}"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let updates = statement.query_map(params, |row| {
            Ok(UpdateRow { id: row.get(0)?, accepted: row.get(1)?, completed: row.get(2)? })
        })?;
        Ok(updates.collect::<rusqlite::Result<_>>()?)
    }

    fn messages<T: Message + Default>(&self, sql: &str, params: impl Params) -> Result<Vec<T>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut messages = Vec::new();
        while let Some(row) = rows.next()? {
            let data = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
            messages.push(T::decode(data).map_err(|error| damaged(&error))?);
        }
        Ok(messages)
    }

    pub(super) fn write_activity(&self, key: RunKey, record: &ActivityRecord) -> Result<()> {
        self.run_statement(
            "INSERT INTO activities (run_key, scheduled_event_id, ready, data) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET ready = excluded.ready, data = excluded.data",
            (
                key.0,
                record.scheduled_event_id,
                record.is_ready(),
                record.encode_to_vec(),
            ),
        )
    }

    pub(super) fn write_timer(&self, key: RunKey, record: &TimerRecord) -> Result<()> {
        self.run_statement(
            "INSERT OR REPLACE INTO user_timers (run_key, started_event_id, data) VALUES (?1, ?2, ?3)",
            (key.0, record.started_event_id, record.encode_to_vec()),
        )
    }

    pub(super) fn write_child(&self, key: RunKey, record: &ChildRecord) -> Result<()> {
        self.run_statement(
            "INSERT OR REPLACE INTO children (run_key, initiated_event_id, data) VALUES (?1, ?2, ?3)",
            (key.0, record.initiated_event_id, record.encode_to_vec()),
        )
    }

    pub(super) fn read_first_timers(&self, limit: usize) -> Result<Vec<TimerRow>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT due, run_key, kind, subject FROM timers
             ORDER BY due, run_key, kind, subject LIMIT ?1",
        )?;
        let timers = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            Ok(TimerRow {
                due: Timestamp(row.get(0)?),
                run: RunKey(row.get(1)?),
                kind: row.get(2)?,
                subject: row.get(3)?,
            })
        })?;
        Ok(timers.collect::<rusqlite::Result<_>>()?)
    }

    pub(super) fn read_activity_tasks(&self) -> Result<Vec<QueuedTask>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT a.run_key, a.scheduled_event_id, r.namespace_key, a.data
             FROM activities a JOIN runs r ON r.run_key = a.run_key WHERE a.ready = 1
             ORDER BY a.run_key, a.scheduled_event_id",
        )?;
        let mut rows = statement.query([])?;
        let mut tasks = Vec::new();
        while let Some(row) = rows.next()? {
            let data = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
            let (run, event) = (RunKey(row.get(0)?), row.get(1)?);
            match ActivityRecord::decode(data) {
                Ok(record) => {
                    tasks.push(QueuedTask {
                        run,
                        subject: event,
                        namespace: NamespaceKey(row.get(2)?),
                        queue: record.task_queue,
                        level: record.level,
                    });
                }
                // One bad row is no reason to refuse the others: its run is reported when it is read.
                Err(error) => tracing::error!(run = run.0, event, %error, "a damaged activity"),
            }
        }
        Ok(tasks)
    }

    pub(super) fn read_started_activities(&self, worker: &str) -> Result<Vec<(RunKey, EventId)>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT run_key, data FROM activities WHERE ready = 0
             ORDER BY run_key, scheduled_event_id",
        )?;
        let mut rows = statement.query([])?;
        let mut started = Vec::new();
        while let Some(row) = rows.next()? {
            let data = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
            let record = ActivityRecord::decode(data).map_err(|error| damaged(&error))?;
            if record.state() == ActivityState::Started && record.worker == worker {
                started.push((RunKey(row.get(0)?), record.scheduled_event_id));
            }
        }
        Ok(started)
    }
}
