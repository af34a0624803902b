//! Wire values: protobuf messages as plain Python values, by their descriptors.
//!
//! The stub's table is the specification. `to_wire.rs` is the way out, `from_wire.rs` the way in;
//! both know every message of Temporal's API and of core from the descriptors alone.

mod from_wire;
mod to_wire;

use std::sync::OnceLock;

use prost::{Message, Name};
use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, MessageDescriptor, ReflectMessage,
};
use pyo3::{prelude::*, types::PyDict};

pub(crate) use self::to_wire::{any_to_wire, to_wire};
use crate::error::{Failure, Outcome};

pub(crate) use temporalio_protos::google::rpc::Status as RpcStatus;

/// The fully qualified name of the message that is `Payload` in Python.
pub(crate) const PAYLOAD: &str = "temporal.api.common.v1.Payload";

static DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// All descriptors; parsed on first use, so that importing costs nothing.
pub(crate) fn pool() -> &'static DescriptorPool {
    static POOL: OnceLock<DescriptorPool> = OnceLock::new();
    POOL.get_or_init(|| {
        // The bytes were written by the same build; if they are broken, every lookup says so.
        DescriptorPool::decode(DESCRIPTORS).unwrap_or_default()
    })
}

pub(crate) fn descriptor(full_name: &str) -> Outcome<MessageDescriptor> {
    pool()
        .get_message_by_name(full_name)
        .ok_or_else(|| Failure::internal(format!("{full_name}: no such message")))
}

pub(crate) fn decode<M: Message + Default>(data: &[u8]) -> Outcome<M> {
    M::decode(data)
        .map_err(|error| Failure::bad_argument(format!("not a protobuf message: {error}")))
}

fn dynamic<M: Message + Name>(message: &M) -> Outcome<DynamicMessage> {
    let mut dynamic = DynamicMessage::new(descriptor(&M::full_name())?);
    dynamic
        .transcode_from(message)
        .map_err(|error| Failure::internal(format!("{}: {error}", M::full_name())))?;
    Ok(dynamic)
}

/// A generated message as wire values.
pub(crate) fn typed_to_wire<M: Message + Name>(py: Python<'_>, message: &M) -> PyResult<Py<PyAny>> {
    to_wire(py, &dynamic(message)?)
}

/// The bytes of a message as wire values.
pub(crate) fn bytes_to_wire(
    py: Python<'_>,
    descriptor: &MessageDescriptor,
    data: &[u8],
) -> PyResult<Py<PyAny>> {
    let message = DynamicMessage::decode(descriptor.clone(), data)
        .map_err(|error| Failure::internal(format!("{}: {error}", descriptor.full_name())))?;
    to_wire(py, &message)
}

/// Wire values as a message of that type; errors name the path to the field, from the message's
/// short name on.
pub(crate) fn from_wire(
    descriptor: &MessageDescriptor,
    value: &Bound<'_, PyAny>,
) -> PyResult<DynamicMessage> {
    from_wire::message(descriptor, value, &from_wire::Path::root(descriptor.name()))
}

/// Wire values as a generated message.
pub(crate) fn wire_to_typed<M: Message + Name + Default>(value: &Bound<'_, PyAny>) -> PyResult<M> {
    let dynamic = from_wire(&descriptor(&M::full_name())?, value)?;
    let typed = dynamic
        .transcode_to::<M>()
        .map_err(|error| Failure::internal(format!("{}: {error}", M::full_name())))?;
    Ok(typed)
}

/// Keyword arguments as a generated message; `None` is an empty message.
pub(crate) fn keywords_to_typed<M: Message + Name + Default>(
    fields: Option<&Bound<'_, PyDict>>,
) -> PyResult<M> {
    fields.map_or_else(|| Ok(M::default()), |fields| wire_to_typed(fields.as_any()))
}

/// The number of an enum value by its name: `EVENT_TYPE_TIMER_FIRED`, or, as Temporal's older JSON
/// has it, without the prefix that every value of the enum shares: `TIMER_FIRED`, `TimerFired`.
pub(crate) fn enum_number(descriptor: &EnumDescriptor, name: &str) -> Option<i32> {
    full_enum_name(descriptor, name)
        .and_then(|full| descriptor.get_value_by_name(&full).map(|value| value.number()))
}

/// The full name of an enum value by its full or short name.
pub(crate) fn full_enum_name(descriptor: &EnumDescriptor, name: &str) -> Option<String> {
    if descriptor.get_value_by_name(name).is_some() {
        return Some(name.to_owned());
    }
    let full = format!("{}_{}", screaming(descriptor.name()), screaming(name));
    descriptor.get_value_by_name(&full).is_some().then_some(full)
}

/// `TimerFired` and `TIMER_FIRED` as `TIMER_FIRED`.
fn screaming(name: &str) -> String {
    if !name.contains(char::is_lowercase) {
        return name.to_owned();
    }
    let mut out = String::with_capacity(name.len() + 8);
    for letter in name.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(letter.to_uppercase());
    }
    out
}

/// The short name of a message, for error messages.
pub(crate) fn short_name(message: &DynamicMessage) -> String {
    message.descriptor().name().to_owned()
}
