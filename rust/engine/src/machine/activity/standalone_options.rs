//! The options of an activity without a workflow: as they are, changed field by field, and as they were.

use crate::RpcStatus;
use crate::machine::activity::options::Timeouts;
use crate::policy::{priority, retry};
use crate::proto::activity::ActivityOptions;
use crate::proto::history::ActivityTaskScheduledEventAttributes;
use crate::proto::{common, from_duration, from_nanos, nanos, normal_queue};
use crate::state::run::Run;
use crate::store::ActivityRecord;

/// The options as they are.
pub(crate) fn of(run: &Run, record: &ActivityRecord) -> ActivityOptions {
    ActivityOptions {
        task_queue: Some(normal_queue(&record.task_queue)),
        schedule_to_close_timeout: Some(from_nanos(record.schedule_to_close)),
        schedule_to_start_timeout: Some(from_nanos(record.schedule_to_start)),
        start_to_close_timeout: Some(from_nanos(record.start_to_close)),
        heartbeat_timeout: Some(from_nanos(record.heartbeat_timeout)),
        retry_policy: record.retry_policy.clone(),
        priority: run.row.record.priority.clone(),
        start_delay: (record.start_delay != 0).then(|| from_nanos(record.start_delay)),
    }
}

/// Give an activity these options.
pub(crate) fn apply(run: &mut Run, record: &mut ActivityRecord, options: ActivityOptions) {
    let timeouts = Timeouts::fit(
        nanos(options.schedule_to_close_timeout.as_ref()),
        nanos(options.schedule_to_start_timeout.as_ref()),
        nanos(options.start_to_close_timeout.as_ref()),
        nanos(options.heartbeat_timeout.as_ref()),
        0,
    );
    record.task_queue = options.task_queue.map(|queue| queue.name).unwrap_or_default();
    record.schedule_to_close = timeouts.schedule_to_close;
    record.schedule_to_start = timeouts.schedule_to_start;
    record.start_to_close = timeouts.start_to_close;
    record.heartbeat_timeout = timeouts.heartbeat;
    record.retry_policy = options.retry_policy;
    record.level = priority::level(options.priority.as_ref());
    record.start_delay = nanos(options.start_delay.as_ref());
    let row = run.state();
    row.task_queue.clone_from(&record.task_queue);
    row.record.first_backoff = record.start_delay;
    row.record.priority = options.priority;
}

/// The options that an activity was started with; its start delay only before it has begun.
pub(crate) fn original(
    run: &Run,
    record: &ActivityRecord,
    scheduled: ActivityTaskScheduledEventAttributes,
) -> ActivityOptions {
    let own = run.row.record.standalone.as_ref();
    let unbegun = own.filter(|own| own.last_started == 0);
    let delay = unbegun.map_or(record.start_delay, |own| own.start_delay);
    ActivityOptions {
        task_queue: scheduled.task_queue,
        schedule_to_close_timeout: scheduled.schedule_to_close_timeout,
        schedule_to_start_timeout: scheduled.schedule_to_start_timeout,
        start_to_close_timeout: scheduled.start_to_close_timeout,
        heartbeat_timeout: scheduled.heartbeat_timeout,
        retry_policy: scheduled.retry_policy,
        priority: scheduled.priority,
        start_delay: (delay != 0).then(|| from_nanos(delay)),
    }
}

fn invalid(message: impl Into<String>) -> RpcStatus {
    RpcStatus::invalid_argument(message)
}

/// Take over the fields that are named, as `task_queue.name` or `taskQueue.name`.
pub(crate) fn merge(
    into: &mut ActivityOptions,
    from: &ActivityOptions,
    paths: &[String],
) -> Result<(), RpcStatus> {
    for path in paths {
        match snake_case(path).as_str() {
            "task_queue.name" => {
                let queue =
                    from.task_queue.as_ref().ok_or_else(|| invalid("taskQueue is not set"))?;
                if queue.name.is_empty() {
                    return Err(invalid("missing task queue name"));
                }
                into.task_queue = Some(normal_queue(&queue.name));
            }
            "schedule_to_close_timeout" => {
                into.schedule_to_close_timeout =
                    time(from.schedule_to_close_timeout, "ScheduleToCloseTimeout")?;
            }
            "schedule_to_start_timeout" => {
                into.schedule_to_start_timeout =
                    time(from.schedule_to_start_timeout, "ScheduleToStartTimeout")?;
            }
            "start_to_close_timeout" => {
                into.start_to_close_timeout =
                    time(from.start_to_close_timeout, "StartToCloseTimeout")?;
            }
            "heartbeat_timeout" => {
                into.heartbeat_timeout = time(from.heartbeat_timeout, "HeartbeatTimeout")?;
            }
            "start_delay" => into.start_delay = time(from.start_delay, "StartDelay")?,
            "priority" => into.priority.clone_from(&from.priority),
            "retry_policy" => {
                into.retry_policy = Some(from.retry_policy.clone().unwrap_or_default());
            }
            part => merge_part(into, from, path, part)?,
        }
    }
    priority::check(into.priority.as_ref()).map_err(invalid)?;
    into.retry_policy = Some(retry::complete(into.retry_policy.take()).map_err(invalid)?);
    Ok(())
}

fn merge_part(
    into: &mut ActivityOptions,
    from: &ActivityOptions,
    path: &str,
    part: &str,
) -> Result<(), RpcStatus> {
    let (whole, field) = part.split_once('.').unwrap_or((part, ""));
    let known = match whole {
        "priority" => {
            let missing = || invalid("Priority is not provided");
            let from = from.priority.as_ref().ok_or_else(missing)?;
            merge_priority(into.priority.get_or_insert_default(), from, field)
        }
        "retry_policy" => {
            let missing = || invalid("RetryPolicy is not provided");
            let from = from.retry_policy.as_ref().ok_or_else(missing)?;
            merge_policy(into.retry_policy.get_or_insert_default(), from, field)
        }
        _ => false,
    };
    if known { Ok(()) } else { Err(invalid(format!("unsupported update_mask path: {path:?}"))) }
}

fn merge_priority(into: &mut common::Priority, from: &common::Priority, field: &str) -> bool {
    match field {
        "priority_key" => into.priority_key = from.priority_key,
        "fairness_key" => into.fairness_key.clone_from(&from.fairness_key),
        "fairness_weight" => into.fairness_weight = from.fairness_weight,
        _ => return false,
    }
    true
}

fn merge_policy(into: &mut common::RetryPolicy, from: &common::RetryPolicy, field: &str) -> bool {
    match field {
        "initial_interval" => into.initial_interval = from.initial_interval,
        "backoff_coefficient" => into.backoff_coefficient = from.backoff_coefficient,
        "maximum_interval" => into.maximum_interval = from.maximum_interval,
        "maximum_attempts" => into.maximum_attempts = from.maximum_attempts,
        _ => return false,
    }
    true
}

fn time(
    given: Option<prost_wkt_types::Duration>,
    name: &str,
) -> Result<Option<prost_wkt_types::Duration>, RpcStatus> {
    if given.as_ref().is_some_and(|duration| from_duration(duration).is_none()) {
        return Err(invalid(format!("invalid {name}: negative duration")));
    }
    Ok(given)
}

fn snake_case(path: &str) -> String {
    let mut snake = String::with_capacity(path.len());
    for letter in path.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
