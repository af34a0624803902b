//! Failures have causes, which are failures. A reader of protobuf follows a hundred levels of messages
//! within messages; an event whose failure goes deeper could be written and never be read again.

use crate::proto::Attributes;
use crate::proto::failure::Failure;
use crate::proto::update::outcome::Value;

/// Causes that are kept. What is around a failure (a page, an event) and in one (details) needs a dozen
/// levels more.
const CAUSES: usize = 64;

/// Leave the innermost causes out of an event that has too many of them.
pub(crate) fn cut(attributes: &mut Attributes) {
    if let Some(failure) = failure(attributes) {
        cut_failure(failure);
    }
}

/// Cut the causes of a failure that is not in an event.
pub(crate) fn cut_failure(mut failure: &mut Failure) {
    for _ in 0..CAUSES {
        let Some(cause) = failure.cause.as_deref_mut() else { return };
        failure = cause;
    }
    failure.cause = None;
}

/// The failure in an event, where it has one that a caller gave.
fn failure(attributes: &mut Attributes) -> Option<&mut Failure> {
    match attributes {
        Attributes::WorkflowExecutionStartedEventAttributes(a) => a.continued_failure.as_mut(),
        Attributes::WorkflowExecutionFailedEventAttributes(a) => a.failure.as_mut(),
        Attributes::WorkflowExecutionContinuedAsNewEventAttributes(a) => a.failure.as_mut(),
        Attributes::WorkflowTaskFailedEventAttributes(a) => a.failure.as_mut(),
        Attributes::ActivityTaskStartedEventAttributes(a) => a.last_failure.as_mut(),
        Attributes::ActivityTaskFailedEventAttributes(a) => a.failure.as_mut(),
        Attributes::ActivityTaskTimedOutEventAttributes(a) => a.failure.as_mut(),
        Attributes::MarkerRecordedEventAttributes(a) => a.failure.as_mut(),
        Attributes::ChildWorkflowExecutionFailedEventAttributes(a) => a.failure.as_mut(),
        Attributes::WorkflowExecutionUpdateCompletedEventAttributes(a) => {
            match a.outcome.as_mut()?.value.as_mut()? {
                Value::Failure(failure) => Some(failure),
                Value::Success(_) => None,
            }
        }
        _ => None,
    }
}
