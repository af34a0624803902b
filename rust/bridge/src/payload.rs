//! `Payload`: data with metadata that says how it is encoded.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use prost::Message;
use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict, PyList},
};
use temporalio_protos::temporal::api::common::v1::Payload as Proto;

use crate::{
    error::{Failure, Outcome},
    message,
};

/// `temporal.api.common.v1.Payload`.
#[pyclass(frozen, eq, skip_from_py_object, module = "hourglass._bridge")]
#[derive(Clone, PartialEq)]
pub(crate) struct Payload(pub(crate) Proto);

#[pymethods]
impl Payload {
    #[new]
    #[pyo3(signature = (*, metadata = None, data = None))]
    fn new(metadata: Option<&Bound<'_, PyAny>>, data: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let metadata = metadata.map_or_else(|| Ok(HashMap::new()), metadata_from)?;
        let data = data.map_or_else(|| Ok(Vec::new()), |data| bytes_from("data", data))?;
        Ok(Self(Proto { metadata, data, ..Proto::default() }))
    }

    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (key, value) in &self.0.metadata {
            dict.set_item(key, PyBytes::new(py, value))?;
        }
        Ok(dict)
    }

    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.data)
    }

    #[pyo3(name = "SerializeToString")]
    fn serialize<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.encode_to_vec())
    }

    #[staticmethod]
    #[pyo3(name = "FromString")]
    fn parse(data: &[u8]) -> PyResult<Self> {
        Ok(Self(message::decode(data)?))
    }

    fn __hash__(&self) -> u64 {
        let mut metadata: Vec<_> = self.0.metadata.iter().collect();
        metadata.sort();
        let mut hasher = DefaultHasher::new();
        (metadata, &self.0.data).hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let metadata = self.metadata(py)?.repr()?;
        let data = self.data(py).repr()?;
        Ok(format!("Payload(metadata={metadata}, data={data})"))
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let py = slf.py();
        let parse = slf.get_type().getattr("FromString")?;
        Ok((parse, (slf.get().serialize(py),)))
    }
}

fn metadata_from(value: &Bound<'_, PyAny>) -> PyResult<HashMap<String, Vec<u8>>> {
    let mut out = HashMap::new();
    let items = value
        .call_method0("items")
        .map_err(|_| Failure::bad_argument("metadata: expected a mapping"))?;
    for item in items.try_iter()? {
        let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item?.extract()?;
        let key: String =
            key.extract().map_err(|_| Failure::bad_argument("metadata: a key is not a str"))?;
        let value = bytes_from(&format!("metadata.{key}"), &value)?;
        out.insert(key, value);
    }
    Ok(out)
}

/// Bytes or a `bytearray`; nothing else is taken for bytes.
pub(crate) fn bytes_from(name: &str, value: &Bound<'_, PyAny>) -> Outcome<Vec<u8>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    value
        .cast::<pyo3::types::PyByteArray>()
        .map(PyByteArrayMethods::to_vec)
        .map_err(|_| Failure::bad_argument(format!("{name}: expected bytes")))
}

/// Read a payload, or none.
pub(crate) fn optional(name: &str, value: Option<&Bound<'_, PyAny>>) -> Outcome<Option<Proto>> {
    value.map(|value| one(name, value)).transpose()
}

/// Read a payload.
pub(crate) fn one(name: &str, value: &Bound<'_, PyAny>) -> Outcome<Proto> {
    value
        .cast::<Payload>()
        .map(|payload| payload.get().0.clone())
        .map_err(|_| Failure::bad_argument(format!("{name}: expected a Payload")))
}

/// A sequence of payloads.
pub(crate) fn many(name: &str, value: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<Proto>> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let mut out = Vec::with_capacity(value.len().unwrap_or(0));
    for (index, item) in value.try_iter()?.enumerate() {
        let item = item?;
        out.push(match item.cast::<Payload>() {
            Ok(payload) => payload.get().0.clone(),
            Err(_) => {
                return Err(
                    Failure::bad_argument(format!("{name}.{index}: expected a Payload")).into()
                );
            }
        });
    }
    Ok(out)
}

/// A mapping from names to payloads.
pub(crate) fn named(
    name: &str,
    value: Option<&Bound<'_, PyAny>>,
) -> PyResult<HashMap<String, Proto>> {
    let Some(value) = value else {
        return Ok(HashMap::new());
    };
    let mut out = HashMap::new();
    for item in value.call_method0("items")?.try_iter()? {
        let (key, value): (String, Bound<'_, PyAny>) = item?.extract()?;
        let payload = one(&format!("{name}.{key}"), &value)?;
        out.insert(key, payload);
    }
    Ok(out)
}

/// Payloads as a Python list.
pub(crate) fn list<'py>(py: Python<'py>, payloads: &[Proto]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for payload in payloads {
        list.append(Payload(payload.clone()))?;
    }
    Ok(list)
}

/// Named payloads as a Python dict.
pub(crate) fn dict<'py>(
    py: Python<'py>,
    payloads: &HashMap<String, Proto>,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (key, payload) in payloads {
        dict.set_item(key, Payload(payload.clone()))?;
    }
    Ok(dict)
}
