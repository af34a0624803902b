//! Workflow tasks for updates. They are in memory only, until something is written: if all that comes of
//! one is that an update was rejected, nothing is left of it.
//!
//! ```text
//! none        --an update is admitted-->  speculative  (in memory only)
//! speculative --something is written-->   scheduled    (WorkflowTaskScheduled: a task like any other)
//! speculative --not fetched in time-->    scheduled    (for any worker)
//! speculative --only rejections-->        none         (without a trace)
//! ```

use std::time::Duration;

use crate::Timestamp;
use crate::machine::workflow_task;
use crate::proto::service::RespondWorkflowTaskCompletedRequest;
use crate::state::env::{Env, Work};
use crate::state::run::{Run, Speculative};
use crate::state::timers::TaskTimer;
use crate::store::record::WorkflowTaskRecord;

/// A worker has to fetch the task within this time, or it becomes a normal one.
const SCHEDULE_TO_START: Duration = Duration::from_secs(5);

/// A task that shows the worker more events than this is kept, so that they are not shown again and
/// again.
const SHOWN_EVENTS: i64 = 10;

/// Schedule a speculative workflow task, unless there is a workflow task already. A run that backs off
/// from its first workflow task begins with this one, if that comes to something.
pub(crate) fn schedule(run: &mut Run, env: &mut Env) {
    if !run.is_open() || run.workflow_task().is_some() {
        return;
    }
    let task = WorkflowTaskRecord {
        scheduled_event_id: run.row.record.next_event_id,
        scheduled_time: env.now.0,
        attempt: 1,
        unwritten: true,
        ..Default::default()
    };
    let scheduled = workflow_task::scheduled_event(run, env.now, 1, env);
    run.volatile.speculative = Some(Speculative { task, scheduled });
    if run.volatile.sticky.is_none() {
        let timer = TaskTimer::SpeculativeScheduleToStart(run.key(), env.now);
        env.task_timers.push((env.steady.after(SCHEDULE_TO_START), timer));
    }
    env.work.push(Work::WorkflowTask(run.key()));
}

/// No worker fetched the task that was scheduled at that time.
pub(crate) fn timed_out(run: &mut Run, env: &mut Env, scheduled: Timestamp) {
    let Some(speculative) = &run.volatile.speculative else { return };
    if speculative.task.scheduled_time == scheduled.0 && run.volatile.lease.is_none() {
        workflow_task::unclaimed(run, env);
    }
}

/// Tell whether a completion without commands leaves no trace: the task is speculative, and all the
/// worker has
/// to say is that it rejects updates.
pub(crate) fn is_discarded(run: &Run, request: &RespondWorkflowTaskCompletedRequest) -> bool {
    let record = &run.row.record;
    let shown = record.next_event_id - (record.previous_started_event_id + 2);
    let forgets = request
        .capabilities
        .as_ref()
        .is_some_and(|can| can.discard_speculative_workflow_task_with_events);
    run.volatile.speculative.is_some()
        && !request.force_create_new_workflow_task
        && shown <= if forgets { SHOWN_EVENTS } else { 0 }
        && request.messages.iter().all(|message| {
            let body = message.body.as_ref();
            body.is_some_and(|body| body.type_url.ends_with("/temporal.api.update.v1.Rejection"))
        })
}

/// Forget the task and that a worker had it.
pub(crate) fn discard(run: &mut Run) {
    run.volatile.lease = None;
    run.volatile.speculative = None;
}
