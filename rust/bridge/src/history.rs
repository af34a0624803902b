//! `History`: the events of one run, in order, and their two forms on paper.
//!
//! The JSON is protobuf's, as Temporal's CLI and UI write it. Reading takes enum values by their
//! full name and by the short one of older files: the text is brought to the first form, guided by
//! the descriptors, before protobuf's reader sees it.

use std::sync::Arc;

use prost::Message;
use prost_reflect::{
    DeserializeOptions, DynamicMessage, FieldDescriptor, Kind as FieldKind, MessageDescriptor,
};
use pyo3::{
    prelude::*,
    types::{PyBytes, PyList},
};
use serde_json::Value as Json;
use temporalio_protos::temporal::api::history::v1::{History as Proto, history_event::Attributes};

use crate::{
    error::{Failure, Kind, Outcome},
    message,
};

const HISTORY: &str = "temporal.api.history.v1.History";

/// The events of one run.
#[pyclass(frozen, skip_from_py_object, module = "hourglass._bridge")]
#[derive(Clone)]
pub(crate) struct History {
    workflow_id: String,
    run_id: String,
    proto: Arc<Proto>,
}

fn malformed(workflow_id: &str, why: impl std::fmt::Display) -> Failure {
    let why = format!("the history of {workflow_id:?} is malformed: {why}");
    Failure::new(Kind::History, why)
}

impl History {
    pub(crate) fn from_run(workflow_id: String, run_id: String, proto: Proto) -> Self {
        Self { workflow_id, run_id, proto: Arc::new(proto) }
    }

    pub(crate) fn proto(&self) -> &Proto {
        &self.proto
    }

    /// A history that starts with a run and counts its events from one, without a gap.
    fn checked(workflow_id: String, run_id: String, proto: Proto) -> Outcome<Self> {
        let Some(first) = proto.events.first() else {
            return Err(malformed(&workflow_id, "it has no events"));
        };
        let Some(Attributes::WorkflowExecutionStartedEventAttributes(start)) = &first.attributes
        else {
            let why = "its first event is not WorkflowExecutionStarted";
            return Err(malformed(&workflow_id, why));
        };
        let run_id = match run_id.as_str() {
            "" => start.original_execution_run_id.clone(),
            _ => run_id,
        };
        for (expected, event) in (1_i64..).zip(&proto.events) {
            if event.event_id != expected {
                let found = event.event_id;
                let why = format!("event {expected} has the id {found}");
                return Err(malformed(&workflow_id, why));
            }
            // JSON with a name that this version does not know reads as the type 0.
            let known = event.event_type != 0 && event.attributes.is_some();
            if !known && !event.worker_may_ignore {
                let why = format!("event {expected} says nothing that this version knows");
                return Err(malformed(&workflow_id, why));
            }
        }
        Ok(Self::from_run(workflow_id, run_id, proto))
    }
}

#[pymethods]
impl History {
    #[new]
    #[pyo3(signature = (workflow_id, data, run_id = String::new()))]
    fn new(workflow_id: String, data: &[u8], run_id: String) -> PyResult<Self> {
        let proto = Proto::decode(data).map_err(|error| malformed(&workflow_id, error))?;
        Ok(Self::checked(workflow_id, run_id, proto)?)
    }

    #[getter]
    pub(crate) fn workflow_id(&self) -> &str {
        &self.workflow_id
    }

    #[getter]
    fn run_id(&self) -> &str {
        &self.run_id
    }

    fn __len__(&self) -> usize {
        self.proto.events.len()
    }

    fn events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for event in &self.proto.events {
            list.append(message::typed_to_wire(py, event)?)?;
        }
        Ok(list)
    }

    fn to_json(&self) -> PyResult<String> {
        let descriptor = message::descriptor(HISTORY)?;
        let mut dynamic = DynamicMessage::new(descriptor);
        dynamic
            .transcode_from(self.proto.as_ref())
            .map_err(|error| Failure::internal(format!("{HISTORY}: {error}")))?;
        let text = serde_json::to_string(&dynamic)
            .map_err(|error| Failure::internal(format!("{HISTORY}: {error}")))?;
        Ok(text)
    }

    #[staticmethod]
    fn from_json(workflow_id: String, text: &str) -> PyResult<Self> {
        let descriptor = message::descriptor(HISTORY)?;
        let mut json: Json =
            serde_json::from_str(text).map_err(|error| malformed(&workflow_id, error))?;
        name_enums_in_full(&descriptor, &mut json);
        // A newer server's events have fields that this version does not know.
        let options = DeserializeOptions::new().deny_unknown_fields(false);
        let dynamic = DynamicMessage::deserialize_with_options(descriptor, json, &options)
            .map_err(|error| malformed(&workflow_id, error))?;
        let proto: Proto =
            dynamic.transcode_to().map_err(|error| malformed(&workflow_id, error))?;
        Ok(Self::checked(workflow_id, String::new(), proto)?)
    }

    #[pyo3(name = "SerializeToString")]
    fn serialize<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.proto.encode_to_vec())
    }

    fn __repr__(&self) -> String {
        let (id, run, count) = (&self.workflow_id, &self.run_id, self.proto.events.len());
        format!("History({id:?}, run_id={run:?}, {count} events)")
    }
}

/// Replace the short names of enum values by the full ones, everywhere in a message.
fn name_enums_in_full(descriptor: &MessageDescriptor, json: &mut Json) {
    let Json::Object(fields) = json else {
        return;
    };
    for (name, value) in fields {
        let field =
            descriptor.get_field_by_json_name(name).or_else(|| descriptor.get_field_by_name(name));
        if let Some(field) = field {
            in_field(&field, value);
        }
    }
}

fn in_field(field: &FieldDescriptor, value: &mut Json) {
    let kind = field.kind();
    match value {
        Json::Array(items) if field.is_list() => {
            for item in items {
                in_value(&kind, item);
            }
        }
        Json::Object(entries) if field.is_map() => {
            if let FieldKind::Message(entry) = &kind {
                let kind = entry.map_entry_value_field().kind();
                for item in entries.values_mut() {
                    in_value(&kind, item);
                }
            }
        }
        _ => in_value(&kind, value),
    }
}

fn in_value(kind: &FieldKind, value: &mut Json) {
    match (kind, &mut *value) {
        (FieldKind::Message(inner), Json::Object(_)) => name_enums_in_full(inner, value),
        (FieldKind::Enum(names), Json::String(name)) => {
            if let Some(full) = message::full_enum_name(names, name) {
                *name = full;
            }
        }
        _ => {}
    }
}
