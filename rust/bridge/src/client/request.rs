//! Building the request of an RPC from wire values: by the method's descriptor, with what every
//! request of a client has in common filled in.

use std::{collections::HashMap, time::Duration};

use prost::Message;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, Value};
use pyo3::prelude::*;
use temporalio_client::tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};

use super::transport::Rpc;
use crate::{
    error::{Failure, Outcome},
    message,
};

/// Values that a client fills in where a request leaves them empty.
pub(crate) struct Defaults<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) identity: &'a str,
}

/// The options of one call.
#[derive(Default)]
pub(crate) struct CallOptions {
    pub(crate) timeout: Option<f64>,
    pub(crate) metadata: HashMap<String, String>,
    pub(crate) retry: bool,
}

/// The call, and the descriptor of what it answers.
pub(crate) fn build(
    service: &str,
    method: &str,
    request: &Bound<'_, PyAny>,
    defaults: &Defaults<'_>,
    options: &CallOptions,
) -> PyResult<(Rpc, MessageDescriptor)> {
    let (input, output) = types_of(service, method)?;
    let mut message = message::from_wire(&input, request)?;
    fill(&mut message, "namespace", || defaults.namespace.to_owned());
    fill(&mut message, "identity", || defaults.identity.to_owned());
    fill(&mut message, "request_id", || uuid::Uuid::new_v4().to_string());
    let mut metadata = metadata_from("metadata", &options.metadata)?;
    if let Some(Value::String(namespace)) = message.get_field_by_name("namespace").as_deref() {
        route_by(&mut metadata, namespace)?;
    }
    let rpc = Rpc {
        service: service.to_owned(),
        method: method.to_owned(),
        body: message.encode_to_vec().into(),
        metadata,
        timeout: options.timeout.map(positive_seconds).transpose()?,
        retry: options.retry,
    };
    Ok((rpc, output))
}

/// Proxies in front of a cluster choose by this header.
pub(crate) fn route_by(metadata: &mut MetadataMap, namespace: &str) -> Outcome<()> {
    let value = namespace
        .parse()
        .map_err(|_| Failure::bad_argument(format!("namespace: {namespace:?} is not a name")))?;
    metadata.insert("temporal-namespace", value);
    Ok(())
}

fn types_of(service: &str, method: &str) -> Outcome<(MessageDescriptor, MessageDescriptor)> {
    let descriptor = message::pool()
        .get_service_by_name(service)
        .ok_or_else(|| Failure::bad_argument(format!("service: no service {service}")))?;
    let found = descriptor
        .methods()
        .find(|known| known.name() == method)
        .ok_or_else(|| Failure::bad_argument(format!("rpc: {service} has no {method}")))?;
    Ok((found.input(), found.output()))
}

fn fill(message: &mut DynamicMessage, name: &str, value: impl FnOnce() -> String) {
    use prost_reflect::ReflectMessage;
    let Some(field) = message.descriptor().get_field_by_name(name) else {
        return;
    };
    let scalar = field.kind() == Kind::String && !field.is_list();
    if scalar && !message.has_field(&field) {
        message.set_field(&field, Value::String(value()));
    }
}

/// Text as gRPC metadata; errors name the keyword and the key.
pub(crate) fn metadata_from(
    keyword: &str,
    given: &HashMap<String, String>,
) -> Outcome<MetadataMap> {
    let mut out = MetadataMap::new();
    for (key, value) in given {
        let bad = |what: &str| Failure::bad_argument(format!("{keyword}.{key}: not a {what}"));
        let name: AsciiMetadataKey = key.parse().map_err(|_| bad("name of metadata"))?;
        let value: AsciiMetadataValue = value.parse().map_err(|_| bad("value of metadata"))?;
        out.insert(name, value);
    }
    Ok(out)
}

/// A limit in seconds that is more than none.
pub(crate) fn positive_seconds(seconds: f64) -> Outcome<Duration> {
    Duration::try_from_secs_f64(seconds).ok().filter(|limit| !limit.is_zero()).ok_or_else(|| {
        Failure::bad_argument(format!("timeout: {seconds} is not a positive number of seconds"))
    })
}
