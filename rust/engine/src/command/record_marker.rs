//! `RecordMarker`.

use prost::Message;

use super::{Refusal, Scope};
use crate::machine::workflow::BLOB_LIMIT;
use crate::proto::command::RecordMarkerCommandAttributes;
use crate::proto::enums::WorkflowTaskFailedCause as Cause;
use crate::proto::{Attributes, history};

pub(crate) fn apply(
    scope: &mut Scope<'_>,
    attributes: RecordMarkerCommandAttributes,
) -> Result<(), Refusal> {
    if attributes.marker_name.is_empty() {
        let message = "MarkerName is not set on RecordMarkerCommand.";
        return Err(Refusal::new(Cause::BadRecordMarkerAttributes, message));
    }
    if attributes.encoded_len() > BLOB_LIMIT {
        let message = "RecordMarkerCommandAttributes.Details exceeds size limit.";
        return Err(Refusal::new(Cause::BadRecordMarkerAttributes, message));
    }
    let completed = scope.completed_event_id;
    scope.append(Attributes::MarkerRecordedEventAttributes(
        history::MarkerRecordedEventAttributes {
            marker_name: attributes.marker_name,
            details: attributes.details,
            workflow_task_completed_event_id: completed,
            header: attributes.header,
            failure: attributes.failure,
        },
    ));
    Ok(())
}
