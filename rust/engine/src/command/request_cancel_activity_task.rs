//! `RequestCancelActivityTask`.

use crate::command::scope::{Refusal, Scope};
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
    if id <= 0 {
        return refuse("ScheduledEventId is not set on RequestCancelActivityTaskCommand.".into());
    }
    let unfit = format!(
        "invalid history builder state for action: add-activitytask-cancel-requested-event, \
         ScheduledEventID: {id}"
    );
    if id >= scope.run.row.record.next_event_id {
        return refuse(unfit);
    }
    // Without a record, its end is among the events that the workflow has not seen: nothing to cancel
    // any more. The request is recorded all the same: a replay makes it again and looks for it.
    let record = scope.run.activities.get(&id);
    if record.is_some_and(|record| record.cancel_requested != 0) {
        return refuse(unfit);
    }
    let (completed, identity) = (scope.completed_event_id, scope.identity);
    activity::request_cancel(scope.run, scope.env, id, completed, identity);
    Ok(())
}
