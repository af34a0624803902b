//! Search attributes: which there are in a namespace, what they hold, and how they are found.

use std::collections::HashMap;

use serde_json::Value as Json;

use crate::proto::common::{Payload, SearchAttributes};
pub(crate) use crate::proto::enums::IndexedValueType as Kind;
use crate::visibility::filter::{Value, time};

/// The search attributes that a namespace declares, by name, with the number of their kind.
pub(crate) type Declared = HashMap<String, i32>;

/// Attributes that the engine computes. No caller sets them.
const OWN: [(&str, Kind); 15] = [
    ("CloseTime", Kind::Datetime),
    ("ExecutionDuration", Kind::Int),
    ("ExecutionStatus", Kind::Keyword),
    ("ExecutionTime", Kind::Datetime),
    ("HistoryLength", Kind::Int),
    ("HistorySizeBytes", Kind::Int),
    ("ParentRunId", Kind::Keyword),
    ("ParentWorkflowId", Kind::Keyword),
    ("RootRunId", Kind::Keyword),
    ("RootWorkflowId", Kind::Keyword),
    ("RunId", Kind::Keyword),
    ("StartTime", Kind::Datetime),
    ("StateTransitionCount", Kind::Int),
    ("TaskQueue", Kind::Keyword),
    ("WorkflowId", Kind::Keyword),
];

/// The rest of them.
const OWN_TOO: [(&str, Kind); 4] = [
    ("TemporalWorkerDeployment", Kind::Keyword),
    ("TemporalWorkerDeploymentVersion", Kind::Keyword),
    ("TemporalWorkflowVersioningBehavior", Kind::Keyword),
    ("WorkflowType", Kind::Keyword),
];

/// Known everywhere, and set by workers and tools.
const PREDEFINED: [(&str, Kind); 14] = [
    ("BatcherNamespace", Kind::Keyword),
    ("BatcherUser", Kind::Keyword),
    ("BinaryChecksums", Kind::KeywordList),
    ("BuildIds", Kind::KeywordList),
    ("TemporalChangeVersion", Kind::KeywordList),
    ("TemporalExternalPayloadCount", Kind::Int),
    ("TemporalExternalPayloadSizeBytes", Kind::Int),
    ("TemporalNamespaceDivision", Kind::Keyword),
    ("TemporalPauseInfo", Kind::KeywordList),
    ("TemporalReportedProblems", Kind::KeywordList),
    ("TemporalScheduledById", Kind::Keyword),
    ("TemporalSchedulePaused", Kind::Bool),
    ("TemporalScheduledStartTime", Kind::Datetime),
    ("TemporalUsedWorkerDeploymentVersions", Kind::KeywordList),
];

fn find(name: &str, known: &[(&str, Kind)]) -> Option<Kind> {
    known.iter().find(|(other, _)| *other == name).map(|(_, kind)| *kind)
}

fn is_own(name: &str) -> bool {
    find(name, &OWN).or_else(|| find(name, &OWN_TOO)).is_some()
}

/// Tell whether nobody can declare an attribute of that name.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.starts_with("Temporal") || is_system(name)
}

/// Tell whether there is an attribute of that name without being declared.
pub(crate) fn is_system(name: &str) -> bool {
    is_own(name) || find(name, &PREDEFINED).is_some()
}

/// Those that are there without being declared.
pub(crate) fn system() -> HashMap<String, i32> {
    let all = OWN.iter().chain(&OWN_TOO).chain(&PREDEFINED);
    all.map(|(name, kind)| ((*name).to_owned(), (*kind).into())).collect()
}

/// Look up the kind of an attribute; `None`: it is not declared.
pub(crate) fn kind(declared: &Declared, name: &str) -> Option<Kind> {
    let declared = declared.get(name);
    declared.and_then(|kind| Kind::try_from(*kind).ok()).or_else(|| find(name, &PREDEFINED))
}

/// Name a kind, for payloads and messages.
pub(crate) const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Unspecified => "Unspecified",
        Kind::Text => "Text",
        Kind::Keyword => "Keyword",
        Kind::Int => "Int",
        Kind::Double => "Double",
        Kind::Bool => "Bool",
        Kind::Datetime => "Datetime",
        Kind::KeywordList => "KeywordList",
    }
}

/// Refuse attributes that the namespace does not have, and values that are not of their kind. Payloads
/// that don't say their kind are told.
pub(crate) fn check(
    namespace: &str,
    declared: &Declared,
    attributes: Option<&mut SearchAttributes>,
) -> Result<(), String> {
    let Some(attributes) = attributes else { return Ok(()) };
    let mut fields: Vec<_> = attributes.indexed_fields.iter_mut().collect();
    fields.sort_by(|a, b| a.0.cmp(b.0));
    for (name, _) in &fields {
        if !is_own(name) && kind(declared, name).is_none() {
            return Err(format!(
                "Namespace {namespace} has no mapping defined for search attribute {name}"
            ));
        }
    }
    for (name, payload) in fields {
        let Some(kind) = kind(declared, name).filter(|_| !is_own(name)) else {
            return Err(format!("{name} attribute can't be set in SearchAttributes"));
        };
        if let Some(value) = decode(payload)
            && !fits(kind, &value)
        {
            let (kind, value) = (kind_name(kind), shown(&value));
            return Err(format!(
                "invalid value for search attribute {name} of type {kind}: {value}"
            ));
        }
        payload.metadata.insert("type".to_owned(), kind_name(kind).as_bytes().to_vec());
    }
    Ok(())
}

/// Have attributes say their kind that were not told, since an older version wrote them.
pub(crate) fn tell_kinds(declared: &Declared, attributes: &mut SearchAttributes) {
    for (name, payload) in &mut attributes.indexed_fields {
        if let Some(kind) = kind(declared, name) {
            let told = || kind_name(kind).as_bytes().to_vec();
            payload.metadata.entry("type".to_owned()).or_insert_with(told);
        }
    }
}

/// `None`: the attribute has no value.
fn decode(payload: &Payload) -> Option<Json> {
    if payload.data.is_empty() {
        return None;
    }
    let text = || Json::String(String::from_utf8_lossy(&payload.data).into_owned());
    let value = serde_json::from_slice(&payload.data).unwrap_or_else(|_| text());
    Some(value).filter(|value| !value.is_null())
}

fn fits(kind: Kind, value: &Json) -> bool {
    match (kind, value) {
        (Kind::KeywordList, Json::Array(values)) => values.iter().all(Json::is_string),
        (Kind::KeywordList, _) => false,
        (_, Json::Array(values)) => {
            values.iter().all(|value| !value.is_array() && fits(kind, value))
        }
        (Kind::Text | Kind::Keyword, value) => value.is_string(),
        (Kind::Int, value) => value.is_i64(),
        (Kind::Double, value) => value.is_number(),
        (Kind::Bool, value) => value.is_boolean(),
        (Kind::Datetime, Json::String(text)) => {
            text.parse::<i64>().is_err() && time(text).is_some()
        }
        _ => false,
    }
}

fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(values) => {
            format!("[{}]", values.iter().map(shown).collect::<Vec<_>>().join(" "))
        }
        other => other.to_string(),
    }
}

/// List the rows that runs are found by: names and values, several of a list, and of a text its words.
pub(crate) fn rows(attributes: &SearchAttributes) -> Vec<(String, Value)> {
    let mut rows = Vec::new();
    for (name, payload) in &attributes.indexed_fields {
        let kind = payload.metadata.get("type").map(Vec::as_slice).unwrap_or_default();
        let values = match decode(payload) {
            Some(Json::Array(values)) => values,
            value => value.into_iter().collect(),
        };
        for value in values {
            match &value {
                Json::String(text) if kind == b"Text" => {
                    rows.extend(words(text).map(|word| (name.clone(), Value::Text(word))));
                }
                Json::String(text) if kind == b"Datetime" => {
                    rows.extend(time(text).map(|at| (name.clone(), Value::Number(at))));
                }
                other => rows.extend(scalar(other).map(|value| (name.clone(), value))),
            }
        }
    }
    rows
}

fn scalar(value: &Json) -> Option<Value> {
    Some(match value {
        Json::String(text) => Value::Text(text.clone()),
        Json::Bool(yes) => Value::Number(i64::from(*yes)),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Number(number),
            None => Value::Real(number.as_f64()?),
        },
        _ => return None,
    })
}

/// The words that a text is found by.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}
