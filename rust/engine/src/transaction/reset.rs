//! A reset: a run goes back to the end of one of its workflow tasks, as a run of its own that takes the
//! place of the newest one. What came from outside since then reaches it again.

use crate::RpcStatus;
use crate::ids::{EventId, RunId, RunKey};
use crate::machine::child::IDENTITY;
use crate::machine::rebuild::{Rebuilt, Task};
use crate::machine::workflow::{NewRun, RESETTER};
use crate::machine::workflow_options::Wanted;
use crate::machine::{child, workflow, workflow_task};
use crate::proto::enums::{RetryState, UpdateAdmittedEventOrigin, WorkflowTaskFailedCause};
use crate::proto::failure::ResetWorkflowFailureInfo;
use crate::proto::failure::failure::FailureInfo;
use crate::proto::history::HistoryEvent;
use crate::proto::{Attributes, common, failure, history, nanos, update_id};
use crate::state::env::Env;
use crate::state::run::{Run, make_event};
use crate::store::record::{ActivityState, WorkflowTaskRecord};
use crate::store::{RunRow, StoreError};
use crate::transaction::context::{CallError, Context};
use crate::transaction::pages;

/// A requested reset.
pub(crate) struct Reset {
    /// The run that is gone back in.
    pub(crate) base: RunRow,
    /// The newest run of the workflow id.
    pub(crate) current: RunRow,
    /// The first event that is not taken over.
    pub(crate) until: EventId,
    pub(crate) reason: String,
    pub(crate) request_id: String,
    pub(crate) reapply: Reapply,
    /// Changes to the new run's options.
    pub(crate) then: Vec<Wanted>,
}

/// The events that reach the new run again.
#[derive(Clone, Copy)]
pub(crate) struct Reapply {
    pub(crate) signals: bool,
    pub(crate) updates: bool,
    /// Also what children did.
    pub(crate) anything: bool,
}

/// Reset a workflow; the id of the new run.
pub(crate) fn reset(context: &mut Context, reset: &Reset) -> Result<RunId, CallError> {
    let run_id = RunId::new(context.env.clock.as_ref(), context.env.entropy.as_ref());
    let mut rebuilt = rebuild(context, reset, run_id)?;
    if rebuilt.task == Task::None {
        return Err(RpcStatus::invalid_argument(format!(
            "Can only reset workflow to event ID in range [WorkflowTaskScheduled +1, WorkflowTaskStarted \
             + 1]: {}",
            reset.until
        ))
        .into());
    }
    mark(context, reset.base.key, run_id)?;
    terminate(context, reset)?;
    fail_workflow_task(&mut rebuilt, &mut context.env, reset, run_id);
    fail_activities(&mut rebuilt, &context.env, &reset.reason);
    reapply(context, &mut rebuilt, reset)?;
    set_options(&mut rebuilt, &context.env, &reset.then);
    find_children(context, &mut rebuilt)?;
    let key = rebuilt.run.key();
    context.begin()?;
    for request_id in std::mem::take(&mut rebuilt.request_ids) {
        context.store.add_request_id(key, &request_id)?;
        rebuilt.run.state().record.has_request_ids = true;
    }
    let mut run = rebuilt.into_run(&mut context.env);
    workflow_task::schedule(&mut run, &mut context.env);
    context.insert_run(run);
    context.recall_updates(key)?;
    Ok(run_id)
}

/// The new run after the last event that it takes over.
fn rebuild(context: &mut Context, reset: &Reset, run_id: RunId) -> Result<Rebuilt, CallError> {
    let events = pages::events(context, reset.base.key, 1, reset.until)?;
    let Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) =
        events.first().and_then(|event| event.attributes.clone())
    else {
        return Err(StoreError::Damaged("a history does not begin with its start".into()).into());
    };
    let key = context.next_run_key();
    let mut rebuilt = Rebuilt::new(Run::new(row(context, reset, key, run_id, started)));
    for event in events {
        rebuilt.take(event);
    }
    Ok(rebuilt)
}

/// The new run before its first event. Its timeouts begin anew.
fn row(
    context: &Context,
    reset: &Reset,
    key: RunKey,
    run_id: RunId,
    started: history::WorkflowExecutionStartedEventAttributes,
) -> RunRow {
    let (now, base) = (context.env.now.0, &reset.base);
    let execution = nanos(started.workflow_execution_timeout.as_ref());
    let first_backoff = nanos(started.first_workflow_task_backoff.as_ref());
    let new = NewRun {
        namespace: base.namespace,
        run_id,
        request_id: reset.request_id.clone(),
        attributes: started,
        backoff: 0,
        backoff_is_delay: false,
        user_metadata: None,
        links: Vec::new(),
        signal: None,
        parent: base.record.parent.clone(),
    };
    let mut row = workflow::new_row(key, &new, &context.env);
    let record = &mut row.record;
    let after = |length: i64| if length == 0 { 0 } else { now.saturating_add(length) };
    record.execution_expiration = after(execution);
    let ends = [after(record.run_timeout), record.execution_expiration];
    record.run_expiration = ends.into_iter().filter(|at| *at != 0).min().unwrap_or(0);
    record.first_backoff = first_backoff;
    record.is_reset = true;
    row
}

/// Say in the run that was gone back in which one goes on.
fn mark(context: &mut Context, base: RunKey, run_id: RunId) -> Result<(), CallError> {
    let reset_run_id = run_id.0.as_bytes().to_vec();
    if let Some((run, _)) = context.open_run(base)? {
        run.state().record.reset_run_id = reset_run_id;
        return Ok(());
    }
    let Some(mut row) = context.row(base)? else { return Ok(()) };
    row.record.reset_run_id = reset_run_id;
    context.begin()?;
    context.store.update_run(&row)?;
    if let Some(run) = context.runs.get_mut(&base) {
        run.row = row; // closed by the transaction under way
    }
    Ok(())
}

fn terminate(context: &mut Context, reset: &Reset) -> Result<(), CallError> {
    if let Some((run, env)) = context.open_run(reset.current.key)? {
        let attributes = history::WorkflowExecutionTerminatedEventAttributes {
            reason: reset.reason.clone(),
            identity: RESETTER.into(),
            ..Default::default()
        };
        workflow::terminate(run, env, attributes, Vec::new());
    }
    Ok(())
}

fn failure(reason: &str, details: Option<common::Payloads>) -> failure::Failure {
    let info = ResetWorkflowFailureInfo { last_heartbeat_details: details };
    failure::Failure {
        message: reason.into(),
        failure_info: Some(FailureInfo::ResetWorkflowFailureInfo(info)),
        ..Default::default()
    }
}

/// Fail the workflow task at which the new run begins, with what is not on record of it before that.
fn fail_workflow_task(rebuilt: &mut Rebuilt, env: &mut Env, reset: &Reset, run_id: RunId) {
    let run = &mut rebuilt.run;
    let (scheduled_event_id, started_event_id) = match rebuilt.task {
        Task::None => return,
        Task::Started(scheduled, started) => (scheduled, started),
        Task::Scheduled(scheduled, attempt) => {
            (scheduled, start_task(run, env, scheduled, attempt))
        }
        Task::Unwritten => {
            let event = workflow_task::scheduled_event(run, env.now, 1, env);
            let scheduled = run.append_event(event);
            (scheduled, start_task(run, env, scheduled, 1))
        }
    };
    let attributes = history::WorkflowTaskFailedEventAttributes {
        scheduled_event_id,
        started_event_id,
        cause: WorkflowTaskFailedCause::ResetWorkflow.into(),
        failure: Some(failure(&reset.reason, None)),
        identity: IDENTITY.into(),
        base_run_id: reset.base.run_id.to_string(),
        new_run_id: run_id.to_string(),
        ..Default::default()
    };
    run.append(env, Attributes::WorkflowTaskFailedEventAttributes(attributes));
}

fn start_task(run: &mut Run, env: &Env, scheduled_event_id: EventId, attempt: i32) -> EventId {
    let task = WorkflowTaskRecord { scheduled_event_id, attempt, ..Default::default() };
    let event = workflow_task::started_event(run, env, &task, IDENTITY, &env.entropy.bytes());
    run.append_event(event)
}

/// Fail the activities whose start is on record. Those that are only scheduled begin anew.
fn fail_activities(rebuilt: &mut Rebuilt, env: &Env, reason: &str) {
    let (started, scheduled) = std::mem::take(&mut rebuilt.activities)
        .into_iter()
        .partition(|(_, record)| record.state() == ActivityState::Started);
    rebuilt.activities = scheduled;
    let started: std::collections::BTreeMap<_, _> = started;
    for (id, record) in started {
        let attributes = history::ActivityTaskFailedEventAttributes {
            failure: Some(failure(reason, record.heartbeat_details)),
            scheduled_event_id: id,
            started_event_id: record.started_event_id,
            identity: record.identity,
            retry_state: RetryState::NonRetryableFailure.into(),
            ..Default::default()
        };
        rebuilt.run.append(env, Attributes::ActivityTaskFailedEventAttributes(attributes));
    }
}

/// Have the new run receive what came after the point of the reset, in the base run and in those that
/// it continued as.
fn reapply(context: &mut Context, rebuilt: &mut Rebuilt, reset: &Reset) -> Result<(), CallError> {
    if !reset.reapply.anything {
        return Ok(());
    }
    let (mut row, mut from) = (reset.base.clone(), reset.until);
    loop {
        let events = pages::events(context, row.key, from, EventId::MAX)?;
        let next = match events.last().and_then(|event| event.attributes.as_ref()) {
            Some(Attributes::WorkflowExecutionContinuedAsNewEventAttributes(a)) => {
                a.new_execution_run_id.clone()
            }
            _ => String::new(),
        };
        for event in events {
            let of_base = row.key == reset.base.key;
            receive(rebuilt, &context.env, event, reset.reapply, of_base);
        }
        if next.is_empty() {
            return Ok(());
        }
        let execution =
            common::WorkflowExecution { workflow_id: row.workflow_id.clone(), run_id: next };
        row = context.find_run(row.namespace, Some(&execution))?;
        from = 1;
    }
}

fn receive(rebuilt: &mut Rebuilt, env: &Env, event: HistoryEvent, reapply: Reapply, of_base: bool) {
    let HistoryEvent { links, worker_may_ignore, attributes, .. } = event;
    let attributes = match attributes {
        Some(Attributes::WorkflowExecutionSignaledEventAttributes(a)) if reapply.signals => {
            let kept = history::WorkflowExecutionSignaledEventAttributes {
                signal_name: a.signal_name,
                input: a.input,
                identity: a.identity,
                header: a.header,
                request_id: a.request_id,
                ..Default::default()
            };
            Attributes::WorkflowExecutionSignaledEventAttributes(kept)
        }
        Some(Attributes::WorkflowExecutionUpdateAdmittedEventAttributes(a))
            if reapply.updates
                && !a.request.as_ref().is_some_and(|r| rebuilt.run.knows_update(update_id(r))) =>
        {
            Attributes::WorkflowExecutionUpdateAdmittedEventAttributes(a)
        }
        // Without a request, the event before it that admits it has come here already.
        Some(Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(a))
            if reapply.updates
                && a.accepted_request.is_some()
                && !rebuilt.run.knows_update(&a.protocol_instance_id) =>
        {
            let kept = history::WorkflowExecutionUpdateAdmittedEventAttributes {
                request: a.accepted_request,
                origin: UpdateAdmittedEventOrigin::Reapply.into(),
            };
            Attributes::WorkflowExecutionUpdateAdmittedEventAttributes(kept)
        }
        Some(Attributes::WorkflowExecutionOptionsUpdatedEventAttributes(a)) => {
            let known = &rebuilt.run.row.record.attached;
            if !a.attached_completion_callbacks.is_empty()
                && known.iter().any(|known| known.request_id == a.attached_request_id)
            {
                return;
            }
            Attributes::WorkflowExecutionOptionsUpdatedEventAttributes(a)
        }
        Some(attributes) if of_base && is_of_pending_child(rebuilt, &attributes) => attributes,
        _ => return,
    };
    append(rebuilt, HistoryEvent { links, worker_may_ignore, ..make_event(env, attributes) });
}

/// Append an event that the run did not have before.
fn append(rebuilt: &mut Rebuilt, mut event: HistoryEvent) {
    event.event_id = rebuilt.run.row.record.next_event_id;
    rebuilt.take(event);
}

/// Change the new run's options, as the caller wants them after the reset.
fn set_options(rebuilt: &mut Rebuilt, env: &Env, wanted: &[Wanted]) {
    for wanted in wanted {
        let (_, changed) = wanted.merge(&rebuilt.run.row);
        if let Some(changed) = changed {
            let changed = Attributes::WorkflowExecutionOptionsUpdatedEventAttributes(changed);
            append(rebuilt, HistoryEvent { worker_may_ignore: true, ..make_event(env, changed) });
        }
    }
}

/// Tell whether an event tells of a child that was not known to have started, or to have ended.
fn is_of_pending_child(rebuilt: &Rebuilt, attributes: &Attributes) -> bool {
    if let Attributes::ChildWorkflowExecutionStartedEventAttributes(a) = attributes {
        let child = rebuilt.children.get(&a.initiated_event_id);
        return child.is_some_and(|child| child.started_event_id == 0);
    }
    child::ended_child(attributes).is_some_and(|id| rebuilt.children.contains_key(&id))
}

/// A child that was to be started before the point of the reset, and of which nothing is known since:
/// it may be there, started by a run that this one was made of.
fn find_children(context: &mut Context, rebuilt: &mut Rebuilt) -> Result<(), CallError> {
    let waiting: Vec<_> =
        rebuilt.children.values().filter(|child| child.started_event_id == 0).cloned().collect();
    for child in waiting {
        let Ok(namespace) = context.namespace(&child.namespace) else { continue };
        let found = context.last_run(namespace, &child.workflow_id)?;
        let found = found.filter(|row| {
            row.is_open()
                && row.record.parent.as_ref().is_some_and(|parent| {
                    let own = &rebuilt.run.row;
                    parent.initiated_event_id == child.initiated_event_id
                        && parent
                            .execution
                            .as_ref()
                            .is_some_and(|e| e.workflow_id == own.workflow_id)
                })
        });
        if let Some(row) = found {
            let attributes = history::ChildWorkflowExecutionStartedEventAttributes {
                namespace_id: context.env.namespace(namespace).1,
                namespace: child.namespace,
                initiated_event_id: child.initiated_event_id,
                workflow_execution: Some(common::WorkflowExecution {
                    workflow_id: row.workflow_id,
                    run_id: uuid::Uuid::from_slice(&row.record.first_run_id)
                        .unwrap_or_default()
                        .to_string(),
                }),
                workflow_type: Some(common::WorkflowType { name: child.workflow_type }),
                ..Default::default()
            };
            let attributes = Attributes::ChildWorkflowExecutionStartedEventAttributes(attributes);
            append(rebuilt, make_event(&context.env, attributes));
        }
    }
    Ok(())
}
