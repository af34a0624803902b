//! Messages as Python values.

use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage, Value};
use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyBytes, PyDict, PyList, PyString},
};

use super::{PAYLOAD, pool};
use crate::{error::Failure, payload::Payload, seconds};

/// A message as a Python value: a `dict`, or the plain type the stub's table gives it.
pub(crate) fn to_wire(py: Python<'_>, message: &DynamicMessage) -> PyResult<Py<PyAny>> {
    let descriptor = message.descriptor();
    match descriptor.full_name() {
        PAYLOAD => Ok(Py::new(py, Payload(transcode(message)?))?.into_any()),
        "google.protobuf.Duration" => {
            let duration: prost_wkt_types::Duration = transcode(message)?;
            Ok(seconds::to_timedelta(py, &duration)?.unbind())
        }
        "google.protobuf.Timestamp" => {
            let timestamp: prost_wkt_types::Timestamp = transcode(message)?;
            Ok(seconds::to_datetime(py, &timestamp)?.unbind())
        }
        "google.protobuf.Any" => any_to_wire(py, &transcode(message)?),
        _ => Ok(fields_to_dict(py, message)?.into_any().unbind()),
    }
}

fn transcode<M: Message + Default>(message: &DynamicMessage) -> PyResult<M> {
    let typed = message
        .transcode_to()
        .map_err(|error| Failure::internal(format!("{}: {error}", super::short_name(message))))?;
    Ok(typed)
}

fn fields_to_dict<'py>(py: Python<'py>, message: &DynamicMessage) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (field, value) in message.fields() {
        dict.set_item(PyString::intern(py, field.name()), field_to_wire(py, &field, value)?)?;
    }
    Ok(dict)
}

/// The message inside an `Any`, with its name under `"@type"`. A message we don't know stays bytes,
/// under `"value"`.
pub(crate) fn any_to_wire(py: Python<'_>, any: &prost_wkt_types::Any) -> PyResult<Py<PyAny>> {
    let name = any.type_url.rsplit('/').next().unwrap_or_default();
    let known = pool()
        .get_message_by_name(name)
        .and_then(|descriptor| DynamicMessage::decode(descriptor, any.value.as_slice()).ok());
    let dict = if let Some(message) = known {
        fields_to_dict(py, &message)?
    } else {
        let dict = PyDict::new(py);
        dict.set_item("value", PyBytes::new(py, &any.value))?;
        dict
    };
    dict.set_item("@type", name)?;
    Ok(dict.into_any().unbind())
}

fn field_to_wire(py: Python<'_>, field: &FieldDescriptor, value: &Value) -> PyResult<Py<PyAny>> {
    match value {
        Value::List(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(value_to_wire(py, item)?)?;
            }
            Ok(list.into_any().unbind())
        }
        Value::Map(entries) => {
            let dict = PyDict::new(py);
            for (key, item) in entries {
                dict.set_item(key_to_wire(py, key)?, value_to_wire(py, item)?)?;
            }
            Ok(dict.into_any().unbind())
        }
        _ => {
            debug_assert!(
                !matches!(field.kind(), Kind::Message(_)) || value.as_message().is_some()
            );
            value_to_wire(py, value)
        }
    }
}

fn key_to_wire(py: Python<'_>, key: &MapKey) -> PyResult<Py<PyAny>> {
    match key {
        MapKey::Bool(key) => key.into_py_any(py),
        MapKey::I32(key) => key.into_py_any(py),
        MapKey::I64(key) => key.into_py_any(py),
        MapKey::U32(key) => key.into_py_any(py),
        MapKey::U64(key) => key.into_py_any(py),
        MapKey::String(key) => key.into_py_any(py),
    }
}

fn value_to_wire(py: Python<'_>, value: &Value) -> PyResult<Py<PyAny>> {
    match value {
        Value::Bool(value) => value.into_py_any(py),
        Value::I32(value) | Value::EnumNumber(value) => value.into_py_any(py),
        Value::I64(value) => value.into_py_any(py),
        Value::U32(value) => value.into_py_any(py),
        Value::U64(value) => value.into_py_any(py),
        Value::F32(value) => value.into_py_any(py),
        Value::F64(value) => value.into_py_any(py),
        Value::String(value) => value.into_py_any(py),
        Value::Bytes(value) => Ok(PyBytes::new(py, value).into_any().unbind()),
        Value::Message(message) => to_wire(py, message),
        Value::List(_) | Value::Map(_) => {
            Err(Failure::internal("protobuf has no list of lists").into())
        }
    }
}
