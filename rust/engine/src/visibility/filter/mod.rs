//! The language in which lists of workflows are asked for: a small part of SQL's conditions.
//!
//! ```text
//! WorkflowType = 'Order' AND (ExecutionStatus IN ('Running', 'Failed') OR StartTime > '2026-01-01T00:00:00Z')
//! ```

mod parser;
mod sources;
mod tokens;

use crate::RpcStatus;
use crate::ids::RunKind;
use crate::proto::enums::{ActivityExecutionStatus, WorkflowExecutionStatus as Status};
use crate::visibility::attributes::Kind;
pub(crate) use sources::{Source, Wanted};

/// The fields of a workflow or an activity: its id and its type are where a workflow has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    WorkflowId,
    WorkflowType,
    RunId,
    TaskQueue,
    ExecutionStatus,
    StartTime,
    CloseTime,
    /// A search attribute that holds this.
    Attribute(String, Kind),
}

impl Field {
    fn kind(&self) -> Kind {
        match self {
            Self::StartTime | Self::CloseTime => Kind::Datetime,
            Self::Attribute(_, kind) => *kind,
            _ => Kind::Keyword,
        }
    }

    fn name(&self, of: RunKind) -> &str {
        if let Self::Attribute(name, _) = self {
            return name;
        }
        let known = FIELDS.iter().find(|known| known.field == *self && known.is_of(of));
        known.map_or("", |known| known.name)
    }
}

/// A field that everything has.
struct Known {
    name: &'static str,
    /// `None`: of all kinds.
    of: Option<RunKind>,
    field: Field,
}

impl Known {
    const fn new(name: &'static str, of: Option<RunKind>, field: Field) -> Self {
        Self { name, of, field }
    }

    fn is_of(&self, of: RunKind) -> bool {
        self.of.is_none_or(|kind| kind == of)
    }
}

static FIELDS: [Known; 9] = [
    Known::new("ActivityId", Some(RunKind::Activity), Field::WorkflowId),
    Known::new("ActivityType", Some(RunKind::Activity), Field::WorkflowType),
    Known::new("WorkflowId", None, Field::WorkflowId),
    Known::new("WorkflowType", Some(RunKind::Workflow), Field::WorkflowType),
    Known::new("RunId", None, Field::RunId),
    Known::new("TaskQueue", None, Field::TaskQueue),
    Known::new("ExecutionStatus", None, Field::ExecutionStatus),
    Known::new("StartTime", None, Field::StartTime),
    Known::new("CloseTime", None, Field::CloseTime),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    StartsWith,
}

/// As it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Number(i64),
    Real(f64),
    Bytes(Vec<u8>),
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Is(Field, Operator, Value),
    IsNull(Field),
    /// A search attribute with several values has one of these. Never NULL.
    HasAny(String, Vec<Value>),
    Any,
}

/// A parsed query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Query {
    pub(crate) filter: Filter,
    /// Counts only: one for each status.
    pub(crate) by_status: bool,
}

/// Lookup of a search attribute's kind; `None`: it is not declared.
pub(crate) type Kinds<'a> = &'a dyn Fn(&str) -> Option<Kind>;

/// Read a query. An empty one finds everything.
pub(crate) fn parse(text: &str, of: RunKind, kinds: Kinds<'_>) -> Result<Query, RpcStatus> {
    let tokens = tokens::tokens(text).map_err(|error| invalid(&error))?;
    if tokens.len() > parser::LENGTH {
        return Err(invalid("it is too long"));
    }
    let mut parser = parser::Parser { tokens: &tokens, of, kinds };
    parser.query().map_err(|error| invalid(&error))
}

fn invalid(error: &str) -> RpcStatus {
    RpcStatus::invalid_argument(format!("invalid query: {error}"))
}

fn field(of: RunKind, name: &str) -> Option<Field> {
    let known = FIELDS.iter().find(|known| known.name == name && known.is_of(of));
    known.map(|known| known.field.clone())
}

const STATUSES: [(Status, &str); 7] = [
    (Status::Running, "Running"),
    (Status::Completed, "Completed"),
    (Status::Failed, "Failed"),
    (Status::Canceled, "Canceled"),
    (Status::Terminated, "Terminated"),
    (Status::ContinuedAsNew, "ContinuedAsNew"),
    (Status::TimedOut, "TimedOut"),
];

const ACTIVITY_STATUSES: [(ActivityExecutionStatus, &str); 7] = [
    (ActivityExecutionStatus::Running, "Running"),
    (ActivityExecutionStatus::Completed, "Completed"),
    (ActivityExecutionStatus::Failed, "Failed"),
    (ActivityExecutionStatus::Canceled, "Canceled"),
    (ActivityExecutionStatus::Terminated, "Terminated"),
    (ActivityExecutionStatus::TimedOut, "TimedOut"),
    (ActivityExecutionStatus::Paused, "Paused"),
];

/// The statuses of such runs, and their names.
fn statuses(of: RunKind) -> Vec<(i32, &'static str)> {
    match of {
        RunKind::Workflow => {
            STATUSES.iter().map(|(status, name)| ((*status).into(), *name)).collect()
        }
        RunKind::Activity => {
            ACTIVITY_STATUSES.iter().map(|(status, name)| ((*status).into(), *name)).collect()
        }
    }
}

/// The name of a status in queries and groups.
pub(crate) fn status_name(of: RunKind, status: i32) -> &'static str {
    statuses(of).into_iter().find(|(known, _)| *known == status).map_or("", |(_, name)| name)
}

fn status(of: RunKind, text: &str) -> Option<i32> {
    let by_name = statuses(of).into_iter().find(|(_, name)| *name == text);
    let by_name = by_name.map(|(status, _)| status);
    match of {
        RunKind::Workflow => {
            by_name.or_else(|| Status::try_from(text.parse::<i32>().ok()?).ok().map(i32::from))
        }
        // An activity's is any word, and 0 is none that there is.
        RunKind::Activity => by_name.or(Some(0)),
    }
}

/// Nanoseconds since 1970 of a time as RFC 3339 writes it, or of such a number.
pub(crate) fn time(text: &str) -> Option<i64> {
    if let Ok(nanos) = text.parse::<i64>() {
        return Some(nanos);
    }
    if !text.contains(['T', 't']) {
        return None; // a day alone is no moment
    }
    let at: prost_wkt_types::Timestamp = text.parse().ok()?;
    at.seconds.checked_mul(1_000_000_000)?.checked_add(at.nanos.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> Option<Filter> {
        parse(text, RunKind::Workflow, &|_| None).ok().map(|query| query.filter)
    }

    fn is(field: Field, text: &str) -> Filter {
        Filter::Is(field, Operator::Equal, Value::Text(text.into()))
    }

    #[test]
    fn and_binds_closer_than_or() {
        let a = || Box::new(is(Field::WorkflowId, "a"));
        let b = || Box::new(is(Field::TaskQueue, "b"));
        assert_eq!(
            filter("WorkflowId='a' or WorkflowId = \"a\" AND `TaskQueue` = 'b'"),
            Some(Filter::Or(a(), Box::new(Filter::And(a(), b()))))
        );
        assert_eq!(
            filter("(WorkflowId='a' OR TaskQueue='b') AND WorkflowId='a'"),
            Some(Filter::And(Box::new(Filter::Or(a(), b())), a()))
        );
    }

    #[test]
    fn quotes_inside_strings_are_kept() {
        assert_eq!(filter("WorkflowId = 'it''s'"), Some(is(Field::WorkflowId, "it's")));
        assert_eq!(filter(r#"WorkflowId = "a\"b""#), Some(is(Field::WorkflowId, "a\"b")));
    }

    #[test]
    fn times_are_moments_or_nanoseconds() {
        let at = Value::Number(1_700_000_000_500_000_000);
        let expected = Some(Filter::Is(Field::StartTime, Operator::Greater, at));
        assert_eq!(filter("StartTime > '2023-11-14T22:13:20.5Z'"), expected);
        assert_eq!(filter("StartTime > 1700000000500000000"), expected);
        assert_eq!(filter("StartTime > '2023-11-15T00:13:20.5+02:00'"), expected);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            ("Bogus = 1", "invalid search attribute: Bogus"),
            ("WorkflowId = 1", "WorkflowId of type Keyword: 1 (type: int64)"),
            ("WorkflowId = true", "WorkflowId of type Keyword: true (type: bool)"),
            ("StartTime > 1.5", "StartTime of type Datetime: 1.5 (type: float64)"),
            ("WorkflowId =", "syntax error at the end"),
            ("WorkflowId = 'a' 'b'", "syntax error at 'b'"),
            ("WorkflowId = 'a", "a string has no end"),
            ("ExecutionStatus='Nope'", "invalid ExecutionStatus value 'Nope'"),
            ("StartTime < 'x'", "unable to parse datetime 'x'"),
            ("WorkflowId = 'a' ORDER BY StartTime", "'ORDER BY' clause"),
            ("GROUP BY WorkflowType", "'GROUP BY' clause"),
        ] {
            let message = parse(text, RunKind::Workflow, &|_| None)
                .err()
                .map(|status| status.message)
                .unwrap_or_default();
            assert!(message.contains(expected), "{text}: {message}");
        }
        assert!(parse(&"(".repeat(100_000), RunKind::Workflow, &|_| None).is_err());
    }
}
