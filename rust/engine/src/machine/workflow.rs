//! A run as a whole: started, closed, out of time.
//!
//! ```text
//! none    --start-->                                    running  (WorkflowExecutionStarted)
//! running --complete, fail, cancel, continue as new-->  closed   (a command; nothing is unseen)
//! running --terminate, out of time, too long-->         closed   (its workflow task is ended by force)
//! closed  --retry, cron, continue as new-->             another run of the chain
//! ```

use crate::ids::{NamespaceKey, RunId, RunKey};
use crate::machine::{next_run, reset_points, workflow_task};
use crate::proto::enums::{
    ParentClosePolicy, ResourceExhaustedCause, ResourceExhaustedScope, RetryState, TimeoutType,
    WorkflowExecutionStatus,
};
use crate::proto::errordetails::ResourceExhaustedFailure;
use crate::proto::failure::failure::FailureInfo;
use crate::proto::failure::{Failure, TimeoutFailureInfo};
use crate::proto::history::HistoryEvent;
use crate::proto::{Attributes, common, history, nanos};
use crate::state::effect::{Effect, EndedChild};
use crate::state::env::Env;
use crate::state::run::{Run, make_event};
use crate::state::timers::TimerKind;
use crate::store::{ChildRecord, ParentRecord, RunRecord, RunRow};
use crate::{Code, HistoryLimits, RpcStatus, Timestamp};

/// The time a worker has for a workflow task, unless the caller says another: 10 s.
pub(crate) const DEFAULT_TASK_TIMEOUT: i64 = 10_000_000_000;

/// The parts of a new run.
pub(crate) struct NewRun {
    pub(crate) namespace: NamespaceKey,
    pub(crate) run_id: RunId,
    pub(crate) request_id: String,
    /// The started event, complete.
    pub(crate) attributes: history::WorkflowExecutionStartedEventAttributes,
    /// Nanoseconds before the first workflow task.
    pub(crate) backoff: i64,
    /// The backoff was asked for by the caller, and a signal ends it.
    pub(crate) backoff_is_delay: bool,
    pub(crate) user_metadata: Option<temporalio_protos::temporal::api::sdk::v1::UserMetadata>,
    pub(crate) links: Vec<common::Link>,
    /// The signal that the first workflow task shows.
    pub(crate) signal: Option<HistoryEvent>,
    /// Of a child; also of the later runs of its chain.
    pub(crate) parent: Option<ParentRecord>,
}

/// The timeouts of a run, in nanoseconds; 0 is unlimited.
pub(crate) struct Timeouts {
    pub(crate) execution: i64,
    pub(crate) run: i64,
    pub(crate) task: i64,
}

impl Timeouts {
    /// Fit requested timeouts together, as the server does.
    pub(crate) fn of(execution: i64, run: i64, task: i64) -> Self {
        let run = if execution != 0 && (run == 0 || run > execution) { execution } else { run };
        let task = if task == 0 { DEFAULT_TASK_TIMEOUT } else { task };
        Self { execution, run, task: if run == 0 { task } else { task.min(run) } }
    }
}

impl NewRun {
    /// The run after `previous` in its chain.
    pub(crate) fn following(
        previous: &RunRow,
        env: &Env,
        run_id: RunId,
        mut attributes: history::WorkflowExecutionStartedEventAttributes,
    ) -> Self {
        attributes.prev_auto_reset_points = reset_points::inherited(previous, env);
        if let Some(parent) = &previous.record.parent {
            parent.name_in(&mut attributes, env);
            attributes.root_workflow_execution.clone_from(&previous.record.root);
        }
        Self {
            namespace: previous.namespace,
            parent: previous.record.parent.clone(),
            run_id,
            request_id: uuid::Uuid::from_bytes(env.entropy.bytes()).to_string(),
            backoff: nanos(attributes.first_workflow_task_backoff.as_ref()),
            backoff_is_delay: false,
            attributes,
            user_metadata: None,
            links: Vec::new(),
            signal: None,
        }
    }
}

impl ParentRecord {
    /// Say in a child's first event whose child it is.
    pub(crate) fn name_in(
        &self,
        attributes: &mut history::WorkflowExecutionStartedEventAttributes,
        env: &Env,
    ) {
        let namespace = env.namespaces.get(&self.namespace);
        attributes.parent_workflow_namespace.clone_from(&self.namespace);
        attributes.parent_workflow_namespace_id =
            namespace.map(|(_, record)| record.id.clone()).unwrap_or_default();
        attributes.parent_workflow_execution.clone_from(&self.execution);
        attributes.parent_initiated_event_id = self.initiated_event_id;
    }
}

/// Start a run: its first event, its timers, and its first workflow task unless it backs off.
pub(crate) fn start(key: RunKey, new: NewRun, env: &mut Env) -> Run {
    let row = new_row(key, &new, env);
    let mut run = Run::new(row);
    let NewRun { attributes, user_metadata, links, signal, .. } = new;
    let event = make_event(env, Attributes::WorkflowExecutionStartedEventAttributes(attributes));
    run.append_event(HistoryEvent { user_metadata, links, ..event });
    if let Some(signal) = signal {
        run.append_event(signal);
    }
    debug_assert!(run.row.record.next_event_id > 1, "a history begins with its start");
    let (expiration, backoff) = (run.row.record.run_expiration, run.row.record.backoff_until);
    if expiration != 0 {
        run.arm(expiration, TimerKind::RunTimeout, 0);
    }
    if backoff != 0 {
        run.arm(backoff, TimerKind::Backoff, 0);
    }
    workflow_task::schedule(&mut run, env);
    run
}

pub(crate) fn new_row(key: RunKey, new: &NewRun, env: &Env) -> RunRow {
    let attributes = &new.attributes;
    let now = env.now.0;
    let run_timeout = nanos(attributes.workflow_run_timeout.as_ref());
    let execution_expiration = attributes.workflow_execution_expiration_time.as_ref();
    let execution_expiration = execution_expiration
        .map_or(0, |at| at.seconds.saturating_mul(1_000_000_000).saturating_add(at.nanos.into()));
    let run_ends = if run_timeout == 0 {
        0
    } else {
        now.saturating_add(new.backoff).saturating_add(run_timeout)
    };
    let first = RunId::parse(&attributes.first_execution_run_id).unwrap_or(new.run_id);
    let record = RunRecord {
        next_event_id: 1,
        task_timeout: nanos(attributes.workflow_task_timeout.as_ref()),
        run_timeout,
        execution_timeout: nanos(attributes.workflow_execution_timeout.as_ref()),
        execution_expiration,
        run_expiration: [run_ends, execution_expiration]
            .into_iter()
            .filter(|at| *at != 0)
            .min()
            .unwrap_or(0),
        backoff_until: if new.backoff == 0 { 0 } else { now.saturating_add(new.backoff) },
        backoff_is_delay: new.backoff_is_delay,
        first_backoff: new.backoff,
        cron_schedule: attributes.cron_schedule.clone(),
        request_id: new.request_id.clone(),
        first_run_id: first.0.as_bytes().to_vec(),
        attempt: attributes.attempt,
        priority: attributes.priority.clone(),
        has_retry_policy: attributes.retry_policy.is_some(),
        memo: attributes.memo.clone().filter(|memo| !memo.fields.is_empty()),
        search_attributes: attributes.search_attributes.clone(),
        reset_points: attributes.prev_auto_reset_points.clone(),
        versioning_override: attributes.versioning_override.clone(),
        parent: new.parent.clone(),
        root: attributes.root_workflow_execution.clone().filter(|_| new.parent.is_some()),
        ..RunRecord::default()
    };
    RunRow {
        key,
        namespace: new.namespace,
        workflow_id: attributes.workflow_id.clone(),
        run_id: new.run_id,
        workflow_type: attributes
            .workflow_type
            .as_ref()
            .map(|t| t.name.clone())
            .unwrap_or_default(),
        task_queue: attributes.task_queue.as_ref().map(|q| q.name.clone()).unwrap_or_default(),
        status: WorkflowExecutionStatus::Running.into(),
        start_time: env.now,
        close_time: None,
        record,
    }
}

/// Close the run with its last event. What is still buffered is lost: see [`workflow_task::force_end`].
pub(crate) fn close(
    run: &mut Run,
    env: &mut Env,
    status: WorkflowExecutionStatus,
    event: HistoryEvent,
) {
    debug_assert!(run.volatile.lease.is_none(), "the workflow task ends before its run");
    queue_effects(run, env, &event);
    run.append_event(event);
    run.clear_pending();
    let now = env.now;
    let state = run.state();
    state.status = status.into();
    state.close_time = Some(now);
}

/// Whom a run that closes has to do with: its parent, unless another run goes on in its place, and its
/// children.
fn queue_effects(run: &Run, env: &mut Env, closing: &HistoryEvent) {
    let children = run.children.values();
    let policy_of = |child: &&ChildRecord| child.parent_close_policy();
    let goes_on = !run.row.record.reset_run_id.is_empty();
    for child in children.filter(|child| policy_of(child) != ParentClosePolicy::Abandon) {
        if !goes_on {
            env.effects.push(Effect::Release { parent: run.key(), child: child.clone() });
        }
    }
    if let (Some(parent), Some(closing)) = (&run.row.record.parent, &closing.attributes)
        && run.row.record.next_run_id.is_empty()
        && !ended_by_it(closing)
    {
        env.effects.push(Effect::EndChild(Box::new(EndedChild {
            parent: parent.clone(),
            execution: run.execution(),
            first_run_id: run.row.record.first_run_id.clone(),
            closing: closing.clone(),
        })));
    }
}

/// Terminate the run.
pub(crate) fn terminate(
    run: &mut Run,
    env: &mut Env,
    attributes: history::WorkflowExecutionTerminatedEventAttributes,
    links: Vec<common::Link>,
) {
    workflow_task::force_end(run, env);
    let event = make_event(env, Attributes::WorkflowExecutionTerminatedEventAttributes(attributes));
    close(run, env, WorkflowExecutionStatus::Terminated, HistoryEvent { links, ..event });
}

/// The run, or the chain it belongs to, is out of time. Silent: no workflow task sees it. Gives the run
/// that follows, where a retry policy says so.
pub(crate) fn time_out(
    run: &mut Run,
    env: &mut Env,
    due: Timestamp,
    first: Option<history::WorkflowExecutionStartedEventAttributes>,
) -> Option<NewRun> {
    if run.row.record.run_expiration != due.0 {
        return None;
    }
    let info =
        TimeoutFailureInfo { timeout_type: TimeoutType::StartToClose.into(), ..Default::default() };
    let failure = Failure {
        message: "workflow timeout".into(),
        source: "Server".into(),
        failure_info: Some(FailureInfo::TimeoutFailureInfo(info)),
        ..Default::default()
    };
    let (retry_state, next) = next_run::after_failure(run, env, first, &failure);
    let record = &run.row.record;
    let chain_is_over = record.execution_expiration != 0 && due.0 >= record.execution_expiration;
    let retry_state = if chain_is_over { RetryState::Timeout } else { retry_state };
    workflow_task::force_end(run, env);
    if let Some(next) = &next {
        run.state().record.next_run_id = next.run_id.0.as_bytes().to_vec();
    }
    let attributes = history::WorkflowExecutionTimedOutEventAttributes {
        retry_state: retry_state.into(),
        new_execution_run_id: next.as_ref().map(|next| next.run_id.to_string()).unwrap_or_default(),
    };
    let event = make_event(env, Attributes::WorkflowExecutionTimedOutEventAttributes(attributes));
    close(run, env, WorkflowExecutionStatus::TimedOut, event);
    next
}

/// The backoff before the first workflow task is over.
pub(crate) fn end_backoff(run: &mut Run, env: &mut Env) {
    let due = run.row.record.backoff_until;
    if due != 0 {
        run.state().record.backoff_until = 0;
        run.disarm(due, TimerKind::Backoff as i64, 0);
        workflow_task::schedule(run, env);
    }
}

/// Something came from outside, like a signal: append it, or buffer it, and see to it that the
/// workflow gets to see it.
pub(crate) fn receive(run: &mut Run, env: &mut Env, event: HistoryEvent) {
    run.append_external(event);
    if run.row.record.backoff_is_delay {
        end_backoff(run, env);
    }
    workflow_task::schedule(run, env);
}

/// Histories have room for a little more than four million events; a run ends before, whatever its limit.
const EVENT_LIMIT: i64 = 4_000_000;

/// A run is logged when its history has reached this part of its limit.
const WARN_AT: i64 = 5;

/// End a run whose history has outgrown its limits, as a server does, and say so in time.
pub(crate) fn end_if_too_long(run: &mut Run, env: &mut Env) {
    if !run.is_open() {
        return;
    }
    let (events, bytes) = (run.row.record.next_event_id - 1, run.row.record.history_bytes);
    let HistoryLimits { events: most, bytes: largest } = env.history_limits;
    let exceeds = |value: i64, limit: i64| limit > 0 && value > limit;
    let what = if exceeds(events, most) || events >= EVENT_LIMIT {
        "count"
    } else if exceeds(bytes, largest) {
        "size"
    } else {
        if exceeds(events, most / WARN_AT) || exceeds(bytes, largest / WARN_AT) {
            warn_of_length(run, env.history_limits);
        }
        return;
    };
    let attributes = history::WorkflowExecutionTerminatedEventAttributes {
        reason: format!("Workflow history {what} exceeds limit."),
        identity: "history-service".into(),
        ..Default::default()
    };
    terminate(run, env, attributes, Vec::new());
}

/// Log a long history, once while the run is in memory.
fn warn_of_length(run: &mut Run, limits: HistoryLimits) {
    if std::mem::replace(&mut run.volatile.is_known_to_be_long, true) {
        return;
    }
    let (events, bytes) = (run.row.record.next_event_id - 1, run.row.record.history_bytes);
    let HistoryLimits { events: most, bytes: largest } = limits;
    let (workflow_id, run_id) = (&run.row.workflow_id, run.row.run_id);
    tracing::warn!(
        "the history of the workflow {workflow_id:?} (run {run_id}) has {events} events and {bytes} \
         bytes; at {most} events or {largest} bytes the run is terminated: continue it as new before"
    );
}

/// The run tries to close and signals kept it from that: they have to wait a moment.
pub(crate) fn closing() -> RpcStatus {
    RpcStatus::with_detail(
        Code::ResourceExhausted,
        "workflow operation can not be applied because workflow is closing",
        "ResourceExhaustedFailure",
        &ResourceExhaustedFailure {
            cause: ResourceExhaustedCause::BusyWorkflow.into(),
            scope: ResourceExhaustedScope::Namespace.into(),
        },
    )
}

/// The identity that terminates the run a reset replaces.
pub(crate) const RESETTER: &str = "history-resetter";

/// Tell whether a run ended because a reset took its place.
pub(crate) fn ended_by_it(closing: &Attributes) -> bool {
    matches!(closing, Attributes::WorkflowExecutionTerminatedEventAttributes(a) if a.identity == RESETTER)
}
