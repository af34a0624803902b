//! Where to look for what passes a filter, so that it takes as long as there is of it.

use crate::visibility::attributes::Kind;
use crate::visibility::filter::{Field, Filter, Operator, Value};

/// So many places to look at at most; with more, everything is looked at.
const MOST: usize = 100;

/// A search attribute and its value, by which runs are looked up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) value: Wanted,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wanted {
    OneOf(Vec<Value>),
    /// As with [`Operator`].
    Compared(Operator, Value),
    Any,
}

impl Source {
    fn new(name: &str, value: Wanted) -> Self {
        Self { name: name.to_owned(), value }
    }

    /// The value, if there is only one.
    pub(crate) fn exact(&self) -> Option<&Value> {
        match &self.value {
            Wanted::OneOf(values) if values.len() == 1 => values.first(),
            _ => None,
        }
    }
}

impl Filter {
    /// Whatever passes the filter has one of these, and what has one may pass. `None`: that can't be
    /// said, or there are other ways to find it.
    pub(crate) fn sources(&self) -> Option<Vec<Source>> {
        if self.names_a_workflow() {
            return None;
        }
        let sources = self.alternatives()?;
        Some(sources).filter(|sources| sources.len() <= MOST)
    }

    /// Tell whether it asks for a search attribute.
    pub(crate) fn has_attributes(&self) -> bool {
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                left.has_attributes() || right.has_attributes()
            }
            Self::Not(inner) => inner.has_attributes(),
            Self::Is(field, ..) | Self::IsNull(field) => matches!(field, Field::Attribute(..)),
            Self::HasAny(..) => true,
            Self::Any => false,
        }
    }

    /// Few runs have the same id, and they are found by it.
    fn names_a_workflow(&self) -> bool {
        match self {
            Self::And(left, right) => left.names_a_workflow() || right.names_a_workflow(),
            Self::Is(Field::WorkflowId | Field::RunId, Operator::Equal, _) => true,
            _ => false,
        }
    }

    fn alternatives(&self) -> Option<Vec<Source>> {
        match self {
            Self::And(left, right) => better(left.alternatives(), right.alternatives()),
            Self::Or(left, right) => {
                let mut all = left.alternatives()?;
                for source in right.alternatives()? {
                    add(&mut all, source);
                }
                Some(all)
            }
            Self::HasAny(name, values) => {
                Some(vec![Source::new(name, Wanted::OneOf(values.clone()))])
            }
            Self::Is(Field::Attribute(name, kind), operator, value) => {
                let value = match operator {
                    Operator::Equal => Wanted::OneOf(vec![value.clone()]),
                    Operator::NotEqual => Wanted::Any,
                    // The beginning of a number is its text's.
                    Operator::StartsWith if *kind != Kind::Keyword => Wanted::Any,
                    operator => Wanted::Compared(*operator, value.clone()),
                };
                Some(vec![Source::new(name, value)])
            }
            Self::Not(inner) => match inner.as_ref() {
                Self::IsNull(Field::Attribute(name, _)) => {
                    Some(vec![Source::new(name, Wanted::Any)])
                }
                _ => None,
            },
            Self::Is(..) | Self::IsNull(_) | Self::Any => None,
        }
    }
}

/// Of two ways to look, the one by which less is found, probably.
fn better(left: Option<Vec<Source>>, right: Option<Vec<Source>>) -> Option<Vec<Source>> {
    let rank = |sources: &Vec<Source>| match sources.as_slice() {
        [source] if source.exact().is_some() => 0,
        sources if sources.iter().all(|source| matches!(source.value, Wanted::OneOf(_))) => 1,
        sources if sources.iter().all(|source| source.value != Wanted::Any) => 2,
        _ => 3,
    };
    left.into_iter().chain(right).min_by_key(rank)
}

/// Values of one attribute go together.
fn add(all: &mut Vec<Source>, source: Source) {
    if let Wanted::OneOf(more) = &source.value {
        for other in all.iter_mut().filter(|other| other.name == source.name) {
            if let Wanted::OneOf(values) = &mut other.value {
                values.extend(more.iter().cloned());
                return;
            }
        }
    }
    all.push(source);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::RunKind;

    fn sources(text: &str) -> Option<Vec<Source>> {
        let kinds = |name: &str| match name {
            "Color" | "Shape" => Some(Kind::Keyword),
            "Size" => Some(Kind::Int),
            "Tags" => Some(Kind::KeywordList),
            _ => None,
        };
        super::super::parse(text, RunKind::Workflow, &kinds).ok()?.filter.sources()
    }

    fn one_of(name: &str, values: &[&str]) -> Source {
        let values = values.iter().map(|value| Value::Text((*value).to_owned()));
        Source::new(name, Wanted::OneOf(values.collect()))
    }

    #[test]
    fn of_two_conditions_the_narrower_one_is_looked_up() {
        let red = Some(vec![one_of("Color", &["red"])]);
        for text in [
            "Color = 'red'",
            "ExecutionStatus = 'Running' AND Color = 'red'",
            "Size > 5 AND Color = 'red' AND NOT Shape = 'round'",
            "Tags IN ('a', 'b') AND Color = 'red'",
        ] {
            assert_eq!(sources(text), red, "{text}");
        }
        let large = Wanted::Compared(Operator::Greater, Value::Number(5));
        assert_eq!(sources("Color != 'red' AND Size > 5"), Some(vec![Source::new("Size", large)]));
    }

    #[test]
    fn values_of_one_attribute_are_looked_up_together() {
        let colors = Some(vec![one_of("Color", &["red", "green", "blue"])]);
        assert_eq!(sources("Color IN ('red', 'green') OR Color = 'blue'"), colors);
        let either = Some(vec![one_of("Color", &["red"]), one_of("Tags", &["a"])]);
        assert_eq!(sources("Color = 'red' OR Tags = 'a'"), either);
    }

    #[test]
    fn what_lacks_an_attribute_or_is_found_otherwise_is_not_looked_up_by_it() {
        for text in [
            "",
            "Color IS NULL",
            "NOT Color = 'red'",
            "Color = 'red' OR WorkflowType = 'Order'",
            "Color = 'red' AND WorkflowId = 'w'",
        ] {
            assert_eq!(sources(text), None, "{text}");
        }
    }
}
