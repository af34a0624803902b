//! Standalone activities as their callers are told of them.

use bytes::Bytes;
use prost::Message;

use crate::ids::RunKey;
use crate::machine::activity::standalone;
use crate::machine::activity::standalone::SCHEDULED;
use crate::proto::activity::ActivityExecutionInfo;
use crate::proto::enums::PendingActivityState as State;
use crate::proto::history::{ActivityTaskScheduledEventAttributes, HistoryEvent};
use crate::proto::service::{
    DescribeActivityExecutionRequest, DescribeActivityExecutionResponse,
    PollActivityExecutionResponse,
};
use crate::proto::{Attributes, from_nanos, moment, timestamp, to_duration};
use crate::state::waiters::ChangeQuestion;
use crate::store::record::ActivityState;
use crate::store::{ActivityRecord, RunRow, StandaloneRecord, StoreError};
use crate::transaction::context::{CallError, Context};
use crate::transaction::pages;
use crate::{RpcStatus, Timestamp};

/// Where a caller is that waits for changes.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ChangeToken {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) run_id: Vec<u8>,
    /// The number of its transitions.
    #[prost(int64, tag = "2")]
    pub(crate) transitions: i64,
}

/// Answer a caller that waits; `None`: nothing has become of the activity yet.
pub(crate) fn answer_change(
    context: &mut Context,
    key: RunKey,
    question: &ChangeQuestion,
) -> Result<Option<Bytes>, CallError> {
    let row = row(context, key)?;
    let own = row.record.standalone.unwrap_or_default();
    if own.transitions == question.known && row.close_time.is_none() {
        return Ok(None);
    }
    Ok(Some(describe(context, key, &question.request)?.encode_to_vec().into()))
}

/// The activity as it is now.
pub(crate) fn row(context: &mut Context, key: RunKey) -> Result<RunRow, CallError> {
    let row = match context.runs.get(&key) {
        Some(run) => Some(run.row.clone()),
        None => context.store.run(key)?,
    };
    row.ok_or_else(|| RpcStatus::not_found("activity not found").into())
}

pub(crate) fn describe(
    context: &mut Context,
    key: RunKey,
    request: &DescribeActivityExecutionRequest,
) -> Result<DescribeActivityExecutionResponse, CallError> {
    context.load_run(key)?;
    let row = row(context, key)?;
    let event = pages::events(context, key, SCHEDULED, SCHEDULED + 1)?.pop().unwrap_or_default();
    let outcome = if request.include_outcome && !row.is_open() {
        let end = row.record.next_event_id;
        let end = pages::events(context, key, end - 1, end)?.pop();
        standalone::outcome(&row, end.and_then(|event| event.attributes))
    } else {
        None
    };
    let run = context.runs.get(&key);
    let record = standalone::activity(run, &row)
        .ok_or_else(|| StoreError::Damaged(format!("run {} has no activity", row.run_id)))?;
    let HistoryEvent { attributes, user_metadata, links, .. } = event;
    let Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) = attributes else {
        return Err(StoreError::Damaged(format!("run {} has no first event", row.run_id)).into());
    };
    let input = scheduled.input.clone().filter(|_| request.include_input);
    let mut info = info(&row, record, scheduled);
    info.heartbeat_details =
        record.heartbeat_details.clone().filter(|_| request.include_heartbeat_details);
    info.last_failure = record.last_failure.clone().filter(|_| request.include_last_failure);
    info.user_metadata = user_metadata;
    info.links = links;
    let token = ChangeToken {
        run_id: row.run_id.0.as_bytes().to_vec(),
        transitions: info.state_transition_count,
    };
    Ok(DescribeActivityExecutionResponse {
        run_id: row.run_id.to_string(),
        info: Some(info),
        input,
        outcome,
        long_poll_token: if row.is_open() { token.encode_to_vec() } else { Vec::new() },
        callbacks: Vec::new(),
    })
}

pub(crate) fn info(
    row: &RunRow,
    record: &ActivityRecord,
    scheduled: ActivityTaskScheduledEventAttributes,
) -> ActivityExecutionInfo {
    let StandaloneRecord { transitions, heartbeats, last_heartbeat, last_started, cancel, .. } =
        row.record.standalone.clone().unwrap_or_default();
    let backs_off = record.state() == ActivityState::BackingOff;
    let waits = row.is_open() && backs_off && record.paused.is_none();
    let identity =
        if record.identity.is_empty() { &record.last_identity } else { &record.identity };
    let began = row.start_time.0.saturating_add(record.start_delay);
    ActivityExecutionInfo {
        activity_id: row.workflow_id.clone(),
        run_id: row.run_id.to_string(),
        activity_type: scheduled.activity_type,
        status: row.status,
        run_state: run_state(row, record).into(),
        task_queue: row.task_queue.clone(),
        schedule_to_close_timeout: Some(from_nanos(record.schedule_to_close)),
        schedule_to_start_timeout: Some(from_nanos(record.schedule_to_start)),
        start_to_close_timeout: Some(from_nanos(record.start_to_close)),
        heartbeat_timeout: Some(from_nanos(record.heartbeat_timeout)),
        retry_policy: record.retry_policy.clone(),
        last_heartbeat_time: moment(last_heartbeat),
        last_started_time: moment(last_started),
        attempt: record.attempt,
        execution_duration: row
            .close_time
            .map(|closed| from_nanos(closed.0.saturating_sub(row.start_time.0))),
        schedule_time: Some(timestamp(row.start_time)),
        expiration_time: moment(record.expiration()),
        close_time: row.close_time.map(timestamp),
        last_worker_identity: identity.clone(),
        current_retry_interval: standalone::retry_interval(record)
            .filter(|_| waits)
            .map(to_duration),
        last_attempt_complete_time: moment(record.attempt_ended),
        next_attempt_schedule_time: moment(record.attempt_scheduled_time).filter(|_| waits),
        priority: row.record.priority.clone(),
        state_transition_count: transitions,
        state_size_bytes: row.record.history_bytes,
        search_attributes: Some(row.record.search_attributes.clone().unwrap_or_default()),
        header: scheduled.header,
        canceled_reason: cancel.map(|cancel| cancel.reason).unwrap_or_default(),
        total_heartbeat_count: heartbeats,
        start_delay: (record.start_delay != 0).then(|| from_nanos(record.start_delay)),
        execution_time: Some(timestamp(Timestamp(began))),
        ..Default::default()
    }
}

pub(crate) fn run_state(row: &RunRow, record: &ActivityRecord) -> State {
    match record.state() {
        _ if !row.is_open() => State::Unspecified,
        _ if record.cancel_requested != 0 => State::CancelRequested,
        ActivityState::Started if record.paused.is_some() => State::PauseRequested,
        ActivityState::Started => State::Started,
        _ if record.paused.is_some() => State::Paused,
        ActivityState::Scheduled | ActivityState::BackingOff => State::Scheduled,
    }
}

/// Answer a caller; `None`: the activity has not ended yet.
pub(crate) fn answer_outcome(
    context: &mut Context,
    key: RunKey,
) -> Result<Option<Bytes>, CallError> {
    let row = row(context, key)?;
    if row.is_open() {
        return Ok(None);
    }
    let end = row.record.next_event_id;
    let event = pages::events(context, key, end - 1, end)?.pop();
    let response = PollActivityExecutionResponse {
        run_id: row.run_id.to_string(),
        outcome: standalone::outcome(&row, event.and_then(|event| event.attributes)),
    };
    Ok(Some(response.encode_to_vec().into()))
}
