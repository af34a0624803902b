//! The stored messages. Tags are for ever: a field is added, never renumbered.

use prost::Message;

use super::RunKind;
use crate::ids::EventId;
use crate::mutation::{Mutation, is_active};
use crate::proto::{common, enums, workflow};

/// A namespace.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct NamespaceRecord {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) id: String,
    #[prost(string, tag = "3")]
    pub(crate) description: String,
    #[prost(string, tag = "4")]
    pub(crate) owner_email: String,
    /// Nanoseconds.
    #[prost(int64, tag = "5")]
    pub(crate) retention: i64,
    #[prost(map = "string, string", tag = "6")]
    pub(crate) data: std::collections::HashMap<String, String>,
    /// Declared search attributes, and what they hold: `IndexedValueType`.
    #[prost(map = "string, int32", tag = "7")]
    pub(crate) search_attributes: std::collections::HashMap<String, i32>,
}

/// The changing state of a run. Its size does not depend on the length of the history; what is
/// constant is in the first event, and what there may be many of has rows of its own.
#[allow(clippy::struct_excessive_bools, reason = "each says a thing of its own")]
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RunRecord {
    #[prost(int64, tag = "1")]
    pub(crate) next_event_id: EventId,
    /// The started event of the last workflow task that completed; 0 before the first.
    #[prost(int64, tag = "2")]
    pub(crate) previous_started_event_id: EventId,
    #[prost(int64, tag = "3")]
    pub(crate) history_bytes: i64,
    #[prost(message, optional, tag = "4")]
    pub(crate) workflow_task: Option<WorkflowTaskRecord>,
    /// Nanoseconds.
    #[prost(int64, tag = "5")]
    pub(crate) task_timeout: i64,
    /// Nanoseconds; 0 for none.
    #[prost(int64, tag = "6")]
    pub(crate) run_timeout: i64,
    /// When the whole chain of runs ends, nanoseconds since 1970; 0 for never.
    #[prost(int64, tag = "7")]
    pub(crate) execution_expiration: i64,
    /// When this run ends, by either timeout; 0 for never. The timer that is armed.
    #[prost(int64, tag = "8")]
    pub(crate) run_expiration: i64,
    /// No workflow task before this time; 0 for at once.
    #[prost(int64, tag = "9")]
    pub(crate) backoff_until: i64,
    /// A signal ends the backoff: it was asked for as a start delay.
    #[prost(bool, tag = "10")]
    pub(crate) backoff_is_delay: bool,
    #[prost(string, tag = "11")]
    pub(crate) request_id: String,
    #[prost(bytes = "vec", tag = "12")]
    pub(crate) first_run_id: Vec<u8>,
    #[prost(bool, tag = "13")]
    pub(crate) cancel_requested: bool,
    #[prost(bool, tag = "14")]
    pub(crate) has_request_ids: bool,
    /// The run in the chain of retries, from 1.
    #[prost(int32, tag = "15")]
    pub(crate) attempt: i32,
    #[prost(bool, tag = "16")]
    pub(crate) has_retry_policy: bool,
    /// Nanoseconds; 0 for none.
    #[prost(int64, tag = "17")]
    pub(crate) execution_timeout: i64,
    /// The run that goes on where this one ended.
    #[prost(bytes = "vec", tag = "18")]
    pub(crate) next_run_id: Vec<u8>,
    /// Memo and search attributes as they are now.
    #[prost(message, optional, tag = "19")]
    pub(crate) memo: Option<common::Memo>,
    #[prost(message, optional, tag = "20")]
    pub(crate) search_attributes: Option<common::SearchAttributes>,
    /// Of a child.
    #[prost(message, optional, tag = "21")]
    pub(crate) parent: Option<ParentRecord>,
    /// The run at the top of the tree that a child is in.
    #[prost(message, optional, tag = "22")]
    pub(crate) root: Option<common::WorkflowExecution>,
    #[prost(string, tag = "23")]
    pub(crate) cron_schedule: String,
    /// From the start to the first workflow task, nanoseconds.
    #[prost(int64, tag = "24")]
    pub(crate) first_backoff: i64,
    /// The run that a reset made of this one.
    #[prost(bytes = "vec", tag = "25")]
    pub(crate) reset_run_id: Vec<u8>,
    /// A reset made this run.
    #[prost(bool, tag = "26")]
    pub(crate) is_reset: bool,
    /// Updates that are on record and neither accepted nor rejected: only a reset leaves some.
    #[prost(message, repeated, tag = "27")]
    pub(crate) admitted: Vec<AdmittedRecord>,
    #[prost(message, optional, tag = "28")]
    pub(crate) priority: Option<common::Priority>,
    /// Starts that resolved for this run and wanted to be known by it.
    #[prost(message, repeated, tag = "29")]
    pub(crate) attached: Vec<AttachedRecord>,
    /// The first task that each version of its workers completed, in this run and those before it.
    #[prost(message, optional, tag = "30")]
    pub(crate) reset_points: Option<workflow::ResetPoints>,
    #[prost(message, optional, tag = "31")]
    pub(crate) versioning_override: Option<workflow::VersioningOverride>,
    /// Updates that were accepted.
    #[prost(int64, tag = "40")]
    pub(crate) updates: i64,
    /// The run is one of an activity that was started by itself.
    #[prost(message, optional, tag = "50")]
    pub(crate) standalone: Option<StandaloneRecord>,
}

/// What an activity that was started by itself has besides its attempt. Times are nanoseconds since 1970,
/// and 0 is never.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StandaloneRecord {
    /// How often something became of it.
    #[prost(int64, tag = "1")]
    pub(crate) transitions: i64,
    #[prost(int64, tag = "2")]
    pub(crate) heartbeats: i64,
    #[prost(int64, tag = "3")]
    pub(crate) last_heartbeat: i64,
    #[prost(int64, tag = "4")]
    pub(crate) last_started: i64,
    #[prost(message, optional, tag = "5")]
    pub(crate) cancel: Option<CancelRecord>,
    #[prost(string, tag = "6")]
    pub(crate) terminate_request_id: String,
    /// Its last attempt, when it is closed.
    #[prost(message, optional, tag = "7")]
    pub(crate) ended: Option<ActivityRecord>,
    /// That it was started with.
    #[prost(int64, tag = "8")]
    pub(crate) start_delay: i64,
    /// Options for when the attempt in progress is over, and the activity begins anew.
    #[prost(message, optional, tag = "9")]
    pub(crate) restored: Option<crate::proto::activity::ActivityOptions>,
    /// The last request of each kind: the second of the same id changes nothing.
    #[prost(string, tag = "10")]
    pub(crate) pause_request_id: String,
    #[prost(string, tag = "11")]
    pub(crate) unpause_request_id: String,
    #[prost(string, tag = "12")]
    pub(crate) reset_request_id: String,
    #[prost(string, tag = "13")]
    pub(crate) update_request_id: String,
}

/// By whom and why an activity is to be cancelled.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CancelRecord {
    #[prost(string, tag = "1")]
    pub(crate) identity: String,
    #[prost(string, tag = "2")]
    pub(crate) reason: String,
    #[prost(string, tag = "3")]
    pub(crate) request_id: String,
}

/// A request that is attached to a run.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AttachedRecord {
    #[prost(string, tag = "1")]
    pub(crate) request_id: String,
    /// The event that says so; 0 while it is buffered.
    #[prost(int64, tag = "2")]
    pub(crate) event_id: EventId,
}

/// An update that a reset took over from the run before.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AdmittedRecord {
    #[prost(string, tag = "1")]
    pub(crate) update_id: String,
    /// The event that holds it.
    #[prost(int64, tag = "2")]
    pub(crate) event_id: EventId,
}

/// The run that started a child.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ParentRecord {
    #[prost(int64, tag = "1")]
    pub(crate) run_key: i64,
    #[prost(int64, tag = "2")]
    pub(crate) initiated_event_id: EventId,
    /// Its name.
    #[prost(string, tag = "3")]
    pub(crate) namespace: String,
    #[prost(message, optional, tag = "4")]
    pub(crate) execution: Option<common::WorkflowExecution>,
}

/// A child that has not ended.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ChildRecord {
    #[prost(int64, tag = "1")]
    pub(crate) initiated_event_id: EventId,
    /// 0 while the event is buffered.
    #[prost(int64, tag = "2")]
    pub(crate) started_event_id: EventId,
    /// Its name.
    #[prost(string, tag = "3")]
    pub(crate) namespace: String,
    #[prost(string, tag = "4")]
    pub(crate) workflow_id: String,
    /// Of its first run.
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) run_id: Vec<u8>,
    #[prost(string, tag = "6")]
    pub(crate) workflow_type: String,
    #[prost(enumeration = "enums::ParentClosePolicy", tag = "7")]
    pub(crate) parent_close_policy: i32,
}

/// A scheduled workflow task. That it is being worked on is in memory only.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct WorkflowTaskRecord {
    /// The scheduled event, or the id that it would have (attempts from 2 on write none).
    #[prost(int64, tag = "1")]
    pub(crate) scheduled_event_id: EventId,
    #[prost(int64, tag = "2")]
    pub(crate) scheduled_time: i64,
    #[prost(int32, tag = "3")]
    pub(crate) attempt: i32,
    /// The first attempt, and yet its scheduled event is not written: it was speculative.
    #[prost(bool, tag = "4")]
    pub(crate) unwritten: bool,
    /// When the first task of an uninterrupted chain of heartbeats was scheduled; 0 where this is it.
    #[prost(int64, tag = "5")]
    pub(crate) heartbeats_since: i64,
}

/// Where an activity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum ActivityState {
    /// Waits for a worker.
    Scheduled = 0,
    /// A worker has it.
    Started = 1,
    /// Failed, and waits for its next attempt.
    BackingOff = 2,
}

/// A pending activity. Input and header stay in the scheduled event. Durations and times are
/// nanoseconds, and 0 is none.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ActivityRecord {
    #[prost(int64, tag = "1")]
    pub(crate) scheduled_event_id: EventId,
    #[prost(string, tag = "2")]
    pub(crate) activity_id: String,
    #[prost(string, tag = "3")]
    pub(crate) activity_type: String,
    #[prost(string, tag = "4")]
    pub(crate) task_queue: String,
    #[prost(enumeration = "ActivityState", tag = "5")]
    pub(crate) state: i32,
    #[prost(int32, tag = "6")]
    pub(crate) attempt: i32,
    #[prost(int64, tag = "7")]
    pub(crate) scheduled_time: i64,
    /// When this attempt was (or will be) given to the queue.
    #[prost(int64, tag = "8")]
    pub(crate) attempt_scheduled_time: i64,
    #[prost(int64, tag = "9")]
    pub(crate) started_time: i64,
    #[prost(int64, tag = "10")]
    pub(crate) heartbeat_time: i64,
    /// The timer that is armed; never later than the next timeout.
    #[prost(int64, tag = "11")]
    pub(crate) armed: i64,
    #[prost(int64, tag = "12")]
    pub(crate) schedule_to_close: i64,
    #[prost(int64, tag = "13")]
    pub(crate) schedule_to_start: i64,
    #[prost(int64, tag = "14")]
    pub(crate) start_to_close: i64,
    #[prost(int64, tag = "15")]
    pub(crate) heartbeat_timeout: i64,
    #[prost(message, optional, tag = "16")]
    pub(crate) retry_policy: Option<common::RetryPolicy>,
    /// The cancel-requested event; 0 for none.
    #[prost(int64, tag = "17")]
    pub(crate) cancel_requested: EventId,
    #[prost(message, optional, tag = "18")]
    pub(crate) heartbeat_details: Option<common::Payloads>,
    #[prost(message, optional, tag = "19")]
    pub(crate) last_failure: Option<crate::proto::failure::Failure>,
    #[prost(string, tag = "20")]
    pub(crate) identity: String,
    /// Of the last attempt that ended.
    #[prost(string, tag = "21")]
    pub(crate) last_identity: String,
    /// The instance of the worker that has it; empty when it did not say.
    #[prost(string, tag = "22")]
    pub(crate) worker: String,
    /// Of an attempt whose start is on record although its end is not: only a reset leaves one.
    #[prost(int64, tag = "23")]
    pub(crate) started_event_id: EventId,
    #[prost(message, optional, tag = "24")]
    pub(crate) paused: Option<PauseRecord>,
    /// The worker that has it is to be told that it begins anew.
    #[prost(bool, tag = "25")]
    pub(crate) reset: bool,
    /// The next attempt gets no details.
    #[prost(bool, tag = "26")]
    pub(crate) forget_heartbeat: bool,
    /// In its queue: see [`crate::policy::priority::level`].
    #[prost(int32, tag = "28")]
    pub(crate) level: i32,
    /// When the last attempt ended.
    #[prost(int64, tag = "27")]
    pub(crate) attempt_ended: i64,
    /// Before the first attempt.
    #[prost(int64, tag = "29")]
    pub(crate) start_delay: i64,
}

impl ActivityRecord {
    /// No worker has it any more.
    pub(crate) fn leave_attempt(&mut self) {
        self.started_time = 0;
        self.heartbeat_time = 0;
        if !self.identity.is_empty() {
            self.last_identity = std::mem::take(&mut self.identity);
        }
        self.reset = false;
        if std::mem::take(&mut self.forget_heartbeat) {
            self.heartbeat_details = None;
        }
    }

    /// When the time for all attempts is over; 0 for never.
    pub(crate) fn expiration(&self) -> i64 {
        match self.schedule_to_close {
            0 => 0,
            all => self.scheduled_time.saturating_add(self.start_delay).saturating_add(all),
        }
    }

    /// Waits for a worker, and may be taken.
    pub(crate) fn is_ready(&self) -> bool {
        let may_be = self.paused.is_none() || is_active(Mutation::PausedActivity);
        self.state() == ActivityState::Scheduled && may_be
    }
}

/// By whom and why an activity is paused.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PauseRecord {
    #[prost(int64, tag = "1")]
    pub(crate) time: i64,
    #[prost(string, tag = "2")]
    pub(crate) identity: String,
    #[prost(string, tag = "3")]
    pub(crate) reason: String,
    #[prost(string, tag = "4")]
    pub(crate) request_id: String,
}

/// A pending user timer.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TimerRecord {
    #[prost(int64, tag = "1")]
    pub(crate) started_event_id: EventId,
    #[prost(string, tag = "2")]
    pub(crate) timer_id: String,
    #[prost(int64, tag = "3")]
    pub(crate) due: i64,
}

impl super::RunRow {
    pub(crate) fn is_open(&self) -> bool {
        self.close_time.is_none()
    }

    /// Whether it is one of an activity that was started by itself. Its status is an
    /// `ActivityExecutionStatus` then.
    pub(crate) fn is_activity(&self) -> bool {
        self.record.standalone.is_some()
    }

    pub(crate) fn kind(&self) -> RunKind {
        if self.is_activity() { RunKind::Activity } else { RunKind::Workflow }
    }
}
