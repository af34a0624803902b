//! Activities that were started by themselves, not by a workflow.
//!
//! Each is a run of its own. Its attempts are those of any activity, in the same machine ([`activity`]):
//! here is what is different, how it begins and how it ends. What does not change is in its history: the
//! scheduled event, and the one of its end. Nobody is shown either.

use crate::ids::{EventId, NamespaceKey, RunId, RunKey};
use crate::machine::activity;
use crate::machine::activity::End;
use crate::policy::{priority, retry};
use crate::proto::enums::{ActivityExecutionStatus as Status, RetryState, TimeoutType};
use crate::proto::failure::Failure;
use crate::proto::failure::failure::FailureInfo;
use crate::proto::history::{
    ActivityTaskScheduledEventAttributes, HistoryEvent, WorkflowExecutionTerminatedEventAttributes,
};
use crate::proto::{Attributes, common, sdk};
use crate::state::env::Env;
use crate::state::run::{Run, make_event};
use crate::store::record::ActivityState;
use crate::store::{ActivityRecord, CancelRecord, RunRecord, RunRow, StandaloneRecord};
use crate::visibility::filter;
use crate::{Code, RpcStatus};

/// The scheduled event of the one activity that such a run has.
pub(crate) const SCHEDULED: EventId = 1;

/// The message of an attempt that left no time for another one.
const NO_TIME: &str = "Not enough time to schedule next retry before activity ScheduleToClose timeout, giving up retrying";

/// The parts of a new activity.
pub(crate) struct NewActivity {
    pub(crate) namespace: NamespaceKey,
    pub(crate) run_id: RunId,
    pub(crate) request_id: String,
    /// The scheduled event, complete.
    pub(crate) attributes: ActivityTaskScheduledEventAttributes,
    /// Before the first attempt.
    pub(crate) start_delay: std::time::Duration,
    pub(crate) search_attributes: Option<common::SearchAttributes>,
    pub(crate) user_metadata: Option<sdk::UserMetadata>,
    pub(crate) links: Vec<common::Link>,
}

/// Start an activity: it waits for a worker, at once or after a while.
pub(crate) fn start(key: RunKey, new: NewActivity, env: &mut Env) -> Run {
    let NewActivity { attributes, start_delay, user_metadata, links, .. } = new;
    let delay = i64::try_from(start_delay.as_nanos()).unwrap_or(i64::MAX);
    let mut record = activity::record(&attributes, SCHEDULED, env.now.0);
    record.level = priority::level(attributes.priority.as_ref());
    record.start_delay = delay;
    let row = RunRow {
        key,
        namespace: new.namespace,
        workflow_id: record.activity_id.clone(),
        run_id: new.run_id,
        workflow_type: record.activity_type.clone(),
        task_queue: record.task_queue.clone(),
        status: Status::Running.into(),
        start_time: env.now,
        close_time: None,
        record: RunRecord {
            next_event_id: SCHEDULED,
            request_id: new.request_id,
            first_backoff: delay,
            search_attributes: new.search_attributes,
            priority: attributes.priority.clone(),
            standalone: Some(StandaloneRecord { start_delay: delay, ..Default::default() }),
            ..RunRecord::default()
        },
    };
    let mut run = Run::new(row);
    let event = make_event(env, Attributes::ActivityTaskScheduledEventAttributes(attributes));
    let id = run.append_event(HistoryEvent { user_metadata, links, ..event });
    debug_assert_eq!(id, SCHEDULED, "the scheduled event is the first");
    activity::schedule_after(&mut run, env, record, start_delay);
    run
}

/// Something became of the run's activity, if it is one of an activity: note it.
pub(crate) fn note(run: &mut Run, note: impl FnOnce(&mut StandaloneRecord)) {
    if !run.row.is_activity() {
        return;
    }
    let record = run.activities.get(&SCHEDULED);
    let waits = record.is_some_and(|record| record.state() != ActivityState::Started);
    let paused = waits && record.is_some_and(|record| record.paused.is_some());
    let row = run.state();
    if row.is_open() {
        row.status = if paused { Status::Paused } else { Status::Running }.into();
    }
    if let Some(own) = &mut row.record.standalone {
        note(own);
    }
}

/// The activity as it is, or was when it ended.
pub(crate) fn activity<'a>(run: Option<&'a Run>, row: &'a RunRow) -> Option<&'a ActivityRecord> {
    let open = run.and_then(|run| run.activities.get(&SCHEDULED));
    open.or_else(|| row.record.standalone.as_ref()?.ended.as_ref())
}

/// The end of an activity that is not the run's any more.
pub(super) fn close(run: &mut Run, env: &Env, mut record: ActivityRecord, mut end: End) {
    let status = match &mut end {
        End::Completed { identity, .. } => {
            if record.state() != ActivityState::Started {
                note(run, |own| own.last_started = env.now.0); // by its id, before a worker had it
            }
            record.identity.clone_from(identity);
            record.attempt_ended = env.now.0;
            Status::Completed
        }
        End::Failed { failure, identity, .. } => {
            if *failure == Failure::default() {
                failure.message = "activity task failed without failure details".into();
            }
            record.identity.clone_from(identity);
            record.last_failure = Some(failure.clone());
            record.attempt_ended = env.now.0;
            Status::Failed
        }
        End::TimedOut { .. } => Status::TimedOut,
        End::Canceled { identity, .. } => {
            let own = run.row.record.standalone.as_ref();
            let cancel = own.and_then(|own| own.cancel.as_ref());
            *identity = cancel.map(|cancel| cancel.identity.clone()).unwrap_or_default();
            Status::Canceled
        }
    };
    let attributes = activity::closing_attributes(&record, 0, end);
    close_run(run, env, record, status, attributes);
}

/// Refuse a request that a closed activity gets.
pub(crate) fn no_transition(row: &RunRow) -> RpcStatus {
    let status = filter::status_name(row.kind(), row.status);
    RpcStatus::new(Code::FailedPrecondition, format!("invalid transition from {status}"))
}

fn close_run(
    run: &mut Run,
    env: &Env,
    record: ActivityRecord,
    status: Status,
    attributes: Attributes,
) {
    run.append(env, attributes);
    run.clear_pending();
    let state = run.state();
    state.status = status.into();
    state.close_time = Some(env.now);
    note(run, |own| own.ended = Some(record));
}

/// End an activity without asking it.
pub(crate) fn terminate(
    run: &mut Run,
    env: &Env,
    reason: String,
    identity: String,
    request_id: String,
) {
    let Some(record) = run.remove_activity(SCHEDULED) else { return };
    note(run, |own| own.terminate_request_id = request_id);
    let details = None;
    let attributes = WorkflowExecutionTerminatedEventAttributes { reason, details, identity };
    let attributes = Attributes::WorkflowExecutionTerminatedEventAttributes(attributes);
    close_run(run, env, record, Status::Terminated, attributes);
}

/// Ask for the cancellation of an activity. That ends one that no worker has.
pub(crate) fn request_cancel(run: &mut Run, env: &mut Env, cancel: CancelRecord) {
    let Some(mut record) = run.activities.get(&SCHEDULED).cloned() else { return };
    record.cancel_requested = SCHEDULED;
    // Comes before everything that is wanted besides.
    (record.paused, record.reset, record.forget_heartbeat) = (None, false, false);
    let started = record.state() == ActivityState::Started;
    run.put_activity(record);
    let payload = common::Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: serde_json::to_vec(&cancel.reason).unwrap_or_default(),
        ..Default::default()
    };
    note(run, |own| (own.cancel, own.restored) = (Some(cancel), None));
    if !started {
        let details = Some(common::Payloads { payloads: vec![payload] });
        activity::close(run, env, SCHEDULED, End::Canceled { details, identity: String::new() });
    }
}

/// An attempt, or all of them, took too long. Says a little more than what a workflow is told.
pub(super) fn timed_out(run: &mut Run, env: &mut Env, kind: TimeoutType) {
    let Some(record) = run.activities.get(&SCHEDULED).cloned() else { return };
    let failure = |kind, details, cause: Option<Failure>| Failure {
        source: String::new(),
        cause: cause.map(Box::new),
        ..activity::timeout_failure(kind, details)
    };
    let (details, cause) = (record.heartbeat_details.clone(), record.last_failure.clone());
    let mut whole = failure(TimeoutType::ScheduleToClose, details.clone(), cause.clone());
    let (failure, state) = match kind {
        TimeoutType::StartToClose | TimeoutType::Heartbeat => {
            let state = match activity::retry(run, env, SCHEDULED, &failure(kind, None, None)) {
                Ok(()) => return,
                Err(state) => state,
            };
            let of_attempt = failure(kind, details, cause);
            run.put_activity(ActivityRecord {
                last_failure: Some(of_attempt.clone()),
                attempt_ended: env.now.0,
                ..record
            });
            if state == RetryState::Timeout {
                NO_TIME.clone_into(&mut whole.message);
                (whole, state)
            } else {
                (of_attempt, state)
            }
        }
        TimeoutType::ScheduleToClose if record.cancel_requested != 0 => {
            (whole, RetryState::CancelRequested)
        }
        TimeoutType::ScheduleToClose => (whole, RetryState::Timeout),
        _ => (failure(kind, details, cause), RetryState::Timeout),
    };
    activity::close(run, env, SCHEDULED, End::TimedOut { failure, state });
}

/// Compute the time from the failed attempt to the next, while the activity backs off.
pub(crate) fn retry_interval(record: &ActivityRecord) -> Option<std::time::Duration> {
    let (policy, failure) = (record.retry_policy.as_ref()?, record.last_failure.as_ref()?);
    let waits = record.state() == ActivityState::BackingOff && record.attempt > 1;
    waits.then(|| retry::delay(policy, record.attempt - 1, failure))
}

/// Build the outcome of an activity from its closing event.
pub(crate) fn outcome(
    row: &RunRow,
    end: Option<Attributes>,
) -> Option<crate::proto::activity::ActivityExecutionOutcome> {
    use crate::proto::activity::{ActivityExecutionOutcome, activity_execution_outcome::Value};
    use crate::proto::failure::{CanceledFailureInfo, TerminatedFailureInfo};
    let failed = |message: String, info| {
        let failure_info = Some(info);
        Value::Failure(Failure { message, failure_info, ..Default::default() })
    };
    let (value, state) = match end.filter(|_| !row.is_open())? {
        Attributes::ActivityTaskCompletedEventAttributes(end) => {
            (Value::Result(end.result.unwrap_or_default()), 0)
        }
        Attributes::ActivityTaskFailedEventAttributes(end) => {
            (Value::Failure(end.failure.unwrap_or_default()), end.retry_state)
        }
        Attributes::ActivityTaskTimedOutEventAttributes(end) => {
            (Value::Failure(end.failure.unwrap_or_default()), end.retry_state)
        }
        Attributes::ActivityTaskCanceledEventAttributes(end) => {
            let info = CanceledFailureInfo { details: end.details, identity: end.identity };
            (failed("Activity canceled".into(), FailureInfo::CanceledFailureInfo(info)), 0)
        }
        Attributes::WorkflowExecutionTerminatedEventAttributes(end) => {
            let info = TerminatedFailureInfo { identity: end.identity };
            (failed(end.reason, FailureInfo::TerminatedFailureInfo(info)), 0)
        }
        _ => return None,
    };
    Some(ActivityExecutionOutcome { value: Some(value), retry_state: state })
}
