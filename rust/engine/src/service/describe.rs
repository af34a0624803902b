//! `DescribeWorkflowExecution`: what a run is, and what it waits for.

use crate::Timestamp;
use crate::proto::enums::{EventType, PendingActivityState, PendingWorkflowTaskState};
use crate::proto::history::WorkflowExecutionStartedEventAttributes;
use crate::proto::service::{DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse};
use crate::proto::workflow::pending_activity_info::PauseInfo;
use crate::proto::workflow::pending_activity_info::pause_info::{Manual, PausedBy};
use crate::proto::workflow::{
    PendingActivityInfo, PendingChildExecutionInfo, PendingWorkflowTaskInfo, RequestIdInfo,
    WorkflowExecutionConfig, WorkflowExecutionExtendedInfo, WorkflowExecutionInfo,
    WorkflowExecutionVersioningInfo,
};
use crate::proto::{Attributes, common, from_nanos, moment, normal_queue, timestamp};
use crate::state::run::Run;
use crate::store::record::ActivityState;
use crate::store::{ActivityRecord, ChildRecord, RunRow};
use crate::transaction::context::{CallError, Context};

#[allow(clippy::needless_pass_by_value, reason = "the shape of every handler")]
pub(crate) fn describe_workflow_execution(
    context: &mut Context,
    request: DescribeWorkflowExecutionRequest,
) -> Result<DescribeWorkflowExecutionResponse, CallError> {
    let namespace = context.namespace(&request.namespace)?;
    let row = context.find_run(namespace, request.execution.as_ref())?;
    context.load_run(row.key)?; // which may write what was buffered
    let row = context.runs.get(&row.key).map_or(row, |run| run.row.clone());
    let event = context.event(row.key, 1)?.unwrap_or_default();
    let started = match &event.attributes {
        Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) => started.clone(),
        _ => WorkflowExecutionStartedEventAttributes::default(),
    };
    let first_time = event.event_time;
    let run = context.runs.get(&row.key);
    let config = WorkflowExecutionConfig {
        task_queue: Some(normal_queue(&row.task_queue)),
        workflow_execution_timeout: started.workflow_execution_timeout,
        workflow_run_timeout: started.workflow_run_timeout,
        default_workflow_task_timeout: Some(from_nanos(row.record.task_timeout)),
        user_metadata: event.user_metadata,
    };
    let children = run.into_iter().flat_map(|run| run.children.values());
    let activities = run.into_iter().flat_map(|run| run.activities.values());
    Ok(DescribeWorkflowExecutionResponse {
        execution_config: Some(config),
        workflow_execution_info: Some(info(&row, run, &started)),
        pending_activities: activities.map(pending_activity).collect(),
        pending_children: children.map(pending_child).collect(),
        pending_workflow_task: run.and_then(pending_workflow_task),
        workflow_extended_info: Some(extended_info(&row, first_time)),
        ..Default::default()
    })
}

fn execution(row: &RunRow) -> common::WorkflowExecution {
    common::WorkflowExecution {
        workflow_id: row.workflow_id.clone(),
        run_id: row.run_id.to_string(),
    }
}

fn info(
    row: &RunRow,
    run: Option<&Run>,
    started: &WorkflowExecutionStartedEventAttributes,
) -> WorkflowExecutionInfo {
    let backoff = crate::proto::nanos(started.first_workflow_task_backoff.as_ref());
    let execution_time = Timestamp(row.start_time.0.saturating_add(backoff));
    let lease = run.and_then(|run| run.volatile.lease.as_ref());
    let speculative = run.is_some_and(|run| run.volatile.speculative.is_some());
    let lease = lease.filter(|_| !speculative);
    let unwritten = lease.map_or(0, |lease| lease.unwritten.len());
    let written = row.record.next_event_id - 1;
    WorkflowExecutionInfo {
        execution: Some(execution(row)),
        r#type: Some(common::WorkflowType { name: row.workflow_type.clone() }),
        start_time: Some(timestamp(row.start_time)),
        close_time: row.close_time.map(timestamp),
        status: row.status,
        history_length: written + i64::try_from(unwritten).unwrap_or(0),
        execution_time: Some(timestamp(execution_time)),
        memo: row.record.memo.clone(),
        search_attributes: row.record.search_attributes.clone(),
        task_queue: row.task_queue.clone(),
        history_size_bytes: row.record.history_bytes,
        execution_duration: row
            .close_time
            .map(|closed| from_nanos(closed.0.saturating_sub(execution_time.0))),
        parent_namespace_id: started.parent_workflow_namespace_id.clone(),
        parent_execution: started.parent_workflow_execution.clone(),
        root_execution: started.root_workflow_execution.clone().or_else(|| Some(execution(row))),
        first_run_id: started.first_execution_run_id.clone(),
        priority: row.record.priority.clone(),
        auto_reset_points: row.record.reset_points.clone(),
        versioning_info: row.record.versioning_override.clone().map(|versioning_override| {
            WorkflowExecutionVersioningInfo {
                versioning_override: Some(versioning_override),
                ..Default::default()
            }
        }),
        ..Default::default()
    }
}

fn extended_info(
    row: &RunRow,
    original_start_time: Option<prost_wkt_types::Timestamp>,
) -> WorkflowExecutionExtendedInfo {
    let reset_run_id = uuid::Uuid::from_slice(&row.record.reset_run_id);
    let started = RequestIdInfo {
        event_type: EventType::WorkflowExecutionStarted.into(),
        event_id: 1,
        buffered: false,
    };
    let attached = row.record.attached.iter().map(|attached| {
        let info = RequestIdInfo {
            event_type: EventType::WorkflowExecutionOptionsUpdated.into(),
            event_id: attached.event_id,
            buffered: attached.event_id == 0,
        };
        (attached.request_id.clone(), info)
    });
    let request_ids = std::iter::once((row.record.request_id.clone(), started)).chain(attached);
    WorkflowExecutionExtendedInfo {
        execution_expiration_time: moment(row.record.execution_expiration),
        run_expiration_time: moment(row.record.run_expiration),
        cancel_requested: row.record.cancel_requested,
        original_start_time,
        last_reset_time: row.record.is_reset.then(|| timestamp(row.start_time)),
        reset_run_id: reset_run_id.map(|id| id.to_string()).unwrap_or_default(),
        request_id_infos: request_ids.collect(),
        ..Default::default()
    }
}

fn pending_workflow_task(run: &Run) -> Option<PendingWorkflowTaskInfo> {
    let task = run.workflow_task()?;
    let lease = run.volatile.lease.as_ref();
    let state = match lease {
        Some(_) => PendingWorkflowTaskState::Started,
        None => PendingWorkflowTaskState::Scheduled,
    };
    Some(PendingWorkflowTaskInfo {
        state: state.into(),
        scheduled_time: moment(task.scheduled_time),
        original_scheduled_time: moment(task.scheduled_time),
        started_time: lease.map(|lease| timestamp(lease.started_time)),
        attempt: task.attempt,
    })
}

fn pending_child(record: &ChildRecord) -> PendingChildExecutionInfo {
    PendingChildExecutionInfo {
        workflow_id: record.workflow_id.clone(),
        run_id: uuid::Uuid::from_slice(&record.run_id).unwrap_or_default().to_string(),
        workflow_type_name: record.workflow_type.clone(),
        initiated_id: record.initiated_event_id,
        parent_close_policy: record.parent_close_policy,
    }
}

fn pending_activity(record: &ActivityRecord) -> PendingActivityInfo {
    let state = record.state();
    let paused = record.paused.as_ref();
    let shown = match state {
        _ if record.cancel_requested != 0 => PendingActivityState::CancelRequested,
        ActivityState::Started if paused.is_some() => PendingActivityState::PauseRequested,
        ActivityState::Started => PendingActivityState::Started,
        _ if paused.is_some() => PendingActivityState::Paused,
        ActivityState::Scheduled | ActivityState::BackingOff => PendingActivityState::Scheduled,
    };
    let waits = state == ActivityState::BackingOff && paused.is_none();
    let next = if waits { record.attempt_scheduled_time } else { 0 };
    let interval = from_nanos(record.attempt_scheduled_time - record.attempt_ended);
    let identity =
        if record.identity.is_empty() { &record.last_identity } else { &record.identity };
    PendingActivityInfo {
        activity_id: record.activity_id.clone(),
        activity_type: Some(common::ActivityType { name: record.activity_type.clone() }),
        state: shown.into(),
        heartbeat_details: record.heartbeat_details.clone(),
        last_heartbeat_time: moment(record.heartbeat_time),
        last_started_time: moment(record.started_time),
        attempt: record.attempt,
        maximum_attempts: record.retry_policy.as_ref().map_or(0, |policy| policy.maximum_attempts),
        scheduled_time: moment(record.attempt_scheduled_time),
        expiration_time: moment(record.expiration()),
        last_failure: record.last_failure.clone(),
        last_worker_identity: identity.clone(),
        next_attempt_schedule_time: moment(next),
        current_retry_interval: waits.then_some(interval),
        last_attempt_complete_time: moment(record.attempt_ended),
        paused: paused.is_some(),
        pause_info: paused.map(|pause| PauseInfo {
            pause_time: moment(pause.time),
            paused_by: Some(PausedBy::Manual(Manual {
                identity: pause.identity.clone(),
                reason: pause.reason.clone(),
            })),
        }),
        ..Default::default()
    }
}
