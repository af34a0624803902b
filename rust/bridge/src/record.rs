//! The text of a value, made from its attributes; shared by all value classes.

use pyo3::prelude::*;

/// `Name(first=…, second=…)`.
pub(crate) fn repr(value: &Bound<'_, PyAny>, attributes: &[&str]) -> PyResult<String> {
    let mut parts = Vec::with_capacity(attributes.len());
    for name in attributes {
        let text = value.getattr(*name)?.repr()?;
        parts.push(format!("{name}={text}"));
    }
    Ok(format!("{}({})", value.get_type().name()?, parts.join(", ")))
}
