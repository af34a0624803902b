//! What runs are found by: their search attributes, in an index of our own.

use rusqlite::types::Value as Sql;

use super::{SqliteStore, runs};
use crate::ids::RunKey;
use crate::store::{Place, Result, RunRow, StoreError};
use crate::visibility::filter::Value;

impl SqliteStore {
    pub(super) fn write_search_attributes(
        &self,
        row: &RunRow,
        attributes: &[(String, Value)],
    ) -> Result<()> {
        self.run_statement("DELETE FROM runs_by_attribute WHERE run_key = ?1", [row.key.0])?;
        let Place { closed, started, run } = Place::of(row);
        for (name, value) in attributes {
            self.run_statement(
                "INSERT OR IGNORE INTO runs_by_attribute
                 (namespace_key, kind, name, value, closed, start_time, run_key)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                (row.namespace.0, row.kind() as i64, name, sql(value), closed, started, run.0),
            )?;
        }
        Ok(())
    }

    /// The run has closed, which is another place in lists.
    pub(super) fn move_search_attributes(&self, row: &RunRow) -> Result<()> {
        if row.record.search_attributes.is_none() {
            return Ok(());
        }
        self.run_statement(
            "UPDATE runs_by_attribute SET closed = ?2 WHERE run_key = ?1",
            (row.key.0, Place::of(row).closed),
        )
    }

    pub(super) fn read_unindexed_runs(
        &self,
        limit: usize,
    ) -> Result<Option<(Vec<RunRow>, RunKey)>> {
        let sql = format!(
            "SELECT {} FROM runs WHERE run_key <= (SELECT last_run_key FROM unindexed_runs)
             ORDER BY run_key DESC LIMIT ?1",
            runs::COLUMNS
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query([i64::try_from(limit).unwrap_or(i64::MAX)])?;
        let (mut found, mut down_to) = (Vec::new(), None);
        while let Some(row) = rows.next()? {
            let key = RunKey(row.get(0)?);
            match runs::run_row(row) {
                Ok(run) => found.push(run),
                // One bad run is no reason not to find the others.
                Err(StoreError::Damaged(detail)) => {
                    tracing::error!(run = key.0, detail, "a run can't be found by its attributes");
                }
                Err(error) => return Err(error),
            }
            down_to = Some(key);
        }
        Ok(down_to.map(|key| (found, key)))
    }
}

/// A value as SQLite has it.
pub(super) fn sql(value: &Value) -> Sql {
    match value {
        Value::Text(text) => Sql::from(text.clone()),
        Value::Number(number) => Sql::from(*number),
        Value::Real(number) => Sql::from(*number),
        Value::Bytes(bytes) => Sql::from(bytes.clone()),
    }
}
