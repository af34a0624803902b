//! The values that tests send.

use std::time::Duration;

use temporalio_protos::temporal::api::common::v1::{
    ActivityType, Payload, Payloads, RetryPolicy, WorkflowType,
};
use temporalio_protos::temporal::api::enums::v1::TaskQueueKind;
use temporalio_protos::temporal::api::failure::v1::{
    ApplicationFailureInfo, Failure, failure::FailureInfo,
};
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;

pub(crate) const NAMESPACE: &str = "default";
pub(crate) const QUEUE: &str = "work";
/// Where child workflows run, apart from their parents.
pub(crate) const CHILDREN: &str = "children";

pub(crate) fn workflow_type(name: &str) -> Option<WorkflowType> {
    Some(WorkflowType { name: name.to_owned() })
}

pub(crate) fn activity_type(name: &str) -> Option<ActivityType> {
    Some(ActivityType { name: name.to_owned() })
}

pub(crate) fn queue(name: &str) -> Option<TaskQueue> {
    Some(TaskQueue {
        name: name.to_owned(),
        kind: TaskQueueKind::Normal.into(),
        ..Default::default()
    })
}

/// The sticky queue `name` of a worker of the tests' task queue.
pub(crate) fn sticky_queue(name: &str) -> Option<TaskQueue> {
    Some(TaskQueue {
        name: name.to_owned(),
        kind: TaskQueueKind::Sticky.into(),
        normal_name: QUEUE.to_owned(),
    })
}

/// A duration of the protocol. Generic, because the protocol's own type has no short name here.
pub(crate) fn secs<T: TryFrom<Duration>>(seconds: u64) -> Option<T> {
    millis(seconds * 1000)
}

/// A duration of the protocol.
pub(crate) fn millis<T: TryFrom<Duration>>(millis: u64) -> Option<T> {
    T::try_from(Duration::from_millis(millis)).ok()
}

/// One payload with `text` in it.
pub(crate) fn payloads(text: &str) -> Option<Payloads> {
    payload_of(text.as_bytes().to_vec())
}

/// One payload of that size.
pub(crate) fn payload_of_size(size: usize) -> Option<Payloads> {
    payload_of(vec![b'x'; size])
}

fn payload_of(data: Vec<u8>) -> Option<Payloads> {
    let metadata = [("encoding".to_owned(), b"binary/plain".to_vec())].into();
    Some(Payloads { payloads: vec![Payload { metadata, data, ..Default::default() }] })
}

/// The text of the first payload.
pub(crate) fn text(payloads: Option<&Payloads>) -> String {
    String::from_utf8(payloads.expect("there is a payload").payloads[0].data.clone()).unwrap()
}

/// A failure of the application, of type `type`.
pub(crate) fn failure(message: &str, r#type: &str) -> Failure {
    Failure {
        message: message.to_owned(),
        failure_info: Some(FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo {
            r#type: r#type.to_owned(),
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// A retry policy that waits one second, then two, then four.
pub(crate) fn retry_policy(maximum_attempts: i32) -> Option<RetryPolicy> {
    Some(RetryPolicy {
        initial_interval: secs(1),
        backoff_coefficient: 2.0,
        maximum_interval: secs(100),
        maximum_attempts,
        non_retryable_error_types: vec!["Fatal".to_owned()],
    })
}
