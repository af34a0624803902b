//! Activities without a workflow under an operator's hand: paused, let go on, begun anew, changed.
//!
//! A worker that has one is not interrupted: its next heartbeat says so, and what is asked for comes when
//! its attempt is over. Unlike a workflow's activity, one that is paused can run out of its whole time.

use std::time::Duration;

use crate::machine::activity;
use crate::machine::activity::control::jitter;
use crate::machine::activity::standalone::{SCHEDULED, note};
use crate::machine::activity::standalone_options::apply;
use crate::policy::retry;
use crate::proto::activity::ActivityOptions;
use crate::proto::failure::Failure;
use crate::state::env::Env;
use crate::state::run::Run;
use crate::store::record::{ActivityState, PauseRecord};
use crate::store::{ActivityRecord, RunRow};
use crate::visibility::filter;
use crate::{Code, RpcStatus};

/// Name the state of an activity.
pub(crate) fn state_name(row: &RunRow, record: Option<&ActivityRecord>) -> &'static str {
    let Some(record) = record.filter(|_| row.is_open()) else {
        return filter::status_name(row.kind(), row.status);
    };
    match record.state() {
        _ if record.cancel_requested != 0 => "CancelRequested",
        ActivityState::Started if record.reset => "ResetRequested",
        ActivityState::Started if record.paused.is_some() => "PauseRequested",
        ActivityState::Started => "Started",
        _ if record.paused.is_some() => "Paused",
        ActivityState::Scheduled | ActivityState::BackingOff => "Scheduled",
    }
}

fn refused(message: impl Into<String>) -> RpcStatus {
    RpcStatus::new(Code::FailedPrecondition, message)
}

/// No more attempts until it is let go on.
pub(crate) fn pause(
    run: &mut Run,
    env: &Env,
    identity: &str,
    reason: &str,
) -> Result<(), RpcStatus> {
    let record = run.activities.get(&SCHEDULED);
    let state = state_name(&run.row, record);
    let Some(mut record) = record.filter(|_| matches!(state, "Scheduled" | "Started")).cloned()
    else {
        return Err(refused(format!("activity is in non-pausable state {state}")));
    };
    let (identity, reason) = (identity.to_owned(), reason.to_owned());
    let time = env.now.0;
    record.paused = Some(PauseRecord { time, identity, reason, ..PauseRecord::default() });
    activity::put(run, record);
    note(run, |_| {});
    Ok(())
}

/// Let a paused activity go on. What is left of its backoff is waited for.
pub(crate) fn unpause(run: &mut Run, env: &mut Env, within: i64) -> Result<(), RpcStatus> {
    let record = run.activities.get(&SCHEDULED);
    let state = state_name(&run.row, record);
    let Some(mut record) = record.filter(|_| matches!(state, "Paused" | "PauseRequested")).cloned()
    else {
        return Err(refused(format!("activity is in non-unpausable state {state}")));
    };
    record.paused = None;
    if record.state() == ActivityState::Started {
        activity::put(run, record);
    } else {
        let backoff = match record.state() {
            ActivityState::BackingOff => record.attempt_scheduled_time,
            _ => 0,
        };
        let at = env.now.after(jitter(env, within)).0.max(backoff);
        dispatch(run, env, record, at);
    }
    note(run, |_| {});
    Ok(())
}

/// Options of an operator's reset.
pub(crate) struct Reset {
    pub(crate) keep_paused: bool,
    pub(crate) heartbeat: bool,
    /// Somewhere within this time, in nanoseconds, instead of at once.
    pub(crate) jitter: i64,
    /// With these options: those that it was started with.
    pub(crate) restored: Option<ActivityOptions>,
}

/// Begin anew with the first attempt: when the attempt of a worker that has it is over, or else at once.
pub(crate) fn reset(run: &mut Run, env: &mut Env, wish: Reset) -> Result<(), RpcStatus> {
    let Some(mut record) = run.activities.get(&SCHEDULED).cloned() else {
        return Err(refused("activity execution is not running"));
    };
    match state_name(&run.row, Some(&record)) {
        "CancelRequested" => {
            return Err(refused("cannot reset an activity with a pending cancellation"));
        }
        "ResetRequested" => return Err(refused("cannot reset an activity with a pending reset")),
        _ => {}
    }
    if !wish.keep_paused {
        record.paused = None;
    }
    if record.state() == ActivityState::Started {
        record.reset = true;
        record.forget_heartbeat = wish.heartbeat;
        activity::put(run, record);
        note(run, |own| own.restored = wish.restored);
        return Ok(());
    }
    if let Some(options) = wish.restored {
        apply(run, &mut record, options);
    }
    let at = env.now.after(jitter(env, wish.jitter)).0;
    if wish.heartbeat {
        record.heartbeat_details = None;
        note(run, |own| own.last_heartbeat = 0);
    }
    begin(run, env, record, at);
    Ok(())
}

/// The attempt is over that a worker had while somebody wanted the activity to begin anew.
pub(super) fn begin_again(run: &mut Run, env: &mut Env, failure: &Failure) {
    let Some(mut record) = run.activities.get(&SCHEDULED).cloned() else { return };
    let forgets = record.forget_heartbeat;
    record.leave_attempt();
    record.last_failure = Some(failure.clone());
    record.attempt_ended = env.now.0;
    let mut restored = None;
    note(run, |own| {
        restored = own.restored.take();
        if forgets {
            own.last_heartbeat = 0;
        }
    });
    if let Some(options) = restored {
        apply(run, &mut record, options);
    }
    let now = env.now.0;
    begin(run, env, record, now);
}

fn begin(run: &mut Run, env: &mut Env, mut record: ActivityRecord, at: i64) {
    record.attempt = 1;
    if record.paused.is_some() {
        record.set_state(ActivityState::Scheduled);
        activity::put(run, record);
    } else {
        dispatch(run, env, record, at);
    }
    note(run, |_| {});
}

/// Apply changed options: deadlines, and maybe the queue.
pub(crate) fn changed(run: &mut Run, env: &mut Env, record: ActivityRecord, retries: bool) {
    if record.state() == ActivityState::Started || record.paused.is_some() {
        activity::put(run, record);
    } else {
        let at = match record.state() {
            ActivityState::BackingOff if record.attempt > 1 => backoff(&record, retries),
            _ => env.now.0,
        };
        dispatch(run, env, record, at);
    }
    note(run, |_| {});
}

/// When the next attempt is due: anew where the policy has changed and the worker did not say when.
fn backoff(record: &ActivityRecord, retries: bool) -> i64 {
    let (Some(policy), Some(failure)) = (&record.retry_policy, &record.last_failure) else {
        return record.attempt_scheduled_time;
    };
    if !retries {
        return record.attempt_scheduled_time;
    }
    let delay = retry::delay(policy, record.attempt - 1, failure);
    crate::Timestamp(record.attempt_ended).after(delay).0
}

/// Give an activity that no worker has to its queue at that time, and not before its start delay is over.
fn dispatch(run: &mut Run, env: &mut Env, record: ActivityRecord, at: i64) {
    let own = run.row.record.standalone.as_ref();
    let is_first = own.is_some_and(|own| own.last_started == 0);
    let first = record.scheduled_time.saturating_add(record.start_delay);
    let at = if is_first { at.max(first) } else { at };
    let delay = u64::try_from(at.saturating_sub(env.now.0)).unwrap_or(0);
    activity::schedule_after(run, env, record, Duration::from_nanos(delay));
}
