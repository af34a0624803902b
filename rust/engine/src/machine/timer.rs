//! User timers: started by a command, fired by time or cancelled by a command.
//!
//! ```text
//! none    --StartTimer-->  pending   (TimerStarted; a stored timer is armed)
//! pending --due-->         fired     (TimerFired, buffered while a worker has the workflow task)
//! pending --CancelTimer--> canceled  (TimerCanceled)
//! fired   --CancelTimer--> canceled  (while TimerFired is buffered: it is taken back)
//! ```

use crate::ids::EventId;
use crate::machine::workflow_task;
use crate::proto::history::HistoryEvent;
use crate::proto::{Attributes, enums, history};
use crate::state::env::Env;
use crate::state::run::{Run, make_event};
use crate::store::TimerRecord;

/// Start a timer; false when one of that id is pending.
pub(crate) fn start(
    run: &mut Run,
    env: &Env,
    attributes: history::TimerStartedEventAttributes,
    event: impl FnOnce(&Env, Attributes) -> HistoryEvent,
) -> bool {
    if run.timer_ids.contains_key(&attributes.timer_id) {
        return false;
    }
    let timer_id = attributes.timer_id.clone();
    let after = crate::proto::nanos(attributes.start_to_fire_timeout.as_ref());
    let event = event(env, Attributes::TimerStartedEventAttributes(attributes));
    let started_event_id = run.append_event(event);
    let due = env.now.0.saturating_add(after);
    run.put_timer(TimerRecord { started_event_id, timer_id, due });
    true
}

/// Cancel a pending timer, or take back one that fired unseen; false when there is neither.
pub(crate) fn cancel(
    run: &mut Run,
    env: &Env,
    timer_id: &str,
    completed_event_id: EventId,
    identity: &str,
) -> bool {
    let started_event_id = match run.timer_ids.get(timer_id) {
        Some(id) => *id,
        None => match take_back_fired(run, timer_id) {
            Some(id) => id,
            None => return false,
        },
    };
    run.remove_timer(started_event_id);
    let attributes = history::TimerCanceledEventAttributes {
        timer_id: timer_id.to_owned(),
        started_event_id,
        workflow_task_completed_event_id: completed_event_id,
        identity: identity.to_owned(),
    };
    run.append(env, Attributes::TimerCanceledEventAttributes(attributes));
    true
}

/// Remove the firing of that timer from the events that the workflow has not seen.
fn take_back_fired(run: &mut Run, timer_id: &str) -> Option<EventId> {
    let fired = run.buffered.iter().find_map(|(_, event)| match &event.attributes {
        Some(Attributes::TimerFiredEventAttributes(fired)) if fired.timer_id == timer_id => {
            Some(fired.started_event_id)
        }
        _ => None,
    })?;
    let mut events = run.clear_buffered();
    events.retain(|event| {
        event.event_type != i32::from(enums::EventType::TimerFired)
            || !matches!(&event.attributes, Some(Attributes::TimerFiredEventAttributes(f)) if f.timer_id == timer_id)
    });
    run.restore_buffered(events);
    Some(fired)
}

/// Time has come.
pub(crate) fn fire(run: &mut Run, env: &mut Env, started_event_id: EventId) {
    let Some(record) = run.remove_timer(started_event_id) else { return };
    let attributes =
        history::TimerFiredEventAttributes { timer_id: record.timer_id, started_event_id };
    let event = make_event(env, Attributes::TimerFiredEventAttributes(attributes));
    run.append_external(event);
    workflow_task::schedule(run, env);
}
