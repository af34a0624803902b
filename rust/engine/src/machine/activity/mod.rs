//! Activities: scheduled, started by a worker, retried, and closed once.
//!
//! Nothing is written to the history between the scheduled event and the end: the started event goes
//! right before the closing one, and attempts in between are only in the activity's record.
//!
//! ```text
//! scheduled   --a worker polls-->              started      (nothing is written)
//! started     --failed or timed out, retried--> backing off (nothing is written; the next attempt)
//! backing off --due-->                         scheduled
//! any         --paused-->                      the same, without deadlines until it is unpaused
//! scheduled   --cancellation requested-->      closed       (ActivityTaskCanceled; backing off, too)
//! started     --ended for good-->              closed       (ActivityTaskStarted and its end)
//! ```

pub(crate) mod control;
pub(crate) mod deadline;
pub(crate) mod options;
pub(crate) mod standalone;
pub(crate) mod standalone_control;
pub(crate) mod standalone_options;

use crate::Timestamp;
use crate::ids::EventId;
use crate::machine::activity::deadline::{Deadline, next_deadline};
use crate::machine::workflow_task;
use crate::mutation::{Mutation, is_active};
use crate::policy::{priority, retry};
use crate::proto::enums::{RetryState, TimeoutType};
use crate::proto::failure::failure::FailureInfo;
use crate::proto::failure::{Failure, ServerFailureInfo, TimeoutFailureInfo};
use crate::proto::{Attributes, common, history, nanos, timestamp};
use crate::state::env::{Env, Work};
use crate::state::run::{Run, make_event};
use crate::state::timers::TimerKind;
use crate::store::ActivityRecord;
use crate::store::record::ActivityState;

/// Details of the cancellation of an activity that no worker had.
const NOT_STARTED: &str = "ACTIVITY_ID_NOT_STARTED";

/// Schedule an activity whose attributes are complete and checked.
pub(crate) fn schedule(
    run: &mut Run,
    env: &mut Env,
    attributes: history::ActivityTaskScheduledEventAttributes,
    event: impl FnOnce(&Env, Attributes) -> history::HistoryEvent,
) -> EventId {
    let mut record = record(&attributes, 0, env.now.0);
    record.level = level(run, &attributes);
    let event = event(env, Attributes::ActivityTaskScheduledEventAttributes(attributes));
    record.scheduled_event_id = run.append_event(event);
    let id = record.scheduled_event_id;
    put(run, record);
    env.work.push(Work::ActivityTask(run.key(), id));
    id
}

/// An activity that was scheduled by that event at that time.
pub(crate) fn record(
    attributes: &history::ActivityTaskScheduledEventAttributes,
    scheduled_event_id: EventId,
    now: i64,
) -> ActivityRecord {
    let kind = attributes.activity_type.as_ref();
    let queue = attributes.task_queue.as_ref();
    ActivityRecord {
        scheduled_event_id,
        activity_id: attributes.activity_id.clone(),
        activity_type: kind.map(|kind| kind.name.clone()).unwrap_or_default(),
        task_queue: queue.map(|queue| queue.name.clone()).unwrap_or_default(),
        attempt: 1,
        scheduled_time: now,
        attempt_scheduled_time: now,
        schedule_to_close: nanos(attributes.schedule_to_close_timeout.as_ref()),
        schedule_to_start: nanos(attributes.schedule_to_start_timeout.as_ref()),
        start_to_close: nanos(attributes.start_to_close_timeout.as_ref()),
        heartbeat_timeout: nanos(attributes.heartbeat_timeout.as_ref()),
        retry_policy: attributes.retry_policy.clone(),
        ..ActivityRecord::default()
    }
}

/// An activity of a run that goes on from another one's history, from its first attempt.
pub(crate) fn schedule_again(run: &mut Run, env: &mut Env, record: ActivityRecord) {
    let id = record.scheduled_event_id;
    put(run, record);
    env.work.push(Work::ActivityTask(run.key(), id));
}

/// Where an activity is in its queue.
pub(crate) fn level(run: &Run, attributes: &history::ActivityTaskScheduledEventAttributes) -> i32 {
    let own = attributes.priority.as_ref();
    priority::level(priority::merge(run.row.record.priority.as_ref(), own).as_ref())
}

/// Give an activity that no worker has to its queue, now or after a while.
pub(super) fn schedule_after(
    run: &mut Run,
    env: &mut Env,
    mut record: ActivityRecord,
    delay: std::time::Duration,
) {
    let id = record.scheduled_event_id;
    record.attempt_scheduled_time = env.now.after(delay).0;
    if delay.is_zero() {
        record.set_state(ActivityState::Scheduled);
        put(run, record);
        env.work.push(Work::ActivityTask(run.key(), id));
    } else {
        record.set_state(ActivityState::BackingOff);
        put(run, record);
    }
}

/// Store an activity, with a timer that is not later than its next deadline. One that is earlier
/// stays: when it fires it is armed anew, which is cheaper than a row for every heartbeat.
pub(crate) fn put(run: &mut Run, mut record: ActivityRecord) {
    // A heartbeat moves the deadline back: the early timer stays, and is armed anew when it fires.
    let due = next_deadline(run, &record).map_or(0, |(due, _)| due);
    if due != 0 && (record.armed == 0 || due < record.armed) {
        if record.armed != 0 {
            run.disarm(record.armed, TimerKind::Activity as i64, record.scheduled_event_id);
        }
        run.arm(due, TimerKind::Activity, record.scheduled_event_id);
        record.armed = due;
    }
    let in_time = due == 0 || (record.armed != 0 && record.armed <= due);
    debug_assert!(in_time, "a timer fires no later than the next deadline");
    run.put_activity(record);
}

/// A worker takes the activity; false when it is not to be taken.
pub(crate) fn start(run: &mut Run, env: &Env, id: EventId, identity: &str, worker: &str) -> bool {
    let Some(record) = run.activities.get(&id) else { return false };
    if !record.is_ready() {
        return false;
    }
    let mut record = record.clone();
    record.set_state(ActivityState::Started);
    record.started_time = env.now.0;
    record.heartbeat_time = 0;
    identity.clone_into(&mut record.identity);
    worker.clone_into(&mut record.worker);
    put(run, record);
    standalone::note(run, |own| own.last_started = env.now.0);
    true
}

/// Another worker takes the attempt in progress, which the one that it was given to does not have.
pub(crate) fn reassign(run: &mut Run, id: EventId, identity: &str, worker: &str) {
    let Some(mut record) = run.activities.get(&id).cloned() else { return };
    identity.clone_into(&mut record.identity);
    worker.clone_into(&mut record.worker);
    run.put_activity(record);
}

/// The ends of an activity.
pub(crate) enum End {
    Completed { result: Option<common::Payloads>, identity: String },
    Failed { failure: Failure, identity: String, state: RetryState },
    TimedOut { failure: Failure, state: RetryState },
    Canceled { details: Option<common::Payloads>, identity: String },
}

/// The end of an activity that sent more than can be stored.
pub(crate) fn too_large(message: &str) -> End {
    let failure = server_failure(message, true);
    End::Failed { failure, identity: String::new(), state: RetryState::NonRetryableFailure }
}

/// A failure that the engine found, not the activity.
pub(crate) fn server_failure(message: &str, non_retryable: bool) -> Failure {
    Failure {
        message: message.into(),
        failure_info: Some(FailureInfo::ServerFailureInfo(ServerFailureInfo { non_retryable })),
        ..Default::default()
    }
}

/// End an activity: write started (if a worker had it) and the end, and schedule a workflow task. One
/// without a workflow ends with its run.
pub(crate) fn close(run: &mut Run, env: &mut Env, id: EventId, end: End) {
    let stays = is_active(Mutation::DoubleCompletion) && run.volatile.lease.is_some();
    let record = if stays { run.activities.get(&id).cloned() } else { run.remove_activity(id) };
    let Some(mut record) = record else { return };
    if run.row.is_activity() {
        return standalone::close(run, env, record, end);
    }
    let mut request_id = uuid::Uuid::from_bytes(env.entropy.bytes()).to_string();
    if let End::Completed { identity, .. } = &end
        && record.state() != ActivityState::Started
    {
        // Completed by its id before a worker had it: whoever did that counts as its worker.
        record.set_state(ActivityState::Started);
        record.started_time = env.now.0;
        record.identity.clone_from(identity);
        request_id = String::new();
    }
    let started_event_id = if record.state() == ActivityState::Started {
        let attributes = history::ActivityTaskStartedEventAttributes {
            scheduled_event_id: id,
            identity: record.identity.clone(),
            request_id,
            attempt: record.attempt,
            last_failure: record.last_failure.clone(),
            ..Default::default()
        };
        let mut event = make_event(env, Attributes::ActivityTaskStartedEventAttributes(attributes));
        event.event_time = Some(timestamp(Timestamp(record.started_time)));
        run.append_external(event).unwrap_or(0) // 0: known when the buffered events are flushed
    } else {
        0
    };
    let attributes = closing_attributes(&record, started_event_id, end);
    let event = make_event(env, attributes);
    run.append_external(event);
    workflow_task::schedule(run, env);
}

pub(super) fn closing_attributes(
    record: &ActivityRecord,
    started_event_id: EventId,
    end: End,
) -> Attributes {
    let scheduled_event_id = record.scheduled_event_id;
    match end {
        End::Completed { result, identity } => Attributes::ActivityTaskCompletedEventAttributes(
            history::ActivityTaskCompletedEventAttributes {
                result,
                scheduled_event_id,
                started_event_id,
                identity,
                ..Default::default()
            },
        ),
        End::Failed { failure, identity, state } => Attributes::ActivityTaskFailedEventAttributes(
            history::ActivityTaskFailedEventAttributes {
                failure: Some(failure),
                scheduled_event_id,
                started_event_id,
                identity,
                retry_state: state.into(),
                ..Default::default()
            },
        ),
        End::TimedOut { failure, state } => Attributes::ActivityTaskTimedOutEventAttributes(
            history::ActivityTaskTimedOutEventAttributes {
                failure: Some(failure),
                scheduled_event_id,
                started_event_id,
                retry_state: state.into(),
            },
        ),
        End::Canceled { details, identity } => Attributes::ActivityTaskCanceledEventAttributes(
            history::ActivityTaskCanceledEventAttributes {
                details,
                latest_cancel_requested_event_id: record.cancel_requested,
                scheduled_event_id,
                started_event_id,
                identity,
                ..Default::default()
            },
        ),
    }
}

/// The attempt in progress failed: back off, or give why there is no other attempt.
pub(crate) fn retry(
    run: &mut Run,
    env: &mut Env,
    id: EventId,
    failure: &Failure,
) -> Result<(), RetryState> {
    let Some(record) = run.activities.get(&id) else { return Ok(()) };
    let alone = run.row.is_activity();
    if alone && record.reset {
        standalone_control::begin_again(run, env, failure);
        return Ok(());
    }
    let Some(policy) = &record.retry_policy else { return Err(RetryState::RetryPolicyNotSet) };
    if record.cancel_requested != 0 {
        return Err(RetryState::CancelRequested);
    }
    let expiration = record.expiration();
    let mut record = record.clone();
    if record.paused.is_some() && !alone {
        // There will be another attempt, whatever their number, when it is let go on.
        if !retry::is_retryable(policy, failure) {
            return Err(RetryState::NonRetryableFailure);
        }
        record.set_state(ActivityState::Scheduled);
        record.started_time = 0;
    } else {
        let delay = retry::next_delay(policy, record.attempt, failure, env.now.0, expiration)?;
        record.set_state(ActivityState::BackingOff);
        record.attempt_scheduled_time = env.now.after(delay).0;
        record.leave_attempt();
    }
    record.attempt += 1;
    record.attempt_ended = env.now.0;
    record.last_failure = Some(failure.clone());
    put(run, record);
    standalone::note(run, |_| {});
    Ok(())
}

/// The workflow asks for the cancellation. That ends an activity that no worker has, and the workflow is
/// told so after everything else that it decided.
pub(crate) fn request_cancel(
    run: &mut Run,
    env: &Env,
    id: EventId,
    completed_event_id: EventId,
    identity: &str,
) {
    let attributes = history::ActivityTaskCancelRequestedEventAttributes {
        scheduled_event_id: id,
        workflow_task_completed_event_id: completed_event_id,
    };
    let event = run.append(env, Attributes::ActivityTaskCancelRequestedEventAttributes(attributes));
    let Some(record) = run.activities.get(&id) else { return };
    let mut record = record.clone();
    record.cancel_requested = event;
    let started = record.state() == ActivityState::Started;
    run.put_activity(record);
    if !started {
        let payload = common::Payload {
            metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
            data: format!("\"{NOT_STARTED}\"").into_bytes(),
            ..Default::default()
        };
        let details = Some(common::Payloads { payloads: vec![payload] });
        let record = run.remove_activity(id);
        if let Some(record) = record {
            let end = End::Canceled { details, identity: identity.to_owned() };
            run.buffer(make_event(env, closing_attributes(&record, 0, end)));
        }
    }
}

/// The answer to a heartbeat.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HeartbeatAnswer {
    /// The workflow asks for the cancellation.
    pub(crate) cancel_requested: bool,
    pub(crate) paused: bool,
    pub(crate) reset: bool,
}

/// A worker says that it is alive.
pub(crate) fn heartbeat(
    run: &mut Run,
    env: &Env,
    id: EventId,
    details: Option<common::Payloads>,
) -> HeartbeatAnswer {
    let Some(record) = run.activities.get(&id) else { return HeartbeatAnswer::default() };
    let mut record = record.clone();
    record.heartbeat_time = env.now.0;
    if details.is_some() || run.row.is_activity() {
        record.heartbeat_details = details;
    }
    let told = HeartbeatAnswer {
        cancel_requested: record.cancel_requested != 0,
        paused: record.paused.is_some() && !(record.reset && run.row.is_activity()),
        reset: record.reset,
    };
    put(run, record);
    standalone::note(run, |own| {
        own.heartbeats += 1;
        own.last_heartbeat = env.now.0;
    });
    told
}

/// The activity's timer fired; its row is gone.
pub(crate) fn on_deadline(run: &mut Run, env: &mut Env, id: EventId, due: Timestamp) {
    let Some(record) = run.activities.get(&id).filter(|record| record.armed == due.0) else {
        return;
    };
    let mut record = record.clone();
    record.armed = 0;
    match next_deadline(run, &record) {
        Some((due, _)) if due > env.now.0 => put(run, record),
        Some((_, Deadline::Attempt)) => {
            record.set_state(ActivityState::Scheduled);
            put(run, record);
            env.work.push(Work::ActivityTask(run.key(), id));
        }
        Some((_, Deadline::Timeout(kind))) => {
            run.put_activity(record);
            timed_out(run, env, id, kind);
        }
        None => run.put_activity(record),
    }
}

fn timed_out(run: &mut Run, env: &mut Env, id: EventId, kind: TimeoutType) {
    if run.row.is_activity() {
        return standalone::timed_out(run, env, kind);
    }
    let Some(record) = run.activities.get(&id) else { return };
    let (details, last) = (record.heartbeat_details.clone(), record.last_failure.clone());
    let failure = timeout_failure(kind, details.clone());
    let state = match kind {
        TimeoutType::StartToClose | TimeoutType::Heartbeat => match retry(run, env, id, &failure) {
            Ok(()) => return,
            Err(state) => state,
        },
        _ if record.cancel_requested != 0 => RetryState::CancelRequested,
        _ => RetryState::Timeout,
    };
    // When there is no time left for another attempt, that is what is reported.
    let failure = if state == RetryState::Timeout && kind != TimeoutType::ScheduleToStart {
        Failure {
            message:
                "Not enough time to schedule next retry before activity ScheduleToClose timeout, \
                      giving up retrying"
                    .into(),
            cause: last.map(Box::new),
            ..timeout_failure(TimeoutType::ScheduleToClose, details)
        }
    } else {
        failure
    };
    close(run, env, id, End::TimedOut { failure, state });
}

pub(super) fn timeout_failure(kind: TimeoutType, details: Option<common::Payloads>) -> Failure {
    let name = match kind {
        TimeoutType::StartToClose => "StartToClose",
        TimeoutType::ScheduleToStart => "ScheduleToStart",
        TimeoutType::ScheduleToClose => "ScheduleToClose",
        TimeoutType::Heartbeat => "Heartbeat",
        TimeoutType::Unspecified => "Unspecified",
    };
    let info = TimeoutFailureInfo { timeout_type: kind.into(), last_heartbeat_details: details };
    Failure {
        message: format!("activity {name} timeout"),
        source: "Server".into(),
        failure_info: Some(FailureInfo::TimeoutFailureInfo(info)),
        ..Default::default()
    }
}
