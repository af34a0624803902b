//! `StartTimer`.

use super::{Refusal, Scope};
use crate::machine::timer;
use crate::proto::command::StartTimerCommandAttributes;
use crate::proto::enums::WorkflowTaskFailedCause as Cause;
use crate::proto::{from_duration, history};

pub(crate) fn apply(
    scope: &mut Scope<'_>,
    attributes: StartTimerCommandAttributes,
) -> Result<(), Refusal> {
    let refuse = |message: &str| Err(Refusal::new(Cause::BadStartTimerAttributes, message));
    if attributes.timer_id.is_empty() {
        return refuse("TimerId is not set on StartTimerCommand.");
    }
    // 0 is a duration: the timer fires at once.
    if attributes.start_to_fire_timeout.as_ref().and_then(from_duration).is_none() {
        return refuse("An invalid StartToFireTimeout is set on StartTimerCommand.");
    }
    let timer_id = attributes.timer_id.clone();
    let event = history::TimerStartedEventAttributes {
        timer_id: attributes.timer_id,
        start_to_fire_timeout: attributes.start_to_fire_timeout,
        workflow_task_completed_event_id: scope.completed_event_id,
    };
    if timer::start(scope, event) {
        Ok(())
    } else {
        let message = format!("TimerStarted event for timer {timer_id:?} is pending already.");
        Err(Refusal::new(Cause::StartTimerDuplicateId, message))
    }
}
