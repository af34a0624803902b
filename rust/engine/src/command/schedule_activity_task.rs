//! `ScheduleActivityTask`.

use crate::command::scope::{Refusal, Scope};
use crate::machine::activity;
use crate::machine::activity::options::Timeouts;
use crate::policy::{limits, retry};
use crate::proto::command::ScheduleActivityTaskCommandAttributes;
use crate::proto::enums::WorkflowTaskFailedCause as Cause;
use crate::proto::{from_nanos, history, normal_queue};
use crate::state::run::make_event;

pub(crate) fn apply(
    scope: &mut Scope<'_>,
    attributes: ScheduleActivityTaskCommandAttributes,
) -> Result<(), Refusal> {
    if scope.run.activity_ids.contains_key(&attributes.activity_id) {
        let message = format!(
            "invalid history builder state for action: add-activitytask-scheduled-event, ActivityID: {}",
            attributes.activity_id
        );
        return Err(Refusal::new(Cause::ScheduleActivityDuplicateId, message));
    }
    let bad = |message: String| Refusal::new(Cause::BadScheduleActivityAttributes, message);
    check(&attributes).map_err(bad)?;
    super::check_size(
        attributes.input.as_ref(),
        Cause::BadScheduleActivityAttributes,
        "ScheduleActivityTaskCommandAttributes.Input",
    )?;
    let timeouts = Timeouts::of(&attributes, scope.run.row.record.run_timeout).map_err(bad)?;
    let retry_policy = retry::complete(attributes.retry_policy).map_err(bad)?;
    let queue = attributes.task_queue.map(|queue| queue.name).filter(|name| !name.is_empty());
    let queue =
        queue.ok_or_else(|| bad("TaskQueue is not set on ScheduleActivityTaskCommand.".into()))?;
    super::check_length("TaskQueue", "ScheduleActivityTaskCommand", &queue, "").map_err(bad)?;
    super::check_pending(
        scope.run.activities.len(),
        Cause::PendingActivitiesLimitExceeded,
        "pending activities",
    )?;
    let is_eager = attributes.request_eager_execution;
    let event = history::ActivityTaskScheduledEventAttributes {
        activity_id: attributes.activity_id,
        activity_type: attributes.activity_type,
        task_queue: Some(normal_queue(&queue)),
        header: attributes.header,
        input: attributes.input,
        schedule_to_close_timeout: Some(from_nanos(timeouts.schedule_to_close)),
        schedule_to_start_timeout: Some(from_nanos(timeouts.schedule_to_start)),
        start_to_close_timeout: Some(from_nanos(timeouts.start_to_close)),
        heartbeat_timeout: Some(from_nanos(timeouts.heartbeat)),
        workflow_task_completed_event_id: scope.completed_event_id,
        retry_policy: Some(retry_policy),
        use_workflow_build_id: attributes.use_workflow_build_id,
        priority: attributes.priority,
    };
    let user_metadata = scope.user_metadata.take();
    let id = activity::schedule(scope.run, scope.env, event, |env, attributes| {
        history::HistoryEvent { user_metadata, ..make_event(env, attributes) }
    });
    if is_eager {
        scope.eager.push(id);
    }
    Ok(())
}

fn check(attributes: &ScheduleActivityTaskCommandAttributes) -> Result<(), String> {
    let kind = attributes.activity_type.as_ref().map_or("", |kind| kind.name.as_str());
    let named = [("activityId", attributes.activity_id.as_str()), ("activityType", kind)];
    for (name, value) in named {
        if value.is_empty() {
            return Err(format!("{name} is not set"));
        }
    }
    for (name, value) in named {
        let (length, limit) = (value.len(), limits::NAME_LIMIT);
        if length > limit {
            return Err(format!("{name} exceeds length limit. Length={length} Limit={limit}"));
        }
    }
    crate::policy::priority::check(attributes.priority.as_ref())
}
