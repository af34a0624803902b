//! `RequestCancelActivityTask`.

use super::{Refusal, Scope};
use crate::machine::activity;
use crate::proto::command::RequestCancelActivityTaskCommandAttributes;
use crate::proto::enums::WorkflowTaskFailedCause as Cause;

pub(crate) fn apply(
    scope: &mut Scope<'_>,
    attributes: RequestCancelActivityTaskCommandAttributes,
) -> Result<(), Refusal> {
    let id = attributes.scheduled_event_id;
    let refuse =
        |message: String| Err(Refusal::new(Cause::BadRequestCancelActivityAttributes, message));
    if id <= 0 || id >= scope.run.row.record.next_event_id {
        return refuse(format!("there is no activity with the scheduled event {id} to cancel"));
    }
    // Without a record, its end is among the events that the workflow has not seen: nothing to cancel
    // any more. The request is recorded all the same: a replay makes it again and looks for it.
    let record = scope.run.activities.get(&id);
    if let Some(record) = record.filter(|record| record.cancel_requested != 0) {
        return refuse(format!(
            "the cancellation of activity {:?} was requested before",
            record.activity_id
        ));
    }
    let (completed, identity) = (scope.completed_event_id, scope.identity);
    activity::request_cancel(scope.run, scope.env, id, completed, identity);
    Ok(())
}
