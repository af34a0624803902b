//! Lists and counts of runs.

use rusqlite::types::Value as Sql;

use super::{SqliteStore, runs};
use crate::filter::{Field, Filter, Operator, Value};
use crate::ids::{NamespaceKey, RunKey};
use crate::store::{Place, Result, RunKind, RunRow};

/// When a run closed, for the order of lists; the text is that of the index.
const CLOSED: &str = "coalesce(close_time, 9223372036854775807)";

impl SqliteStore {
    pub(super) fn read_list(
        &self,
        namespace: NamespaceKey,
        kind: RunKind,
        filter: &Filter,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Vec<RunRow>> {
        let mut values = vec![Sql::from(namespace.0), Sql::from(kind as i64)];
        let mut condition = condition(filter, &mut values);
        if let Some(place) = after {
            condition = format!("({condition}) AND ({CLOSED}, start_time, run_key) < (?, ?, ?)");
            values.extend([place.closed, place.started, place.run.0].map(Sql::from));
        }
        values.push(Sql::from(i64::try_from(limit).unwrap_or(i64::MAX)));
        let sql = format!(
            "SELECT {} FROM runs WHERE namespace_key = ? AND kind = ? AND ({condition})
             ORDER BY {CLOSED} DESC, start_time DESC, run_key DESC LIMIT ?",
            runs::COLUMNS
        );
        // Not cached: every query is another text.
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(runs::run_row(row)?);
        }
        Ok(found)
    }

    pub(super) fn read_counts(
        &self,
        namespace: NamespaceKey,
        kind: RunKind,
        filter: &Filter,
    ) -> Result<Vec<(i32, i64)>> {
        let mut values = vec![Sql::from(namespace.0), Sql::from(kind as i64)];
        let condition = condition(filter, &mut values);
        let sql = format!(
            "SELECT status, count(*) FROM runs WHERE namespace_key = ? AND kind = ? AND ({condition})
             GROUP BY status ORDER BY status"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let counts = statement
            .query_map(rusqlite::params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(counts.collect::<rusqlite::Result<_>>()?)
    }
}

impl SqliteStore {
    pub(super) fn write_search_attributes(
        &self,
        key: RunKey,
        rows: &[(String, Value)],
    ) -> Result<()> {
        self.run_statement("DELETE FROM search_attributes WHERE run_key = ?1", [key.0])?;
        for (name, value) in rows {
            self.run_statement(
                "INSERT OR IGNORE INTO search_attributes (run_key, name, value) VALUES (?1, ?2, ?3)",
                (key.0, name, sql(value)),
            )?;
        }
        Ok(())
    }
}

/// A filter as SQL, with its values in order. What a caller wrote is only ever a value.
fn condition(filter: &Filter, values: &mut Vec<Sql>) -> String {
    match filter {
        Filter::Any => "1".into(),
        Filter::And(left, right) => {
            let left = condition(left, values);
            format!("({left}) AND ({})", condition(right, values))
        }
        Filter::Or(left, right) => {
            let left = condition(left, values);
            format!("({left}) OR ({})", condition(right, values))
        }
        Filter::Not(inner) => format!("NOT ({})", condition(inner, values)),
        Filter::IsNull(field) => format!("{} IS NULL", column(field, values)),
        Filter::HasAny(name, wanted) => {
            values.push(Sql::from(name.clone()));
            values.extend(wanted.iter().map(sql));
            let marks = vec!["?"; wanted.len()].join(", ");
            format!(
                "EXISTS (SELECT 1 FROM search_attributes a WHERE a.run_key = runs.run_key
                 AND a.name = ? AND a.value IN ({marks}))"
            )
        }
        Filter::Is(field, operator, value) => {
            let column = column(field, values);
            values.push(sql(value));
            match operator {
                Operator::Equal => format!("{column} = ?"),
                Operator::NotEqual => format!("{column} <> ?"),
                Operator::Less => format!("{column} < ?"),
                Operator::LessOrEqual => format!("{column} <= ?"),
                Operator::Greater => format!("{column} > ?"),
                Operator::GreaterOrEqual => format!("{column} >= ?"),
                Operator::StartsWith => {
                    values.push(sql(value));
                    format!("substr({column}, 1, length(?)) = ?")
                }
            }
        }
    }
}

fn sql(value: &Value) -> Sql {
    match value {
        Value::Text(text) => Sql::from(text.clone()),
        Value::Number(number) => Sql::from(*number),
        Value::Real(number) => Sql::from(*number),
        Value::Bytes(bytes) => Sql::from(bytes.clone()),
    }
}

/// What is asked about, in SQL. A search attribute that the run does not have is NULL.
fn column(field: &Field, values: &mut Vec<Sql>) -> &'static str {
    match field {
        Field::WorkflowId => "workflow_id",
        Field::WorkflowType => "workflow_type",
        Field::RunId => "run_id",
        Field::TaskQueue => "task_queue",
        Field::ExecutionStatus => "status",
        Field::StartTime => "start_time",
        Field::CloseTime => "close_time",
        Field::Attribute(name, _) => {
            values.push(Sql::from(name.clone()));
            "(SELECT a.value FROM search_attributes a WHERE a.run_key = runs.run_key AND a.name = ?
              LIMIT 1)"
        }
    }
}
