//! Lists and counts of runs.

use rusqlite::types::Value as Sql;

use super::found_by::sql;
use super::{SqliteStore, runs};
use crate::ids::{NamespaceKey, RunKind};
use crate::store::{Place, Result, RunRow};
use crate::visibility::filter::{Field, Filter, Operator, Source, Wanted};

/// Where to look, what to look for, and by what it is in order.
struct Search {
    from: String,
    place: [&'static str; 3],
    values: Vec<Sql>,
}

impl Search {
    /// In the order of the index of all runs. The text is that of the index.
    const ALL: [&str; 3] = ["coalesce(close_time, 9223372036854775807)", "start_time", "run_key"];
    /// In the order in which those with the same attribute are kept.
    const EXACT: [&str; 3] = ["closed", "started", "found"];

    fn new(namespace: NamespaceKey, kind: RunKind, filter: &Filter) -> Self {
        let mut values = Vec::new();
        let sources = filter.sources().unwrap_or_default();
        // Cross joins are done in the order in which they are written.
        let (runs, place) = match sources.as_slice() {
            [] => {
                values.extend([namespace.0, kind as i64].map(Sql::from));
                ("runs WHERE namespace_key = ? AND kind = ?".to_owned(), Self::ALL)
            }
            [source] if source.exact().is_some() => {
                let found = found(namespace, kind, source, &mut values);
                let from = format!("({found}) CROSS JOIN runs ON runs.run_key = found WHERE 1");
                (from, Self::EXACT)
            }
            sources => {
                let found: Vec<_> = sources
                    .iter()
                    .map(|source| found(namespace, kind, source, &mut values))
                    .collect();
                let found = found.join(" UNION ALL ");
                let from = format!("runs WHERE run_key IN (SELECT found FROM ({found}))");
                (from, Self::ALL)
            }
        };
        let condition = condition(filter, &mut values);
        Self { from: format!("{runs} AND ({condition})"), place, values }
    }
}

/// What has a search attribute, in SQL.
fn found(namespace: NamespaceKey, kind: RunKind, source: &Source, values: &mut Vec<Sql>) -> String {
    values.extend([namespace.0, kind as i64].map(Sql::from));
    values.push(Sql::from(source.name.clone()));
    let wanted = match &source.value {
        Wanted::OneOf(wanted) if wanted.len() == 1 => {
            values.extend(wanted.iter().map(sql));
            "AND value = ?".to_owned()
        }
        Wanted::OneOf(wanted) => {
            values.extend(wanted.iter().map(sql));
            format!("AND value IN ({})", vec!["?"; wanted.len()].join(", "))
        }
        Wanted::Compared(operator, value) => {
            values.push(sql(value));
            let compared = match operator {
                Operator::Equal => "= ?",
                Operator::NotEqual => "<> ?",
                Operator::Less => "< ?",
                Operator::LessOrEqual => "<= ?",
                Operator::Greater => "> ?",
                Operator::GreaterOrEqual => ">= ?",
                // No letter has this byte.
                Operator::StartsWith => {
                    values.push(sql(value));
                    ">= ? AND value < ? || CAST(x'ff' AS TEXT)"
                }
            };
            format!("AND value {compared}")
        }
        Wanted::Any => String::new(),
    };
    format!(
        "SELECT run_key AS found, closed, start_time AS started FROM runs_by_attribute
         WHERE namespace_key = ? AND kind = ? AND name = ? {wanted}"
    )
}

impl SqliteStore {
    pub(super) fn read_list(
        &self,
        namespace: NamespaceKey,
        kind: RunKind,
        filter: &Filter,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Vec<RunRow>> {
        let Search { mut from, place, mut values } = Search::new(namespace, kind, filter);
        if let Some(after) = after {
            from = format!("{from} AND ({}) < (?, ?, ?)", place.join(", "));
            values.extend([after.closed, after.started, after.run.0].map(Sql::from));
        }
        values.push(Sql::from(i64::try_from(limit).unwrap_or(i64::MAX)));
        let order = place.join(" DESC, ");
        let sql = format!("SELECT {} FROM {from} ORDER BY {order} DESC LIMIT ?", runs::COLUMNS);
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
        let Search { from, values, .. } = Search::new(namespace, kind, filter);
        let sql = format!("SELECT status, count(*) FROM {from} GROUP BY status ORDER BY status");
        let mut statement = self.connection.prepare(&sql)?;
        let counts = statement
            .query_map(rusqlite::params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(counts.collect::<rusqlite::Result<_>>()?)
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
                "EXISTS (SELECT 1 FROM runs_by_attribute a WHERE a.run_key = runs.run_key
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
            "(SELECT a.value FROM runs_by_attribute a WHERE a.run_key = runs.run_key AND a.name = ?
              LIMIT 1)"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visibility::attributes::Kind;
    use crate::visibility::filter;

    /// How SQLite goes about a list.
    fn plan(
        store: &SqliteStore,
        query: &str,
    ) -> std::result::Result<String, Box<dyn std::error::Error>> {
        let kinds = |name: &str| match name {
            "Color" => Some(Kind::Keyword),
            "Size" => Some(Kind::Int),
            "Tags" => Some(Kind::KeywordList),
            _ => None,
        };
        let filter = filter::parse(query, RunKind::Workflow, &kinds)?.filter;
        let Search { from, place, values } =
            Search::new(NamespaceKey(1), RunKind::Workflow, &filter);
        let order = place.join(" DESC, ");
        let sql =
            format!("EXPLAIN QUERY PLAN SELECT status FROM {from} ORDER BY {order} DESC LIMIT 9");
        let mut statement = store.connection.prepare(&sql)?;
        let steps = statement
            .query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3))?;
        Ok(steps.collect::<rusqlite::Result<Vec<_>>>()?.join("; "))
    }

    #[test]
    fn a_list_by_a_search_attribute_looks_only_at_runs_that_have_it()
    -> std::result::Result<(), Box<dyn std::error::Error>> {
        let store = SqliteStore::memory()?;
        let of_all = "runs_as_listed";
        for query in [
            "Color = 'red'",
            "Color = 'red' AND Size > 3",
            "Color IN ('red', 'blue')",
            "Color STARTS_WITH 're'",
            "Color = 'red' OR Size = 3",
            "Size BETWEEN 3 AND 5",
            "Tags = 'a' AND ExecutionStatus = 'Running'",
            "Color IS NOT NULL",
        ] {
            let plan = plan(&store, query)?;
            assert!(!plan.contains(of_all) && !plan.contains("SCAN runs"), "{query}: {plan}");
        }
        assert!(plan(&store, "Color IS NULL")?.contains(of_all));
        Ok(())
    }

    #[test]
    fn runs_with_the_same_value_are_in_the_order_of_lists()
    -> std::result::Result<(), Box<dyn std::error::Error>> {
        let store = SqliteStore::memory()?;
        let plan = plan(&store, "Color = 'red' AND Size > 3")?;
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        Ok(())
    }
}
