//! From the words of a query to what it asks.

use crate::ids::RunKind;
use crate::visibility::attributes;
use crate::visibility::attributes::Kind;
use crate::visibility::filter::tokens::Token;
use crate::visibility::filter::{
    Field, Filter, Kinds, Operator, Query, Value, field, status, time,
};

/// Words and signs of a query at most: what is longer is too deep for SQLite.
pub(super) const LENGTH: usize = 1500;

/// The depth of parentheses, at most.
const DEPTH: usize = 64;

pub(super) struct Parser<'a> {
    pub(super) tokens: &'a [Token],
    /// The kind of runs in question.
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
            if !by_status {
                return Err(unexpected(self.tokens.first()));
            }
            let name = self.name()?;
            if self.field(&name)? != Field::ExecutionStatus {
                return Err(format!(
                    "operation is not supported: 'GROUP BY' clause is not supported for search attribute \
                     {name}"
                ));
            }
        }
        if self.is_word("ORDER") {
            return Err("operation is not supported: 'ORDER BY' clause".into());
        }
        if self.is_word("LIMIT") {
            return Err("operation is not supported: 'LIMIT' clause".into());
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
        match &self.field(&name)? {
            Field::Attribute(name, kind @ (Kind::Text | Kind::KeywordList)) => {
                self.several(name, *kind)
            }
            field => self.condition(field),
        }
    }

    fn field(&self, name: &str) -> Result<Field, String> {
        let attribute = || Some(Field::Attribute(name.to_owned(), (self.kinds)(name)?));
        field(self.of, name)
            .or_else(attribute)
            .ok_or_else(|| format!("invalid search attribute: {name}"))
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
        if listed {
            self.expect("(")?;
        }
        let mut values = Vec::new();
        loop {
            let text = self.text(&field)?;
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
        let compared = matches!(operator.as_str(), "=" | "!=" | "<>") && !not;
        if !compared && (is_text || !listed) {
            return Err(format!(
                "operation is not supported: operator '{}{}' not supported for {} type search attribute \
                 '{name}'",
                if not { "NOT " } else { "" },
                operator.to_uppercase(),
                attributes::kind_name(kind),
            ));
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

    /// A value as it is written, and whether it is in quotes.
    fn literal(&mut self) -> Result<(String, bool), String> {
        let found = match self.tokens.first() {
            Some(Token::Text(text)) => (text.clone(), true),
            Some(Token::Word(text)) if is_bare_value(text) => (text.clone(), false),
            Some(Token::Word(text) | Token::Name(text)) => {
                return Err(format!(
                    "operation is not supported: column name on the right side of comparison expression \
                     (did you forget to quote {text:?}?)"
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
            let kind = field.kind();
            let value = self.value(field)?;
            if kind != Kind::Keyword {
                return Err(format!(
                    "operation is not supported: operator 'STARTS_WITH' not supported for {} type search \
                     attribute '{}'",
                    attributes::kind_name(kind),
                    field.name(self.of),
                ));
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

    /// A value of the kind that the field has.
    fn value(&mut self, field: &Field) -> Result<Value, String> {
        match field {
            Field::ExecutionStatus => {
                let (text, quoted) = self.literal()?;
                let sign = if quoted { "'" } else { "" };
                let found = status(self.of, &text).map(|status| Value::Number(i64::from(status)));
                return found.ok_or_else(|| {
                    format!("invalid expression: invalid ExecutionStatus value {sign}{text}{sign}")
                });
            }
            Field::RunId => {
                let id = uuid::Uuid::try_parse(&self.text(field)?);
                return Ok(Value::Bytes(id.map(|id| id.as_bytes().to_vec()).unwrap_or_default()));
            }
            _ => {}
        }
        if !matches!(field.kind(), Kind::Int | Kind::Double | Kind::Bool | Kind::Datetime) {
            return self.text(field).map(Value::Text);
        }
        let (text, quoted) = self.literal()?;
        match (field.kind(), literal(&text, quoted)) {
            (Kind::Int | Kind::Double, Literal::Whole(number)) => Ok(Value::Number(number)),
            (Kind::Int | Kind::Double, Literal::Real(number)) => Ok(Value::Real(number)),
            (Kind::Bool, Literal::Bool(value)) => Ok(Value::Number(value.into())),
            (Kind::Datetime, Literal::Whole(nanos)) => Ok(Value::Number(nanos)),
            (Kind::Datetime, Literal::Text) => time(&text)
                .map(Value::Number)
                .ok_or_else(|| format!("invalid expression: unable to parse datetime '{text}'")),
            (_, literal) => Err(of_other_kind(self.of, field, &text, &literal)),
        }
    }

    /// A value that is in quotes, as those of all kinds of text are.
    fn text(&mut self, field: &Field) -> Result<String, String> {
        let (text, quoted) = self.literal()?;
        match literal(&text, quoted) {
            Literal::Text if field.kind() == Kind::Text && text.trim().is_empty() => Err(format!(
                "invalid expression: no tokens found filtering on Text type search attribute {}",
                field.name(self.of)
            )),
            Literal::Text => Ok(text),
            other => Err(of_other_kind(self.of, field, &text, &other)),
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

/// Tell whether a word without quotes is a value, not a name.
fn is_bare_value(word: &str) -> bool {
    word.parse::<f64>().is_ok() || matches!(word.to_lowercase().as_str(), "true" | "false")
}

/// A value, by the way it is written.
enum Literal {
    Text,
    Whole(i64),
    Real(f64),
    Bool(bool),
}

fn literal(text: &str, quoted: bool) -> Literal {
    if quoted {
        return Literal::Text;
    }
    match (text.parse(), text.parse()) {
        (Ok(number), _) => Literal::Whole(number),
        (_, Ok(number)) => Literal::Real(number),
        _ => Literal::Bool(text.eq_ignore_ascii_case("true")),
    }
}

/// As the server says it, with Go's names of types.
fn of_other_kind(of: RunKind, field: &Field, text: &str, literal: &Literal) -> String {
    let shown = match literal {
        Literal::Text => format!("{text:?} (type: string)"),
        Literal::Whole(number) => format!("{number} (type: int64)"),
        Literal::Real(number) => format!("{number} (type: float64)"),
        Literal::Bool(value) => format!("{value} (type: bool)"),
    };
    format!(
        "invalid expression: invalid value type for search attribute {} of type {}: {shown}",
        field.name(of),
        attributes::kind_name(field.kind())
    )
}

fn unexpected(token: Option<&Token>) -> String {
    let at = match token {
        None => "the end".to_owned(),
        Some(Token::Word(text) | Token::Name(text) | Token::Text(text)) => format!("'{text}'"),
        Some(Token::Symbol(symbol)) => format!("'{symbol}'"),
    };
    format!("malformed SQL query: syntax error at {at}")
}
