//! The next deadline of an activity.

use crate::proto::enums::TimeoutType;
use crate::state::run::Run;
use crate::store::ActivityRecord;
use crate::store::record::ActivityState;

/// The next thing that time does to an activity. While it is paused, nothing; but one without a workflow
/// runs out of its whole time, and so does the attempt that a worker has.
pub(super) fn next_deadline(run: &Run, record: &ActivityRecord) -> Option<(i64, Deadline)> {
    let paused = record.paused.is_some();
    if paused && !run.row.is_activity() {
        return None;
    }
    let after =
        |from: i64, length: i64, what| (length != 0).then(|| (from.saturating_add(length), what));
    let timeout = Deadline::Timeout;
    let last_sign = record.started_time.max(record.heartbeat_time);
    let own = match record.state() {
        ActivityState::Scheduled | ActivityState::BackingOff if paused => None,
        ActivityState::Scheduled => after(
            record.attempt_scheduled_time,
            record.schedule_to_start,
            timeout(TimeoutType::ScheduleToStart),
        ),
        ActivityState::Started => [
            after(record.started_time, record.start_to_close, timeout(TimeoutType::StartToClose)),
            after(last_sign, record.heartbeat_timeout, timeout(TimeoutType::Heartbeat)),
        ]
        .into_iter()
        .flatten()
        .min_by_key(|(due, _)| *due),
        ActivityState::BackingOff => Some((record.attempt_scheduled_time, Deadline::Attempt)),
    };
    let expiration = record.expiration();
    let whole = (expiration != 0).then(|| (expiration, timeout(TimeoutType::ScheduleToClose)));
    // When two are due together, the narrower one tells more, but nobody waits for it who is out of time.
    let started = record.state() == ActivityState::Started;
    match (own, whole) {
        (Some(own), Some(whole)) if whole.0 < own.0 || started && whole.0 == own.0 => Some(whole),
        (own, whole) => own.or(whole),
    }
}

/// The kinds of deadlines.
#[derive(Clone, Copy)]
pub(super) enum Deadline {
    Timeout(TimeoutType),
    Attempt,
}
