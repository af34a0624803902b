//! `CancelTimer`.

use crate::command::scope::{Refusal, Scope};
use crate::machine::timer;
use crate::proto::command::CancelTimerCommandAttributes;
use crate::proto::enums::WorkflowTaskFailedCause as Cause;

pub(crate) fn apply(
    scope: &mut Scope<'_>,
    attributes: &CancelTimerCommandAttributes,
) -> Result<(), Refusal> {
    if attributes.timer_id.is_empty() {
        let message = "TimerId is not set on CancelTimerCommand.";
        return Err(Refusal::new(Cause::BadCancelTimerAttributes, message));
    }
    super::check_length("TimerId", "CancelTimerCommand", &attributes.timer_id, "")
        .map_err(|message| Refusal::new(Cause::BadCancelTimerAttributes, message))?;
    let (completed, identity) = (scope.completed_event_id, scope.identity);
    if timer::cancel(scope.run, scope.env, &attributes.timer_id, completed, identity) {
        Ok(())
    } else {
        let message = format!(
            "invalid history builder state for action: add-timer-canceled-event, TimerID: {}",
            attributes.timer_id
        );
        Err(Refusal::new(Cause::BadCancelTimerAttributes, message))
    }
}
