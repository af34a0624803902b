//! Workflow tasks: scheduled (a record of the run), started (a lease in memory), completed, failed or
//! timed out.
//!
//! Attempt 1 is in the history from the moment it is scheduled; its started event is written when it
//! ends. Later attempts are transient: they are shown to the worker and written only if they complete.
//!
//! ```text
//! none      --something to see-->             scheduled  (WorkflowTaskScheduled, attempt 1)
//! scheduled --a worker polls-->               started    (a lease in memory: nothing is written)
//! scheduled --its sticky worker does not-->   scheduled  (WorkflowTaskTimedOut; for any worker)
//! started   --completed-->                    none       (Started and Completed; buffered events follow)
//! started   --failed or timed out-->          scheduled  (written for attempt 1 only; the next attempt)
//! started   --the run is closed-->            none       (WorkflowTaskFailed; buffered events follow)
//! started   --restart, or its worker is gone--> scheduled (the same attempt: nothing is written)
//! ```

use std::time::Duration;

use crate::Timestamp;
use crate::ids::EventId;
use crate::machine::{child, reset_points, workflow_options};
use crate::proto::enums::{
    EventType, SuggestContinueAsNewReason, TaskQueueKind, TimeoutType, WorkflowTaskFailedCause,
};
use crate::proto::failure::Failure;
use crate::proto::history::HistoryEvent;
use crate::proto::{Attributes, from_nanos, history, normal_queue, taskqueue, timestamp};
use crate::state::env::{Env, Work};
use crate::state::run::{Lease, Run, make_event};
use crate::state::timers::{TaskTimer, TimerKind};
use crate::store::record::WorkflowTaskRecord;

/// From here on a workflow is told to continue as new; the server's defaults.
const SUGGESTED_BYTES: i64 = 4 * 1024 * 1024;

const SUGGESTED_EVENTS: i64 = 4 * 1024;

/// Schedule a workflow task unless there is one already, or it is too early for the first.
pub(crate) fn schedule(run: &mut Run, env: &mut Env) {
    let backing_off = run.row.record.backoff_until != 0;
    if run.is_open() && run.workflow_task().is_none() && !backing_off {
        schedule_attempt(run, env, 1);
    }
}

/// Schedule the given attempt. Only the first writes an event.
fn schedule_attempt(run: &mut Run, env: &mut Env, attempt: i32) {
    debug_assert!(run.volatile.lease.is_none(), "the attempt before has ended");
    let scheduled_event_id = if attempt == 1 {
        let event = scheduled_event(run, env.now, attempt, env);
        run.append_event(event)
    } else {
        run.row.record.next_event_id
    };
    let scheduled_time = env.now.0;
    run.state().record.workflow_task = Some(WorkflowTaskRecord {
        scheduled_event_id,
        scheduled_time,
        attempt,
        ..Default::default()
    });
    env.work.push(Work::WorkflowTask(run.key()));
}

pub(crate) fn scheduled_event(run: &Run, at: Timestamp, attempt: i32, env: &Env) -> HistoryEvent {
    let task_queue = match &run.volatile.sticky {
        Some(sticky) => taskqueue::TaskQueue {
            name: sticky.queue.clone(),
            kind: TaskQueueKind::Sticky.into(),
            normal_name: run.row.task_queue.clone(),
        },
        None => normal_queue(&run.row.task_queue),
    };
    let attributes = history::WorkflowTaskScheduledEventAttributes {
        task_queue: Some(task_queue),
        start_to_close_timeout: Some(from_nanos(run.row.record.task_timeout)),
        attempt,
    };
    let mut event = make_event(env, Attributes::WorkflowTaskScheduledEventAttributes(attributes));
    event.event_time = Some(timestamp(at));
    event
}

/// Lease the run's workflow task to a worker. Nothing is written.
pub(crate) fn start(run: &mut Run, env: &mut Env, identity: &str, worker: &str) -> Option<Lease> {
    debug_assert!(run.volatile.lease.is_none(), "one worker has a workflow task");
    let mut task = run.workflow_task()?.clone();
    let next = run.row.record.next_event_id;
    let mut unwritten = Vec::new();
    if !is_written(run, &task) {
        if task.scheduled_event_id != next {
            // The history went on since this attempt was scheduled: it is a new task.
            let unwritten = true;
            task = WorkflowTaskRecord { scheduled_event_id: next, attempt: 1, unwritten, ..task };
            run.state().record.workflow_task = Some(task.clone());
        }
        let at = Timestamp(task.scheduled_time);
        unwritten.push(HistoryEvent {
            event_id: next,
            task_id: next,
            ..scheduled_event(run, at, task.attempt, env)
        });
    }
    let started_event_id = next + i64::from(!unwritten.is_empty());
    let id = env.entropy.bytes();
    let event = started_event(run, env, &task, identity, &id);
    unwritten.push(HistoryEvent { event_id: started_event_id, task_id: started_event_id, ..event });
    let ends = env.steady.after(start_to_close(run.row.record.task_timeout, task.attempt));
    let lease = Lease {
        id,
        worker: worker.to_owned(),
        scheduled_event_id: task.scheduled_event_id,
        started_event_id,
        started_time: env.now,
        attempt: task.attempt,
        unwritten,
        given: None,
        ends,
    };
    env.task_timers.push((ends, TaskTimer::StartToClose(run.key(), id)));
    run.volatile.lease = Some(lease.clone());
    Some(lease)
}

pub(crate) fn started_event(
    run: &Run,
    env: &Env,
    task: &WorkflowTaskRecord,
    identity: &str,
    id: &[u8; 16],
) -> HistoryEvent {
    let mut reasons = Vec::new();
    if run.row.record.history_bytes >= SUGGESTED_BYTES {
        reasons.push(SuggestContinueAsNewReason::HistorySizeTooLarge.into());
    }
    if run.row.record.next_event_id > SUGGESTED_EVENTS {
        reasons.push(SuggestContinueAsNewReason::TooManyHistoryEvents.into());
    }
    let attributes = history::WorkflowTaskStartedEventAttributes {
        scheduled_event_id: task.scheduled_event_id,
        identity: identity.to_owned(),
        request_id: uuid::Uuid::from_bytes(*id).to_string(),
        suggest_continue_as_new: !reasons.is_empty(),
        suggest_continue_as_new_reasons: reasons,
        history_size_bytes: run.row.record.history_bytes,
        ..Default::default()
    };
    make_event(env, Attributes::WorkflowTaskStartedEventAttributes(attributes))
}

/// The timeout of an attempt: a worker that keeps failing is given more and more time.
pub(crate) fn start_to_close(timeout: i64, attempt: i32) -> Duration {
    let base = Duration::from_nanos(u64::try_from(timeout).unwrap_or(0));
    let Ok(extra) = u32::try_from(attempt.saturating_sub(3)) else { return base };
    if extra == 0 {
        base
    } else {
        base + Duration::from_secs(5 << extra.min(7)).min(Duration::from_mins(10))
    }
}

/// The worker is done: write what it was shown. The run has no workflow task afterwards.
pub(crate) fn complete(
    run: &mut Run,
    env: &Env,
    lease: Lease,
    attributes: history::WorkflowTaskCompletedEventAttributes,
) -> EventId {
    // First, so that the events below are appended and not buffered behind the task itself.
    run.volatile.lease = None;
    run.volatile.speculative = None;
    let backoff = std::mem::take(&mut run.state().record.backoff_until);
    if backoff != 0 {
        run.disarm(backoff, TimerKind::Backoff as i64, 0); // an update was there before its end
    }
    for event in lease.unwritten {
        let shown = event.event_id;
        let id = run.append_event(event);
        debug_assert_eq!(id, shown, "what the worker was shown is written as it was");
    }
    let state = &mut run.state().record;
    state.workflow_task = None;
    state.previous_started_event_id = lease.started_event_id;
    reset_points::add(run, env.now, &attributes, run.children.is_empty());
    run.append(env, Attributes::WorkflowTaskCompletedEventAttributes(attributes))
}

/// Why a started workflow task ended without a result.
pub(crate) enum Ended {
    Failed { cause: WorkflowTaskFailedCause, failure: Option<Box<Failure>>, identity: String },
    TimedOut,
}

/// The started workflow task failed or timed out: write it (the first attempt only), flush what was
/// buffered, and schedule the next attempt.
pub(crate) fn end(run: &mut Run, env: &mut Env, ended: Ended) {
    let Some(lease) = run.volatile.lease.take() else { return };
    run.volatile.speculative = None;
    record_end(run, env, &lease, ended);
    // A worker that has the run cached may be what is wrong: the same attempt, from the full history.
    let was_sticky = run.volatile.sticky.take().is_some();
    let attempt = if flush_buffered(run) || was_sticky { 1 } else { lease.attempt + 1 };
    run.state().record.workflow_task = None;
    schedule_attempt(run, env, attempt);
}

/// A run is about to be closed from outside while a worker has its task.
pub(crate) fn force_end(run: &mut Run, env: &Env) {
    let cause = WorkflowTaskFailedCause::ForceCloseCommand;
    let ended = Ended::Failed { cause, failure: None, identity: child::IDENTITY.into() };
    end_for_good(run, env, ended);
}

/// The workflow task, if a worker has it, ended and there is no other: the run is about to be closed.
pub(crate) fn end_for_good(run: &mut Run, env: &Env, ended: Ended) {
    run.volatile.speculative = None;
    if let Some(lease) = run.volatile.lease.take() {
        record_end(run, env, &lease, ended);
    }
    flush_buffered(run);
    run.state().record.workflow_task = None;
}

fn record_end(run: &mut Run, env: &Env, lease: &Lease, ended: Ended) {
    if lease.attempt > 1 {
        return;
    }
    for event in lease.unwritten.clone() {
        let shown = event.event_id;
        let id = run.append_event(event);
        debug_assert_eq!(id, shown, "what the worker was shown is written as it was");
    }
    let (scheduled_event_id, started_event_id) = (
        if lease.unwritten.len() > 1 {
            lease.started_event_id - 1
        } else {
            lease.scheduled_event_id
        },
        lease.started_event_id,
    );
    let attributes = match ended {
        Ended::Failed { cause, failure, identity } => {
            Attributes::WorkflowTaskFailedEventAttributes(
                history::WorkflowTaskFailedEventAttributes {
                    scheduled_event_id,
                    started_event_id,
                    cause: cause.into(),
                    failure: failure.map(|failure| *failure),
                    identity,
                    ..Default::default()
                },
            )
        }
        Ended::TimedOut => Attributes::WorkflowTaskTimedOutEventAttributes(
            history::WorkflowTaskTimedOutEventAttributes {
                scheduled_event_id,
                started_event_id,
                timeout_type: TimeoutType::StartToClose.into(),
            },
        ),
    };
    run.append(env, attributes);
}

/// Reschedule a task that was not fetched in its time: whatever worker comes may have it, for as long as
/// it takes.
pub(crate) fn unclaimed(run: &mut Run, env: &mut Env) {
    run.volatile.sticky = None;
    run.keep_speculative();
    let Some(task) = run.row.record.workflow_task.clone() else { return };
    if is_written(run, &task) {
        let attributes = history::WorkflowTaskTimedOutEventAttributes {
            scheduled_event_id: task.scheduled_event_id,
            started_event_id: 0,
            timeout_type: TimeoutType::ScheduleToStart.into(),
        };
        run.append(env, Attributes::WorkflowTaskTimedOutEventAttributes(attributes));
    }
    run.state().record.workflow_task = None;
    schedule_attempt(run, env, task.attempt);
}

/// Tell whether the task's scheduled event is in the history.
fn is_written(run: &Run, task: &WorkflowTaskRecord) -> bool {
    task.attempt == 1 && !task.unwritten && task.scheduled_event_id < run.row.record.next_event_id
}

/// Append the events that were buffered, results of activities and children last, and tell whether
/// there were any.
pub(crate) fn flush_buffered(run: &mut Run) -> bool {
    let events = run.clear_buffered();
    let any = !events.is_empty();
    let (results, others): (Vec<_>, Vec<_>) = events.into_iter().partition(is_result);
    let mut started = std::collections::HashMap::new();
    for event in others {
        let (activity, child) = match &event.attributes {
            Some(Attributes::ActivityTaskStartedEventAttributes(a)) => {
                (Some(a.scheduled_event_id), None)
            }
            Some(Attributes::ChildWorkflowExecutionStartedEventAttributes(a)) => {
                (None, Some(a.initiated_event_id))
            }
            _ => (None, None),
        };
        let attached = workflow_options::attached(&event);
        let id = run.append_event(event);
        if let Some(request_id) = attached {
            workflow_options::on_flushed(run, &request_id, id);
        }
        if let Some(initiated) = child {
            child::on_flushed(run, initiated, id);
        }
        if let Some(cause) = activity.or(child) {
            started.insert(cause, id);
        }
    }
    for mut event in results {
        if let Some((scheduled, started_event_id)) = result_ids(&mut event)
            && let Some(id) = started.get(&scheduled)
        {
            *started_event_id = *id;
        }
        run.append_event(event);
    }
    any
}

fn is_result(event: &HistoryEvent) -> bool {
    use EventType as T;
    matches!(
        event.event_type(),
        T::ActivityTaskCompleted
            | T::ActivityTaskFailed
            | T::ActivityTaskTimedOut
            | T::ActivityTaskCanceled
            | T::ChildWorkflowExecutionCompleted
            | T::ChildWorkflowExecutionFailed
            | T::ChildWorkflowExecutionCanceled
            | T::ChildWorkflowExecutionTimedOut
            | T::ChildWorkflowExecutionTerminated
    )
}

/// The scheduled or initiated event of a result, and the place of its started event.
fn result_ids(event: &mut HistoryEvent) -> Option<(EventId, &mut EventId)> {
    Some(match event.attributes.as_mut()? {
        Attributes::ActivityTaskCompletedEventAttributes(a) => {
            (a.scheduled_event_id, &mut a.started_event_id)
        }
        Attributes::ActivityTaskFailedEventAttributes(a) => {
            (a.scheduled_event_id, &mut a.started_event_id)
        }
        Attributes::ActivityTaskTimedOutEventAttributes(a) => {
            (a.scheduled_event_id, &mut a.started_event_id)
        }
        Attributes::ActivityTaskCanceledEventAttributes(a) => {
            (a.scheduled_event_id, &mut a.started_event_id)
        }
        Attributes::ChildWorkflowExecutionCompletedEventAttributes(a) => {
            (a.initiated_event_id, &mut a.started_event_id)
        }
        Attributes::ChildWorkflowExecutionFailedEventAttributes(a) => {
            (a.initiated_event_id, &mut a.started_event_id)
        }
        Attributes::ChildWorkflowExecutionCanceledEventAttributes(a) => {
            (a.initiated_event_id, &mut a.started_event_id)
        }
        Attributes::ChildWorkflowExecutionTimedOutEventAttributes(a) => {
            (a.initiated_event_id, &mut a.started_event_id)
        }
        Attributes::ChildWorkflowExecutionTerminatedEventAttributes(a) => {
            (a.initiated_event_id, &mut a.started_event_id)
        }
        _ => return None,
    })
}
