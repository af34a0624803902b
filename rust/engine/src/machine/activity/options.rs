//! Options of a pending activity that an operator changes: its queue, its timeouts, how it is retried.

use crate::machine::activity;
use crate::machine::activity::control;
use crate::policy::{limits, retry};
use crate::proto::activity::ActivityOptions;
use crate::proto::command::ScheduleActivityTaskCommandAttributes;
use crate::proto::{common, from_nanos, history, nanos, normal_queue};
use crate::state::env::Env;
use crate::state::run::Run;
use crate::store::ActivityRecord;
use crate::store::record::ActivityState;
use crate::{RpcStatus, Timestamp};

/// The options as they are.
fn of(record: &ActivityRecord) -> ActivityOptions {
    let policy = record.retry_policy.clone().unwrap_or_default();
    ActivityOptions {
        task_queue: Some(normal_queue(&record.task_queue)),
        schedule_to_close_timeout: Some(from_nanos(record.schedule_to_close)),
        schedule_to_start_timeout: Some(from_nanos(record.schedule_to_start)),
        start_to_close_timeout: Some(from_nanos(record.start_to_close)),
        heartbeat_timeout: Some(from_nanos(record.heartbeat_timeout)),
        // Which errors are not retried can't be changed, and is not told.
        retry_policy: Some(common::RetryPolicy { non_retryable_error_types: Vec::new(), ..policy }),
        ..Default::default()
    }
}

/// Put those fields of `wanted` that a mask names into `options`.
fn merge(
    options: &mut ActivityOptions,
    wanted: &ActivityOptions,
    mask: &[String],
) -> Result<(), RpcStatus> {
    let lacks = |what: &str| RpcStatus::invalid_argument(format!("{what} is not provided"));
    for field in mask {
        match field.as_str() {
            "schedule_to_close_timeout" => {
                options.schedule_to_close_timeout = wanted.schedule_to_close_timeout;
            }
            "schedule_to_start_timeout" => {
                options.schedule_to_start_timeout = wanted.schedule_to_start_timeout;
            }
            "start_to_close_timeout" => {
                options.start_to_close_timeout = wanted.start_to_close_timeout;
            }
            "heartbeat_timeout" => options.heartbeat_timeout = wanted.heartbeat_timeout,
            "task_queue.name" => {
                let queue = wanted.task_queue.as_ref().ok_or_else(|| lacks("TaskQueue"))?;
                options.task_queue.get_or_insert_default().name.clone_from(&queue.name);
            }
            _ => {
                let Some(field) = field.strip_prefix("retry_policy.") else { continue };
                let wanted = wanted.retry_policy.as_ref().ok_or_else(|| lacks("RetryPolicy"))?;
                let policy = options.retry_policy.get_or_insert_default();
                match field {
                    "initial_interval" => policy.initial_interval = wanted.initial_interval,
                    "backoff_coefficient" => {
                        policy.backoff_coefficient = wanted.backoff_coefficient;
                    }
                    "maximum_interval" => policy.maximum_interval = wanted.maximum_interval,
                    "maximum_attempts" => policy.maximum_attempts = wanted.maximum_attempts,
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

/// The activity with some of its options changed; refused when they make no sense together.
pub(crate) fn changed(
    record: ActivityRecord,
    wanted: &ActivityOptions,
    mask: &[String],
) -> Result<ActivityRecord, RpcStatus> {
    let mut options = of(&record);
    merge(&mut options, wanted, mask)?;
    let attributes = ScheduleActivityTaskCommandAttributes {
        activity_id: record.activity_id.clone(),
        activity_type: Some(common::ActivityType { name: record.activity_type.clone() }),
        schedule_to_close_timeout: options.schedule_to_close_timeout,
        schedule_to_start_timeout: options.schedule_to_start_timeout,
        start_to_close_timeout: options.start_to_close_timeout,
        heartbeat_timeout: options.heartbeat_timeout,
        ..Default::default()
    };
    let timeouts = Timeouts::of(&attributes, 0).map_err(RpcStatus::invalid_argument)?;
    let task_queue = options.task_queue.map(|queue| queue.name).filter(|name| !name.is_empty());
    let task_queue = task_queue.ok_or_else(|| {
        RpcStatus::invalid_argument("TaskQueue is not set on ScheduleActivityTaskCommand.")
    })?;
    let kept = record.retry_policy.clone().unwrap_or_default().non_retryable_error_types;
    let policy = options.retry_policy.unwrap_or_default();
    let policy = common::RetryPolicy { non_retryable_error_types: kept, ..policy };
    let policy = retry::complete(Some(policy)).map_err(RpcStatus::invalid_argument)?;
    Ok(ActivityRecord {
        task_queue,
        schedule_to_close: timeouts.schedule_to_close,
        schedule_to_start: timeouts.schedule_to_start,
        start_to_close: timeouts.start_to_close,
        heartbeat_timeout: timeouts.heartbeat,
        retry_policy: Some(policy),
        ..record
    })
}

/// The activity with the options that it was scheduled with.
pub(crate) fn restored(
    record: ActivityRecord,
    original: &history::ActivityTaskScheduledEventAttributes,
) -> ActivityRecord {
    control::restored(record, original)
}

/// Keep an activity that [`changed`] or [`restored`] gave: one that no worker has waits anew, in its
/// queue or for its next attempt. Gives its options.
pub(crate) fn keep(run: &mut Run, env: &mut Env, mut record: ActivityRecord) -> ActivityOptions {
    let options = of(&record);
    if record.state() == ActivityState::Started || record.paused.is_some() {
        activity::put(run, record);
        return options;
    }
    let policy = record.retry_policy.clone().unwrap_or_default();
    let next = if record.attempt > 1 {
        let backoff = retry::backoff(&policy, record.attempt - 1);
        Timestamp(record.attempt_ended).after(backoff)
    } else {
        Timestamp(record.scheduled_time)
    };
    let delay = u64::try_from(next.0.saturating_sub(env.now.0)).unwrap_or(0);
    record.last_failure = None;
    activity::schedule_after(run, env, record, std::time::Duration::from_nanos(delay));
    options
}

/// Nanoseconds; 0 is unlimited. What was not given follows from the rest, as on the server.
pub(crate) struct Timeouts {
    pub(crate) schedule_to_close: i64,
    pub(crate) schedule_to_start: i64,
    pub(crate) start_to_close: i64,
    pub(crate) heartbeat: i64,
}

impl Timeouts {
    pub(crate) fn of(
        attributes: &ScheduleActivityTaskCommandAttributes,
        run_timeout: i64,
    ) -> Result<Self, String> {
        let given = [
            (&attributes.schedule_to_close_timeout, "ScheduleToCloseTimeout"),
            (&attributes.schedule_to_start_timeout, "ScheduleToStartTimeout"),
            (&attributes.start_to_close_timeout, "StartToCloseTimeout"),
            (&attributes.heartbeat_timeout, "HeartbeatTimeout"),
        ];
        for (timeout, name) in given {
            limits::check_time(timeout.as_ref(), &format!("invalid {name}"), "")?;
        }
        let [whole, to_start, to_close, heartbeat] =
            given.map(|(timeout, _)| nanos(timeout.as_ref()));
        if whole == 0 && to_close == 0 {
            let kind = attributes.activity_type.as_ref().map_or("", |kind| kind.name.as_str());
            return Err(format!(
                "a valid StartToCloseTimeout or ScheduleToCloseTimeout must be set on the activity. \
                 ActivityId={} ActivityType={kind}",
                attributes.activity_id
            ));
        }
        Ok(Self::fit(whole, to_start, to_close, heartbeat, run_timeout))
    }

    /// Made to fit together; those of an activity without a workflow, too.
    pub(crate) fn fit(
        mut whole: i64,
        mut to_start: i64,
        mut to_close: i64,
        heartbeat: i64,
        run_timeout: i64,
    ) -> Self {
        if whole == 0 {
            whole = run_timeout;
        }
        to_start = at_most(to_start, whole);
        to_close = at_most(to_close, whole);
        if run_timeout != 0 {
            [whole, to_start, to_close] =
                [whole, to_start, to_close].map(|t| at_most(t, run_timeout));
        }
        let heartbeat = if heartbeat == 0 { 0 } else { at_most(heartbeat, to_close) };
        Self {
            schedule_to_close: whole,
            schedule_to_start: to_start,
            start_to_close: to_close,
            heartbeat,
        }
    }
}

/// The shorter of two timeouts, of which 0 is unlimited.
fn at_most(timeout: i64, limit: i64) -> i64 {
    match (timeout, limit) {
        (0, limit) => limit,
        (timeout, 0) => timeout,
        (timeout, limit) => timeout.min(limit),
    }
}
