//! Activities under an operator's hand: paused, let go on, begun anew.
//!
//! A worker that has one is not interrupted: its next heartbeat says so. None of it is in the history.

use std::time::Duration;

use crate::ids::EventId;
use crate::machine::activity;
use crate::proto::{common, history};
use crate::state::env::Env;
use crate::state::run::Run;
use crate::store::ActivityRecord;
use crate::store::record::{ActivityState, PauseRecord};

/// The search attribute that tells which activities of a run are paused.
const PAUSE_INFO: &str = "TemporalPauseInfo";

/// Which of a run's activities an operator means.
pub(crate) enum Which {
    Id(String),
    Type(String),
    All,
}

/// Those of them that are pending.
pub(crate) fn find(run: &Run, which: &Which) -> Vec<EventId> {
    match which {
        Which::Id(id) => run.activity_ids.get(id).copied().into_iter().collect(),
        Which::Type(name) => {
            let of_type = run.activities.values().filter(|record| record.activity_type == *name);
            of_type.map(|record| record.scheduled_event_id).collect()
        }
        Which::All => run.activities.keys().copied().collect(),
    }
}

/// Tell whether an activity is paused already, by another request.
pub(crate) fn is_paused_by_other(run: &Run, id: EventId, request_id: &str) -> bool {
    let paused = run.activities.get(&id).and_then(|record| record.paused.as_ref());
    paused.is_some_and(|pause| pause.request_id != request_id)
}

/// No more attempts, and no timeouts, until it is let go on.
pub(crate) fn pause(run: &mut Run, id: EventId, pause: PauseRecord) {
    let Some(mut record) = run.activities.get(&id).cloned() else { return };
    record.paused.get_or_insert(pause);
    run.put_activity(record);
    tell(run);
}

/// Options of an operator's unpause or reset.
pub(crate) struct Wish {
    /// Begin with the first attempt, without what was told by heartbeats.
    pub(crate) attempts: bool,
    pub(crate) heartbeat: bool,
    /// Somewhere within this time, in nanoseconds, instead of at once.
    pub(crate) jitter: i64,
}

/// Let a paused activity go on, at once where no worker has it.
pub(crate) fn unpause(run: &mut Run, env: &mut Env, id: EventId, wish: &Wish) {
    let Some(mut record) = run.activities.get(&id).cloned() else { return };
    if record.paused.take().is_none() {
        return;
    }
    if wish.attempts {
        record.attempt = 1;
    }
    record.forget_heartbeat |= wish.heartbeat;
    go_on(run, env, record, wish.jitter);
    tell(run);
}

/// Begin anew with the first attempt. One that a worker has goes on, and so does a pause if it is to be
/// kept.
pub(crate) fn reset(
    run: &mut Run,
    env: &mut Env,
    id: EventId,
    wish: &Wish,
    keep_paused: bool,
    original: Option<&history::ActivityTaskScheduledEventAttributes>,
) {
    let Some(mut record) = run.activities.get(&id).cloned() else { return };
    record.attempt = 1;
    record.reset = true;
    record.forget_heartbeat |= wish.heartbeat;
    if let Some(original) = original {
        record = restored(record, original);
    }
    let runs = record.state() == ActivityState::Started && record.cancel_requested == 0;
    if runs || (record.paused.is_some() && keep_paused) {
        run.put_activity(record);
        return;
    }
    record.paused = None;
    go_on(run, env, record, wish.jitter);
    tell(run);
}

/// The activity with the options that it was scheduled with.
pub(super) fn restored(
    record: ActivityRecord,
    original: &history::ActivityTaskScheduledEventAttributes,
) -> ActivityRecord {
    let first = activity::record(original, record.scheduled_event_id, record.scheduled_time);
    ActivityRecord {
        task_queue: first.task_queue,
        schedule_to_close: first.schedule_to_close,
        schedule_to_start: first.schedule_to_start,
        start_to_close: first.start_to_close,
        heartbeat_timeout: first.heartbeat_timeout,
        retry_policy: first.retry_policy,
        ..record
    }
}

/// Give the activity to its queue, unless a worker has it.
fn go_on(run: &mut Run, env: &mut Env, mut record: ActivityRecord, jitter: i64) {
    if record.state() == ActivityState::Started || record.cancel_requested != 0 {
        activity::put(run, record);
        return;
    }
    record.leave_attempt();
    record.last_failure = None;
    let delay = self::jitter(env, jitter);
    activity::schedule_after(run, env, record, delay);
}

/// Somewhere within that many nanoseconds.
pub(super) fn jitter(env: &Env, within: i64) -> Duration {
    match u64::try_from(within) {
        Ok(within) if within > 0 => {
            let mut random = [0; 8];
            random.copy_from_slice(&env.entropy.bytes()[..8]);
            Duration::from_nanos(u64::from_le_bytes(random) % within)
        }
        _ => Duration::ZERO,
    }
}

/// Keep the search attribute up to date.
fn tell(run: &mut Run) {
    let paused = run.activities.values().filter(|record| record.paused.is_some());
    let types: std::collections::BTreeSet<_> =
        paused.map(|record| format!("property:activityType={}", record.activity_type)).collect();
    if types.is_empty() {
        run.search_attributes().indexed_fields.remove(PAUSE_INFO);
        return;
    }
    let data = serde_json::to_vec(&types).unwrap_or_default();
    let encoding = ("encoding".to_owned(), b"json/plain".to_vec());
    let kind = ("type".to_owned(), b"KeywordList".to_vec());
    let payload = common::Payload { metadata: [encoding, kind].into(), data, ..Default::default() };
    run.search_attributes().indexed_fields.insert(PAUSE_INFO.to_owned(), payload);
}
