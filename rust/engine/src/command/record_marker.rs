//! `RecordMarker`.

use crate::command::scope::{Refusal, Scope};
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
    super::check_length("MarkerName", "RecordMarkerCommand", &attributes.marker_name, "")
        .map_err(|message| Refusal::new(Cause::BadRecordMarkerAttributes, message))?;
    super::check_size(
        Some(&attributes),
        Cause::BadRecordMarkerAttributes,
        "RecordMarkerCommandAttributes.Details",
    )?;
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
