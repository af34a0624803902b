//! Python values as messages. Nothing is guessed: an unknown field, a value of the wrong type and a
//! number out of range are refused, with the path to the field.

use std::collections::HashMap;

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use pyo3::{
    FromPyObject,
    prelude::*,
    types::{
        PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple,
    },
};

use super::{PAYLOAD, enum_number, pool};
use crate::{error::Failure, payload::Payload, seconds};

/// Where in a message we are, as a list through the stack: no text is built until it is needed.
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: &'a str,
}

impl<'a> Path<'a> {
    pub(super) fn root(name: &'a str) -> Self {
        Self { parent: None, step: name }
    }

    fn child(&'a self, step: &'a str) -> Self {
        Self { parent: Some(self), step }
    }

    fn text(&self) -> String {
        match self.parent {
            None => self.step.to_owned(),
            Some(parent) => format!("{}.{}", parent.text(), self.step),
        }
    }

    fn refuse(&self, why: impl std::fmt::Display) -> PyErr {
        Failure::bad_argument(format!("{}: {why}", self.text())).into()
    }

    fn expected(&self, what: &str, value: &Bound<'_, PyAny>) -> PyErr {
        let kind = value
            .get_type()
            .name()
            .map_or_else(|_| "something else".to_owned(), |name| name.to_string());
        self.refuse(format!("expected {what}, got {kind}"))
    }
}

/// A Python value as a message of that type.
pub(super) fn message(
    descriptor: &MessageDescriptor,
    value: &Bound<'_, PyAny>,
    path: &Path<'_>,
) -> PyResult<DynamicMessage> {
    match descriptor.full_name() {
        PAYLOAD => {
            let payload = value.cast::<Payload>().map_err(|_| path.expected("Payload", value))?;
            transcode(descriptor, &payload.get().0, path)
        }
        "google.protobuf.Duration" => {
            let duration = seconds::duration_from(value).map_err(|why| path.refuse(why.message))?;
            transcode(descriptor, &duration, path)
        }
        "google.protobuf.Timestamp" => {
            let at = seconds::timestamp_from(value).map_err(|why| path.refuse(why.message))?;
            transcode(descriptor, &at, path)
        }
        "google.protobuf.Any" => any(descriptor, value, path),
        _ => fields(descriptor, value, path),
    }
}

fn transcode<M: Message>(
    descriptor: &MessageDescriptor,
    typed: &M,
    path: &Path<'_>,
) -> PyResult<DynamicMessage> {
    let mut dynamic = DynamicMessage::new(descriptor.clone());
    dynamic.transcode_from(typed).map_err(|error| path.refuse(error))?;
    Ok(dynamic)
}

fn mapping<'py>(value: &Bound<'py, PyAny>, path: &Path<'_>) -> PyResult<Bound<'py, PyDict>> {
    if let Ok(dict) = value.cast::<PyDict>() {
        return Ok(dict.clone());
    }
    let mapping = value.cast::<PyMapping>().map_err(|_| path.expected("a mapping", value))?;
    let dict = PyDict::new(value.py());
    dict.update(mapping)?;
    Ok(dict)
}

fn fields(
    descriptor: &MessageDescriptor,
    value: &Bound<'_, PyAny>,
    path: &Path<'_>,
) -> PyResult<DynamicMessage> {
    let mut out = DynamicMessage::new(descriptor.clone());
    for (key, item) in mapping(value, path)?.iter() {
        let name: String = text(&key, path)?;
        let here = path.child(&name);
        let field =
            descriptor.get_field_by_name(&name).ok_or_else(|| here.refuse("unknown field"))?;
        if item.is_none() {
            continue;
        }
        if let Some(oneof) = field.containing_oneof()
            && let Some(other) = oneof.fields().find(|other| out.has_field(other))
        {
            return Err(here.refuse(format!("can't be set together with {}", other.name())));
        }
        out.set_field(&field, field_value(&field, &item, &here)?);
    }
    Ok(out)
}

fn any(
    descriptor: &MessageDescriptor,
    value: &Bound<'_, PyAny>,
    path: &Path<'_>,
) -> PyResult<DynamicMessage> {
    let dict = mapping(value, path)?.copy()?;
    let key = dict
        .get_item("@type")?
        .ok_or_else(|| path.refuse("a message of any type names it under \"@type\""))?;
    let name: String = text(&key, path)?;
    dict.del_item("@type")?;
    let inner = pool()
        .get_message_by_name(&name)
        .ok_or_else(|| path.refuse(format!("{name}: no such message")))?;
    let any = prost_wkt_types::Any {
        type_url: format!("type.googleapis.com/{name}"),
        value: fields(&inner, &dict, path)?.encode_to_vec(),
    };
    transcode(descriptor, &any, path)
}

fn field_value(
    field: &FieldDescriptor,
    value: &Bound<'_, PyAny>,
    path: &Path<'_>,
) -> PyResult<Value> {
    if field.is_map() {
        return map_value(field, value, path);
    }
    if !field.is_list() {
        return single(&field.kind(), value, path);
    }
    if !(value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>()) {
        return Err(path.expected("a list", value));
    }
    let mut items = Vec::with_capacity(value.len()?);
    for (index, item) in value.try_iter()?.enumerate() {
        let step = index.to_string();
        items.push(single(&field.kind(), &item?, &path.child(&step))?);
    }
    Ok(Value::List(items))
}

fn map_value(
    field: &FieldDescriptor,
    value: &Bound<'_, PyAny>,
    path: &Path<'_>,
) -> PyResult<Value> {
    let Kind::Message(entry) = field.kind() else {
        return Err(path.refuse("a map without entries"));
    };
    let keys = entry.map_entry_key_field().kind();
    let values = entry.map_entry_value_field().kind();
    let mut out = HashMap::new();
    for (key, item) in mapping(value, path)?.iter() {
        let step = key.str()?.to_string();
        let here = path.child(&step);
        let key =
            single(&keys, &key, &here)?.into_map_key().ok_or_else(|| here.refuse("not a key"))?;
        out.insert(key, single(&values, &item, &here)?);
    }
    Ok(Value::Map(out))
}

fn single(kind: &Kind, value: &Bound<'_, PyAny>, path: &Path<'_>) -> PyResult<Value> {
    Ok(match kind {
        Kind::Message(descriptor) => Value::Message(message(descriptor, value, path)?),
        Kind::Enum(descriptor) => match value.cast::<PyString>() {
            Ok(name) => {
                let name = name.to_string();
                let number = enum_number(descriptor, &name).ok_or_else(|| {
                    path.refuse(format!("{name} is not a {}", descriptor.full_name()))
                })?;
                Value::EnumNumber(number)
            }
            Err(_) => Value::EnumNumber(integer(value, "an int or a name", path)?),
        },
        Kind::String => Value::String(text(value, path)?),
        Kind::Bytes => Value::Bytes(bytes(value, path)?),
        Kind::Bool => Value::Bool(
            value.cast::<PyBool>().map_err(|_| path.expected("a bool", value))?.is_true(),
        ),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(integer(value, "an int", path)?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(integer(value, "an int", path)?),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(integer(value, "an int", path)?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(integer(value, "an int", path)?),
        #[allow(clippy::cast_possible_truncation)] // what a protobuf float is
        Kind::Float => Value::F32(float(value, path)? as f32),
        Kind::Double => Value::F64(float(value, path)?),
    })
}

fn integer<'py, T>(value: &Bound<'py, PyAny>, what: &str, path: &Path<'_>) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py>,
{
    if !value.is_instance_of::<PyInt>() || value.is_instance_of::<PyBool>() {
        return Err(path.expected(what, value));
    }
    value.extract().map_err(|_| path.refuse(format!("{value} is out of range")))
}

fn float(value: &Bound<'_, PyAny>, path: &Path<'_>) -> PyResult<f64> {
    let number = value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyInt>();
    if !number || value.is_instance_of::<PyBool>() {
        return Err(path.expected("a float", value));
    }
    value.extract()
}

fn text(value: &Bound<'_, PyAny>, path: &Path<'_>) -> PyResult<String> {
    value
        .cast::<PyString>()
        .map_err(|_| path.expected("a str", value))?
        .extract()
        .map_err(|_| path.refuse("not valid as UTF-8"))
}

fn bytes(value: &Bound<'_, PyAny>, path: &Path<'_>) -> PyResult<Bytes> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(Bytes::copy_from_slice(bytes.as_bytes()));
    }
    value
        .cast::<PyByteArray>()
        .map(|array| Bytes::from(array.to_vec()))
        .map_err(|_| path.expected("bytes", value))
}
