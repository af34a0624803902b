//! `StartTimer`.

use crate::command::scope::{Refusal, Scope};
use crate::machine::timer;
use crate::policy::limits;
use crate::proto::command::StartTimerCommandAttributes;
use crate::proto::enums::WorkflowTaskFailedCause as Cause;
use crate::proto::history;
use crate::proto::history::HistoryEvent;
use crate::state::run::make_event;

pub(crate) fn apply(
    scope: &mut Scope<'_>,
    attributes: StartTimerCommandAttributes,
) -> Result<(), Refusal> {
    let refuse = |message: &str| Err(Refusal::new(Cause::BadStartTimerAttributes, message));
    if attributes.timer_id.is_empty() {
        return refuse("TimerId is not set on StartTimerCommand.");
    }
    let timer_id = attributes.timer_id.clone();
    let bad = |message: String| Refusal::new(Cause::BadStartTimerAttributes, message);
    super::check_length("TimerId", "StartTimerCommand", &timer_id, "").map_err(bad)?;
    // 0, or nothing, is a duration: the timer fires at once.
    limits::check_time(
        attributes.start_to_fire_timeout.as_ref(),
        "An invalid StartToFireTimeout is set on StartTimerCommand",
        &format!(" TimerId={timer_id}"),
    )
    .map_err(bad)?;
    let event = history::TimerStartedEventAttributes {
        timer_id: attributes.timer_id,
        start_to_fire_timeout: attributes.start_to_fire_timeout,
        workflow_task_completed_event_id: scope.completed_event_id,
    };
    let user_metadata = scope.user_metadata.take();
    let started = timer::start(scope.run, scope.env, event, |env, attributes| HistoryEvent {
        user_metadata,
        ..make_event(env, attributes)
    });
    if started {
        Ok(())
    } else {
        let message = format!(
            "invalid history builder state for action: add-timer-started-event, TimerID: {timer_id}"
        );
        Err(Refusal::new(Cause::StartTimerDuplicateId, message))
    }
}
