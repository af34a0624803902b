//! The language in which lists of workflows are asked for: a small part of SQL's conditions.
//!
//! ```text
//! WorkflowType = 'Order' AND (ExecutionStatus IN ('Running', 'Failed') OR StartTime > '2026-01-01T00:00:00Z')
//! ```

use crate::RpcStatus;
use crate::proto::enums::WorkflowExecutionStatus as Status;

/// What a workflow is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    WorkflowId,
    WorkflowType,
    RunId,
    TaskQueue,
    ExecutionStatus,
    StartTime,
    CloseTime,
}

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Number(i64),
    Bytes(Vec<u8>),
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Is(Field, Operator, Value),
    IsNull(Field),
    Any,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) filter: Filter,
    /// Counts only: one for each status.
    pub(crate) by_status: bool,
}

/// Read a query. An empty one finds everything.
pub(crate) fn parse(text: &str) -> Result<Query, RpcStatus> {
    let tokens = tokens(text).map_err(|error| invalid(&error))?;
    if tokens.len() > LENGTH {
        return Err(invalid("it is too long"));
    }
    let mut parser = Parser { tokens: &tokens };
    parser.query().map_err(|error| invalid(&error))
}

fn invalid(error: &str) -> RpcStatus {
    RpcStatus::invalid_argument(format!("invalid query: {error}"))
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// A name in backticks: never a keyword.
    Name(String),
    Text(String),
    Symbol(&'static str),
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    const SYMBOLS: [&str; 10] = ["!=", "<>", "<=", ">=", "=", "<", ">", "(", ")", ","];
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            tokens.push(Token::Symbol(symbol));
            rest = &rest[symbol.len()..];
        } else if matches!(first, '\'' | '"' | '`') {
            let (quoted, tail) = quoted(rest, first)?;
            tokens.push(if first == '`' { Token::Name(quoted) } else { Token::Text(quoted) });
            rest = tail;
        } else {
            let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '+');
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            if end == 0 {
                return Err(format!("malformed SQL query: syntax error at {rest:?}"));
            }
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// A string in quotes and what follows it. A quote inside is doubled, or has a backslash before it.
fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            c if c == quote => match chars.peek() {
                Some((_, next)) if *next == quote => {
                    value.push(quote);
                    chars.next();
                }
                _ => return Ok((value, &text[at + c.len_utf8()..])),
            },
            c => value.push(c),
        }
    }
    Err("malformed SQL query: a string has no end".into())
}

/// Words and signs of a query at most: what is longer is too deep for SQLite.
const LENGTH: usize = 1500;
/// How deep parentheses may go.
const DEPTH: usize = 64;

struct Parser<'a> {
    tokens: &'a [Token],
}

impl Parser<'_> {
    fn query(&mut self) -> Result<Query, String> {
        let starts_bare = self.is_word("GROUP") || self.is_word("ORDER");
        let filter =
            if self.tokens.is_empty() || starts_bare { Filter::Any } else { self.any_of(0)? };
        let mut by_status = false;
        if self.word("GROUP") {
            by_status = self.word("BY");
            let name = self.name()?;
            if !by_status || !name.eq_ignore_ascii_case("ExecutionStatus") {
                return Err("operation is not supported: 'group by' clause is only supported for \
                            ExecutionStatus search attribute"
                    .into());
            }
        }
        if self.is_word("ORDER") {
            return Err("operation is not supported: 'order by' clause".into());
        }
        match self.tokens.first() {
            None => Ok(Query { filter, by_status }),
            Some(token) => Err(unexpected(Some(token))),
        }
    }

    fn any_of(&mut self, depth: usize) -> Result<Filter, String> {
        let mut filter = self.all_of(depth)?;
        while self.word("OR") {
            filter = Filter::Or(Box::new(filter), Box::new(self.all_of(depth)?));
        }
        Ok(filter)
    }

    fn all_of(&mut self, depth: usize) -> Result<Filter, String> {
        let mut filter = self.one(depth)?;
        while self.word("AND") {
            filter = Filter::And(Box::new(filter), Box::new(self.one(depth)?));
        }
        Ok(filter)
    }

    fn one(&mut self, depth: usize) -> Result<Filter, String> {
        if depth > DEPTH {
            return Err("malformed SQL query: too deep".into());
        }
        if self.word("NOT") {
            return Ok(Filter::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.symbol("(") {
            let filter = self.any_of(depth + 1)?;
            self.expect(")")?;
            return Ok(filter);
        }
        let name = self.name()?;
        let field = field(&name).ok_or_else(|| {
            format!("invalid expression: column name '{name}' is not a valid search attribute")
        })?;
        self.condition(field)
    }

    fn condition(&mut self, field: Field) -> Result<Filter, String> {
        use Operator as O;
        if self.word("IS") {
            let not = self.word("NOT");
            if !self.word("NULL") {
                return Err(unexpected(self.tokens.first()));
            }
            let filter = Filter::IsNull(field);
            return Ok(if not { Filter::Not(Box::new(filter)) } else { filter });
        }
        let not = self.word("NOT");
        let filter = if self.word("IN") {
            self.list(field)?
        } else if self.word("BETWEEN") {
            let from = Filter::Is(field, O::GreaterOrEqual, self.value(field)?);
            if !self.word("AND") {
                return Err(unexpected(self.tokens.first()));
            }
            let to = Filter::Is(field, O::LessOrEqual, self.value(field)?);
            Filter::And(Box::new(from), Box::new(to))
        } else if self.word("STARTS_WITH") {
            let value = self.value(field)?;
            if !matches!(value, Value::Text(_)) {
                return Err(format!("operator 'starts_with' not supported for {field:?}"));
            }
            Filter::Is(field, O::StartsWith, value)
        } else if not {
            return Err(unexpected(self.tokens.first()));
        } else {
            let operator = match self.tokens.first() {
                Some(Token::Symbol("=")) => O::Equal,
                Some(Token::Symbol("!=" | "<>")) => O::NotEqual,
                Some(Token::Symbol("<")) => O::Less,
                Some(Token::Symbol("<=")) => O::LessOrEqual,
                Some(Token::Symbol(">")) => O::Greater,
                Some(Token::Symbol(">=")) => O::GreaterOrEqual,
                other => return Err(unexpected(other)),
            };
            self.tokens = &self.tokens[1..];
            Filter::Is(field, operator, self.value(field)?)
        };
        Ok(if not { Filter::Not(Box::new(filter)) } else { filter })
    }

    fn list(&mut self, field: Field) -> Result<Filter, String> {
        self.expect("(")?;
        let mut filter = Filter::Is(field, Operator::Equal, self.value(field)?);
        while self.symbol(",") {
            let other = Filter::Is(field, Operator::Equal, self.value(field)?);
            filter = Filter::Or(Box::new(filter), Box::new(other));
        }
        self.expect(")")?;
        Ok(filter)
    }

    fn value(&mut self, field: Field) -> Result<Value, String> {
        let (Some(Token::Text(text) | Token::Word(text)), rest) =
            (self.tokens.first(), self.tokens.get(1..).unwrap_or_default())
        else {
            return Err(unexpected(self.tokens.first()));
        };
        self.tokens = rest;
        match field {
            Field::WorkflowId | Field::WorkflowType | Field::TaskQueue => {
                Ok(Value::Text(text.clone()))
            }
            Field::RunId => {
                let id = uuid::Uuid::try_parse(text);
                Ok(Value::Bytes(id.map(|id| id.as_bytes().to_vec()).unwrap_or_default()))
            }
            Field::ExecutionStatus => {
                status(text).map(|status| Value::Number(i64::from(status as i32))).ok_or_else(
                    || format!("invalid expression: invalid ExecutionStatus value '{text}'"),
                )
            }
            Field::StartTime | Field::CloseTime => time(text)
                .map(Value::Number)
                .ok_or_else(|| format!("invalid expression: unable to parse datetime '{text}'")),
        }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.tokens.split_first() {
            Some((Token::Word(name) | Token::Name(name), rest)) => {
                self.tokens = rest;
                Ok(name.clone())
            }
            other => Err(unexpected(other.map(|(token, _)| token))),
        }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.tokens.first(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word))
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.tokens = &self.tokens[usize::from(found)..];
        found
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.tokens.first(), Some(Token::Symbol(found)) if *found == symbol);
        self.tokens = &self.tokens[usize::from(found)..];
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), String> {
        if self.symbol(symbol) { Ok(()) } else { Err(unexpected(self.tokens.first())) }
    }
}

fn unexpected(token: Option<&Token>) -> String {
    let at = match token {
        None => "the end".to_owned(),
        Some(Token::Word(text) | Token::Name(text) | Token::Text(text)) => format!("'{text}'"),
        Some(Token::Symbol(symbol)) => format!("'{symbol}'"),
    };
    format!("malformed SQL query: syntax error at {at}")
}

fn field(name: &str) -> Option<Field> {
    Some(match name {
        "WorkflowId" => Field::WorkflowId,
        "WorkflowType" => Field::WorkflowType,
        "RunId" => Field::RunId,
        "TaskQueue" => Field::TaskQueue,
        "ExecutionStatus" => Field::ExecutionStatus,
        "StartTime" => Field::StartTime,
        "CloseTime" => Field::CloseTime,
        _ => return None,
    })
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

/// The name of a status in queries and groups.
pub(crate) fn status_name(status: i32) -> &'static str {
    STATUSES.iter().find(|(known, _)| i32::from(*known) == status).map_or("", |(_, name)| name)
}

fn status(text: &str) -> Option<Status> {
    let by_name = STATUSES.iter().find(|(_, name)| *name == text).map(|(status, _)| *status);
    by_name.or_else(|| Status::try_from(text.parse::<i32>().ok()?).ok())
}

/// Nanoseconds since 1970 of a time as RFC 3339 writes it, or of such a number.
fn time(text: &str) -> Option<i64> {
    if let Ok(nanos) = text.parse::<i64>() {
        return Some(nanos);
    }
    let at: prost_wkt_types::Timestamp = text.parse().ok()?;
    at.seconds.checked_mul(1_000_000_000)?.checked_add(at.nanos.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> Option<Filter> {
        parse(text).ok().map(|query| query.filter)
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
            ("Bogus = 1", "column name 'Bogus' is not a valid search attribute"),
            ("WorkflowId =", "syntax error at the end"),
            ("WorkflowId = 'a' 'b'", "syntax error at 'b'"),
            ("WorkflowId = 'a", "a string has no end"),
            ("ExecutionStatus='Nope'", "invalid ExecutionStatus value 'Nope'"),
            ("StartTime < 'x'", "unable to parse datetime 'x'"),
            ("WorkflowId = 'a' ORDER BY StartTime", "'order by' clause"),
            ("GROUP BY WorkflowType", "'group by' clause"),
        ] {
            let message = parse(text).err().map(|status| status.message).unwrap_or_default();
            assert!(message.contains(expected), "{text}: {message}");
        }
        assert!(parse(&"(".repeat(100_000)).is_err());
    }
}
