//! Activities between the engine and those who work on them: what a worker gets, and which activity an
//! answer is about.

use bytes::Bytes;
use prost::Message;

use crate::ids::{ActivityToken, EventId, RunKey, parse_task_token};
use crate::machine::activity::standalone;
use crate::policy::priority;
use crate::proto::service::PollActivityTaskQueueResponse;
use crate::proto::{Attributes, common, from_nanos, history, timestamp};
use crate::store::record::ActivityState;
use crate::store::{ActivityRecord, StoreError};
use crate::transaction::context::{CallError, Context};
use crate::transaction::lookup::not_found;
use crate::{RpcStatus, Timestamp};

/// The message about an attempt that is over, or that never began.
const GONE: &str =
    "invalid activityID or activity already timed out or invoking workflow is completed";

impl Context {
    /// Build the activity task for the worker that took it.
    pub(crate) fn activity_response(
        &mut self,
        key: RunKey,
        record: &ActivityRecord,
        namespace: String,
    ) -> Result<Bytes, CallError> {
        let scheduled = self.scheduled_attributes(key, record.scheduled_event_id)?;
        let Some(run) = self.runs.get(&key) else { return Ok(Bytes::new()) };
        let whole = run.row.record.priority.as_ref();
        let alone = run.row.is_activity();
        let priority = priority::merge(whole, scheduled.priority.as_ref().filter(|_| !alone));
        let token = ActivityToken {
            run_key: key.0,
            run_id: run.row.run_id.0.as_bytes().to_vec(),
            scheduled_event_id: record.scheduled_event_id,
            attempt: record.attempt,
            started_time: record.started_time,
            activity_id: Some(record.activity_id.clone()).filter(|_| alone).unwrap_or_default(),
        };
        let workflow_type = Some(common::WorkflowType { name: run.row.workflow_type.clone() });
        let response = PollActivityTaskQueueResponse {
            task_token: token.encode_to_vec(),
            workflow_namespace: namespace,
            workflow_type: workflow_type.filter(|_| !alone),
            workflow_execution: Some(run.execution()).filter(|_| !alone),
            activity_run_id: Some(run.row.run_id.to_string()).filter(|_| alone).unwrap_or_default(),
            activity_type: scheduled.activity_type,
            activity_id: scheduled.activity_id,
            header: scheduled.header,
            input: scheduled.input,
            heartbeat_details: record.heartbeat_details.clone(),
            scheduled_time: Some(timestamp(Timestamp(record.scheduled_time))),
            current_attempt_scheduled_time: Some(timestamp(Timestamp(
                record.attempt_scheduled_time,
            ))),
            started_time: Some(timestamp(Timestamp(record.started_time))),
            attempt: record.attempt,
            schedule_to_close_timeout: Some(from_nanos(record.schedule_to_close)),
            start_to_close_timeout: Some(from_nanos(record.start_to_close)),
            heartbeat_timeout: Some(from_nanos(record.heartbeat_timeout)),
            retry_policy: record.retry_policy.clone(),
            priority,
            ..Default::default()
        };
        Ok(response.encode_to_vec().into())
    }

    /// The scheduled event of an activity, from the history.
    pub(crate) fn scheduled_attributes(
        &mut self,
        key: RunKey,
        id: EventId,
    ) -> Result<history::ActivityTaskScheduledEventAttributes, CallError> {
        let event = self.event(key, id)?;
        match event.and_then(|event| event.attributes) {
            Some(Attributes::ActivityTaskScheduledEventAttributes(attributes)) => Ok(attributes),
            _ => Err(StoreError::Damaged(format!(
                "event {id} is not the scheduled event of an activity"
            ))
            .into()),
        }
    }

    /// The run and the activity that a token is of, if the attempt it names is still in progress.
    pub(crate) fn activity_of(&mut self, token: &[u8]) -> Result<(RunKey, EventId), CallError> {
        let token: ActivityToken = parse_task_token(token)?;
        let key = RunKey(token.run_key);
        let alone = !token.activity_id.is_empty();
        let gone =
            || if alone { not_found(&token.activity_id) } else { RpcStatus::not_found(GONE) };
        let Some((run, _)) = self.open_run(key)? else {
            let completed = || RpcStatus::not_found("workflow execution already completed");
            return Err(if alone { gone() } else { completed() }.into());
        };
        let record = run.activities.get(&token.scheduled_event_id).ok_or_else(gone)?;
        let same = run.row.run_id.0.as_bytes().as_slice() == token.run_id
            && record.state() == ActivityState::Started
            && record.attempt == token.attempt
            && record.started_time == token.started_time;
        if same { Ok((key, token.scheduled_event_id)) } else { Err(gone().into()) }
    }
}

impl Context {
    /// The run and the activity that a caller names: without a workflow id, one that was started by
    /// itself. Without a token an attempt can be named only while a worker has it, but `scheduled` ones
    /// can be completed.
    pub(crate) fn activity_by_id(
        &mut self,
        namespace: &str,
        execution: &common::WorkflowExecution,
        activity_id: &str,
        scheduled: bool,
    ) -> Result<(RunKey, EventId), CallError> {
        let namespace = self.namespace(namespace)?;
        if activity_id.is_empty() {
            return Err(RpcStatus::invalid_argument("ActivityId is not set on request.").into());
        }
        let alone = execution.workflow_id.is_empty();
        let row = if alone {
            self.find_activity(namespace, activity_id, &execution.run_id)?
        } else {
            self.find_run(namespace, Some(execution))?
        };
        let Some((run, _)) = self.open_run(row.key)? else {
            return Err(match (alone, scheduled) {
                (true, true) => standalone::no_transition(&row),
                (true, false) => not_found(activity_id),
                _ => RpcStatus::not_found("workflow execution already completed"),
            }
            .into());
        };
        let id = *run.activity_ids.get(activity_id).ok_or_else(|| {
            RpcStatus::not_found(format!(
                "cannot find pending activity with ActivityID {activity_id}, check workflow execution \
                 history for more details"
            ))
        })?;
        let state = run.activities.get(&id).map(ActivityRecord::state);
        if scheduled || state == Some(ActivityState::Started) {
            Ok((row.key, id))
        } else {
            Err(if alone { not_found(activity_id) } else { RpcStatus::not_found(GONE) }.into())
        }
    }
}
