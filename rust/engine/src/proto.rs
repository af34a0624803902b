//! Short names for the protocol's messages, and conversions between its types and ours.

use std::time::Duration;

pub(crate) use history::history_event::Attributes;
pub(crate) use temporalio_protos::temporal::api::activity::v1 as activity;
pub(crate) use temporalio_protos::temporal::api::command::v1 as command;
pub(crate) use temporalio_protos::temporal::api::common::v1 as common;
pub(crate) use temporalio_protos::temporal::api::enums::v1 as enums;
pub(crate) use temporalio_protos::temporal::api::errordetails::v1 as errordetails;
pub(crate) use temporalio_protos::temporal::api::failure::v1 as failure;
pub(crate) use temporalio_protos::temporal::api::history::v1 as history;
pub(crate) use temporalio_protos::temporal::api::namespace::v1 as namespace;
pub(crate) use temporalio_protos::temporal::api::operatorservice::v1 as operator;
pub(crate) use temporalio_protos::temporal::api::protocol::v1 as protocol;
pub(crate) use temporalio_protos::temporal::api::query::v1 as query;
pub(crate) use temporalio_protos::temporal::api::sdk::v1 as sdk;
pub(crate) use temporalio_protos::temporal::api::taskqueue::v1 as taskqueue;
pub(crate) use temporalio_protos::temporal::api::testservice::v1 as testservice;
pub(crate) use temporalio_protos::temporal::api::update::v1 as update;
pub(crate) use temporalio_protos::temporal::api::workflow::v1 as workflow;
pub(crate) use temporalio_protos::temporal::api::workflowservice::v1 as service;

use crate::Timestamp;
use crate::proto::update::Request;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Workflow time on the wire.
pub(crate) fn timestamp(at: Timestamp) -> prost_wkt_types::Timestamp {
    prost_wkt_types::Timestamp {
        seconds: at.0.div_euclid(NANOS_PER_SECOND),
        nanos: i32::try_from(at.0.rem_euclid(NANOS_PER_SECOND)).unwrap_or(0),
    }
}

/// A moment that may not be: 0 is never.
pub(crate) fn moment(nanos: i64) -> Option<prost_wkt_types::Timestamp> {
    (nanos != 0).then(|| timestamp(Timestamp(nanos)))
}

/// A duration on the wire; `None` for a negative one.
pub(crate) fn from_duration(duration: &prost_wkt_types::Duration) -> Option<Duration> {
    let seconds = u64::try_from(duration.seconds).ok()?;
    let nanos = u32::try_from(duration.nanos).ok()?;
    Some(Duration::new(seconds, nanos.min(999_999_999)))
}

/// A duration from the wire.
pub(crate) fn to_duration(duration: Duration) -> prost_wkt_types::Duration {
    prost_wkt_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or(0),
    }
}

/// Nanoseconds of an optional duration; 0 for none, which is how the protocol says "unlimited".
pub(crate) fn nanos(duration: Option<&prost_wkt_types::Duration>) -> i64 {
    duration
        .and_then(from_duration)
        .map_or(0, |duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}

/// The reverse of [`nanos`]: what is 0 stays a zero duration, as the server writes it.
pub(crate) fn from_nanos(nanos: i64) -> prost_wkt_types::Duration {
    to_duration(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)))
}

/// A normal task queue of that name.
pub(crate) fn normal_queue(name: &str) -> taskqueue::TaskQueue {
    taskqueue::TaskQueue {
        name: name.to_owned(),
        kind: enums::TaskQueueKind::Normal.into(),
        normal_name: String::new(),
    }
}

/// Put `upserted` over `fields`; an empty payload removes its key.
pub(crate) fn merge(
    fields: &mut std::collections::HashMap<String, common::Payload>,
    upserted: std::collections::HashMap<String, common::Payload>,
) {
    for (key, payload) in upserted {
        let is_null = payload.metadata.get("encoding").is_some_and(|e| e == b"binary/null");
        if is_null || (payload.data.is_empty() && payload.metadata.is_empty()) {
            fields.remove(&key);
        } else {
            fields.insert(key, payload);
        }
    }
}

/// The id of an update.
pub(crate) fn update_id(request: &Request) -> &str {
    request.meta.as_ref().map_or("", |meta| &meta.update_id)
}
