//! From the words of a query to what it asks.

use super::tokens::Token;
use super::{Field, Filter, Kinds, Operator, Query, Value, field, status, time};
use crate::attributes::{self, Kind};
use crate::store::RunKind;

/// Words and signs of a query at most: what is longer is too deep for SQLite.
pub(super) const LENGTH: usize = 1500;
/// How deep parentheses may go.
const DEPTH: usize = 64;

pub(super) struct Parser<'a> {
    pub(super) tokens: &'a [Token],
    /// What is asked about.
    pub(super) of: RunKind,
    pub(super) kinds: Kinds<'a>,
}

impl Parser<'_> {
    pub(super) fn query(&mut self) -> Result<Query, String> {
        let starts_bare = ["GROUP", "ORDER", "LIMIT"].iter().any(|word| self.is_word(word));
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
        if self.is_word("LIMIT") {
            return Err("operation is not supported: 'limit' clause".into());
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
        let attribute = || Some(Field::Attribute(name.clone(), (self.kinds)(&name)?));
        let field = field(self.of, &name).or_else(attribute).ok_or_else(|| {
            format!("invalid expression: column name '{name}' is not a valid search attribute")
        })?;
        match &field {
            Field::Attribute(name, kind @ (Kind::Text | Kind::KeywordList)) => {
                self.several(name, *kind)
            }
            field => self.condition(field),
        }
    }

    /// A condition on a search attribute that has several values.
    fn several(&mut self, name: &str, kind: Kind) -> Result<Filter, String> {
        let field = Field::Attribute(name.to_owned(), kind);
        if self.is_word("IS") {
            return self.condition(&field);
        }
        let is_text = kind == Kind::Text;
        let not = self.word("NOT");
        let operator = self.operator()?;
        let listed = operator == "in";
        let compared = matches!(operator.as_str(), "=" | "!=" | "<>") && !not;
        if !compared && (is_text || !listed) {
            let operand = self.operand(&operator)?;
            return Err(format!(
                "invalid expression: operator '{}{operator}' not supported for {} type search attribute \
                 in `{name} {}{operator} {operand}`",
                if not { "not " } else { "" },
                attributes::kind_name(kind),
                if not { "not " } else { "" },
            ));
        }
        let mut values = Vec::new();
        if listed {
            self.expect("(")?;
        }
        loop {
            let (text, _) = self.literal()?;
            if is_text {
                values.extend(attributes::words(&text).map(Value::Text));
            } else {
                values.push(Value::Text(text));
            }
            if !(listed && self.symbol(",")) {
                break;
            }
        }
        if listed {
            self.expect(")")?;
        }
        let filter = Filter::HasAny(name.to_owned(), values);
        let without = not || matches!(operator.as_str(), "!=" | "<>");
        Ok(if without { Filter::Not(Box::new(filter)) } else { filter })
    }

    /// The next operator, as it is written.
    fn operator(&mut self) -> Result<String, String> {
        match self.tokens.split_first() {
            Some((Token::Symbol(symbol), rest)) if !matches!(*symbol, "(" | ")" | ",") => {
                self.tokens = rest;
                Ok((*symbol).to_owned())
            }
            Some((Token::Word(word), rest)) => {
                self.tokens = rest;
                Ok(word.to_lowercase())
            }
            other => Err(unexpected(other.map(|(token, _)| token))),
        }
    }

    /// What an operator that is not to be had is used with, for its refusal.
    fn operand(&mut self, operator: &str) -> Result<String, String> {
        let mut shown = Vec::new();
        let listed = operator == "in" && self.symbol("(");
        loop {
            let (text, quoted) = self.literal()?;
            shown.push(if quoted { format!("'{text}'") } else { text });
            if !(listed && self.symbol(",")) {
                break;
            }
        }
        let shown = shown.join(", ");
        Ok(if listed { format!("({shown})") } else { shown })
    }

    /// A value as it is written, and whether it is in quotes.
    fn literal(&mut self) -> Result<(String, bool), String> {
        let found = match self.tokens.first() {
            Some(Token::Text(text)) => (text.clone(), true),
            Some(Token::Word(text)) if is_bare_value(text) => (text.clone(), false),
            Some(Token::Word(text) | Token::Name(text)) => {
                return Err(format!(
                    "operation is not supported: column name on the right side of comparison expression \
                     (did you forget to quote '{text}'?)"
                ));
            }
            other => return Err(unexpected(other)),
        };
        self.tokens = &self.tokens[1..];
        Ok(found)
    }

    fn condition(&mut self, field: &Field) -> Result<Filter, String> {
        use Operator as O;
        if self.word("IS") {
            let not = self.word("NOT");
            if !self.word("NULL") {
                return Err(unexpected(self.tokens.first()));
            }
            let filter = Filter::IsNull(field.clone());
            return Ok(if not { Filter::Not(Box::new(filter)) } else { filter });
        }
        let not = self.word("NOT");
        let filter = if self.word("IN") {
            self.list(field)?
        } else if self.word("BETWEEN") {
            let from = Filter::Is(field.clone(), O::GreaterOrEqual, self.value(field)?);
            if !self.word("AND") {
                return Err(unexpected(self.tokens.first()));
            }
            let to = Filter::Is(field.clone(), O::LessOrEqual, self.value(field)?);
            Filter::And(Box::new(from), Box::new(to))
        } else if self.word("STARTS_WITH") {
            let value = match field {
                Field::Attribute(..) => Value::Text(self.literal()?.0),
                field => self.value(field)?,
            };
            if !matches!(value, Value::Text(_)) {
                return Err(format!("operator 'starts_with' not supported for {field:?}"));
            }
            Filter::Is(field.clone(), O::StartsWith, value)
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
                Some(Token::Word(word)) => {
                    let operator = word.to_lowercase();
                    return Err(format!("invalid expression: invalid operator '{operator}'"));
                }
                None => return Err("invalid expression: incomplete expression".into()),
                other => return Err(unexpected(other)),
            };
            self.tokens = &self.tokens[1..];
            Filter::Is(field.clone(), operator, self.value(field)?)
        };
        Ok(if not { Filter::Not(Box::new(filter)) } else { filter })
    }

    fn list(&mut self, field: &Field) -> Result<Filter, String> {
        self.expect("(")?;
        let mut filter = Filter::Is(field.clone(), Operator::Equal, self.value(field)?);
        while self.symbol(",") {
            let other = Filter::Is(field.clone(), Operator::Equal, self.value(field)?);
            filter = Filter::Or(Box::new(filter), Box::new(other));
        }
        self.expect(")")?;
        Ok(filter)
    }

    fn value(&mut self, field: &Field) -> Result<Value, String> {
        let (text, quoted) = self.literal()?;
        match field {
            Field::RunId => {
                let id = uuid::Uuid::try_parse(&text);
                Ok(Value::Bytes(id.map(|id| id.as_bytes().to_vec()).unwrap_or_default()))
            }
            Field::ExecutionStatus => {
                status(self.of, &text).map(|status| Value::Number(i64::from(status))).ok_or_else(
                    || format!("invalid expression: invalid ExecutionStatus value '{text}'"),
                )
            }
            Field::StartTime | Field::CloseTime | Field::Attribute(_, Kind::Datetime) => {
                time(&text)
                    .map(Value::Number)
                    .ok_or_else(|| format!("invalid expression: unable to parse datetime '{text}'"))
            }
            Field::Attribute(_, Kind::Int | Kind::Double) => Ok(number(text)),
            Field::Attribute(..) if !quoted => Ok(match text.to_lowercase().as_str() {
                "true" => Value::Number(1),
                "false" => Value::Number(0),
                _ => number(text),
            }),
            Field::WorkflowId | Field::WorkflowType | Field::TaskQueue | Field::Attribute(..) => {
                Ok(Value::Text(text))
            }
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

/// Whether a word without quotes is a value, not a name.
fn is_bare_value(word: &str) -> bool {
    word.parse::<f64>().is_ok() || matches!(word.to_lowercase().as_str(), "true" | "false")
}

fn number(text: String) -> Value {
    match (text.parse(), text.parse()) {
        (Ok(number), _) => Value::Number(number),
        (_, Ok(number)) => Value::Real(number),
        _ => Value::Text(text),
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
