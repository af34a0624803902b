//! `RespondWorkflowTaskCompleted`: what a workflow decided.
//!
//! The commands are applied in order. Closing comes last and only when the workflow has seen
//! everything: with unseen events it is refused, and the workflow decides again. A refused command
//! fails the task as a whole.

use std::time::Duration;

use prost::Message;

use crate::command::protocol_message;
use crate::command::scope::{Refusal, Scope};
use crate::command::sequence::pascal_case;
use crate::history::fragment;
use crate::ids::{EventId, RunKey, WorkflowTaskToken, parse_task_token};
use crate::machine::child::IDENTITY;
use crate::machine::workflow::NewRun;
use crate::machine::workflow_task::Ended;
use crate::machine::{activity, speculative, workflow, workflow_task};
use crate::mutation::{Mutation, is_active};
use crate::proto::command::Command;
use crate::proto::enums::{CommandType, WorkflowTaskFailedCause as Cause};
use crate::proto::service::{
    RespondWorkflowTaskCompletedRequest, RespondWorkflowTaskCompletedResponse,
};
use crate::proto::{from_duration, history};
use crate::state::env::Work;
use crate::state::reply::{LeaseName, Reply};
use crate::state::run::{Lease, Run, Speculative, Sticky};
use crate::state::task_queues::{QueueKey, QueueKind, Task};
use crate::state::updates::ResolvedUpdates;
use crate::transaction::context::{CallError, Context, Outcome};
use crate::transaction::start::start_run;
use crate::transaction::workflow_tasks;
use crate::{Code, RpcStatus, Timestamp, command};

/// The time for which a worker may ask for one more workflow task without getting on: the server's default.
const HEARTBEATS: Duration = Duration::from_mins(30);

/// `RespondWorkflowTaskCompletedResponse.workflow_task`.
const WORKFLOW_TASK_TAG: u32 = 1;

/// `RespondWorkflowTaskCompletedResponse.activity_tasks`.
const ACTIVITY_TASKS_TAG: u32 = 2;

pub(crate) fn respond_workflow_task_completed(
    context: &mut Context,
    mut request: RespondWorkflowTaskCompletedRequest,
) -> Result<Outcome, CallError> {
    let key = leased_run(context, &request.task_token)?;
    command::sequence::check(&request.commands)?;
    let commands = std::mem::take(&mut request.commands);
    for (query, result) in std::mem::take(&mut request.query_results) {
        context.answer_attached(&query, result);
    }
    let closes = commands.iter().any(command::is_close);
    context.note_turnaround(key);
    let Some((run, env)) = context.open_run(key)? else { return Err(gone().into()) };
    if closes && !run.buffered.is_empty() && !only_taken_back(run, &commands) {
        run.volatile.closing = true;
        let identity = request.identity;
        let failure = Some(Box::new(activity::server_failure("UnhandledCommand", false)));
        let ended = Ended::Failed { cause: Cause::UnhandledCommand, failure, identity };
        workflow_task::end(run, env, ended);
        context.refuse_sent_updates(key);
        context.fail_after_commit(RpcStatus::invalid_argument("UnhandledCommand"));
        return Ok(Outcome::Parked);
    }
    if heartbeats(&request, &commands) && chain_began(run).after(HEARTBEATS) < env.now {
        workflow_task::end(run, env, Ended::TimedOut);
        context.fail_after_commit(RpcStatus::not_found("workflow task heartbeat timeout"));
        return Ok(Outcome::Parked);
    }
    let before = (run.volatile.lease.clone(), run.volatile.speculative.clone());
    match apply(context, key, &request, commands)? {
        Ok(mut applied) => {
            let eager = std::mem::take(&mut applied.eager);
            let outcome = go_on(context, key, &request, applied)?;
            let by = (request.identity.as_str(), request.worker_instance_key.as_str());
            with_activities(context, key, by, &eager, outcome)
        }
        Err(refusal) => {
            refuse(context, key, before, request.identity, refusal)?;
            Ok(Outcome::Parked)
        }
    }
}

/// The run whose workflow task a token leases.
pub(crate) fn leased_run(context: &mut Context, token: &[u8]) -> Result<RunKey, CallError> {
    let token: WorkflowTaskToken = parse_task_token(token)?;
    let key = RunKey(token.run_key);
    let leased = context.open_run(key)?.is_some_and(|(run, _)| {
        run.row.run_id.0.as_bytes().as_slice() == token.run_id
            && run.volatile.lease.as_ref().is_some_and(|lease| lease.id.as_slice() == token.lease)
    });
    if !leased {
        context.precommit.refuse(&token.lease);
        return Err(gone().into());
    }
    Ok(key)
}

fn gone() -> RpcStatus {
    RpcStatus::not_found("Workflow task not found.")
}

/// All unseen events are firings of timers that the same task cancels.
fn only_taken_back(run: &crate::state::run::Run, commands: &[Command]) -> bool {
    use crate::proto::Attributes;
    use crate::proto::command::command::Attributes as Kind;
    let cancelled = |id: &str| {
        commands.iter().any(|command| {
            matches!(&command.attributes, Some(Kind::CancelTimerCommandAttributes(a)) if a.timer_id == id)
        })
    };
    run.buffered.iter().all(|(_, event)| {
        matches!(&event.attributes, Some(Attributes::TimerFiredEventAttributes(a)) if cancelled(&a.timer_id))
    })
}

/// The worker has nothing to say but that it is still at it.
fn heartbeats(request: &RespondWorkflowTaskCompletedRequest, commands: &[Command]) -> bool {
    request.force_create_new_workflow_task && commands.is_empty() && request.messages.is_empty()
}

/// When the first of an uninterrupted chain of heartbeats was scheduled, this task at the latest.
fn chain_began(run: &Run) -> Timestamp {
    Timestamp(run.workflow_task().map_or(i64::MAX, |task| match task.heartbeats_since {
        0 => task.scheduled_time,
        since => since,
    }))
}

struct Applied {
    closed: bool,
    /// The task was speculative, and nothing of it was written.
    discarded: bool,
    resolved: ResolvedUpdates,
    /// When the chain of heartbeats began that this is one of.
    heartbeats_since: Option<Timestamp>,
    /// Activities that the worker wants to have with the answer.
    eager: Vec<EventId>,
    next_run: Option<NewRun>,
}

/// Write the completion and apply the commands.
fn apply(
    context: &mut Context,
    key: RunKey,
    request: &RespondWorkflowTaskCompletedRequest,
    commands: Vec<Command>,
) -> Result<Result<Applied, Refusal>, CallError> {
    use CommandType::{CompleteWorkflowExecution, FailWorkflowExecution};
    let ends = [CompleteWorkflowExecution, FailWorkflowExecution];
    let ends = commands.iter().any(|command| ends.contains(&command.command_type()));
    let first_event = if ends { context.first_event_for_next(key)? } else { None };
    let messages = context.update_messages(key, request.messages.clone())?;
    let Some((run, env)) = context.open_run(key)? else { return Err(gone().into()) };
    let Some(lease) = run.volatile.lease.clone() else { return Err(gone().into()) };
    let heartbeats_since = heartbeats(request, &commands).then(|| chain_began(run));
    let discarded = commands.is_empty() && speculative::is_discarded(run, request);
    let completed_event_id = if discarded {
        speculative::discard(run);
        0
    } else {
        let attributes = completed_attributes(&lease, request);
        workflow_task::complete(run, env, lease, attributes)
    };
    let mut scope = Scope {
        run,
        env,
        completed_event_id,
        identity: &request.identity,
        user_metadata: None,
        eager: Vec::new(),
        first_event,
        messages,
        next_run: None,
    };
    for command in commands {
        if let Err(refusal) = command::apply(&mut scope, command) {
            return Ok(Err(refusal));
        }
    }
    if let Err(refusal) = protocol_message::apply_rest(&mut scope) {
        return Ok(Err(refusal));
    }
    let Scope { eager, next_run, messages, .. } = scope;
    let (closed, resolved) = (!run.is_open(), messages.resolved);
    Ok(Ok(Applied { closed, discarded, resolved, heartbeats_since, eager, next_run }))
}

fn completed_attributes(
    lease: &Lease,
    request: &RespondWorkflowTaskCompletedRequest,
) -> history::WorkflowTaskCompletedEventAttributes {
    let scheduled_event_id = if lease.unwritten.len() > 1 {
        lease.started_event_id - 1
    } else {
        lease.scheduled_event_id
    };
    history::WorkflowTaskCompletedEventAttributes {
        scheduled_event_id,
        started_event_id: lease.started_event_id,
        identity: request.identity.clone(),
        binary_checksum: request.binary_checksum.clone(),
        worker_version: request.worker_version_stamp.clone(),
        sdk_metadata: request.sdk_metadata.clone(),
        metering_metadata: request.metering_metadata,
        deployment: request.deployment.clone(),
        versioning_behavior: request.versioning_behavior,
        ..Default::default()
    }
}

/// A command was refused: nothing of the completion stays, and the task fails.
fn refuse(
    context: &mut Context,
    key: RunKey,
    (lease, speculative): (Option<Lease>, Option<Speculative>),
    identity: String,
    refusal: Refusal,
) -> Result<(), CallError> {
    let cause = refusal.cause.as_str_name().trim_start_matches("WORKFLOW_TASK_FAILED_CAUSE_");
    let message = format!("{}: {}", pascal_case(cause), refusal.message);
    context.env.work.clear();
    context.env.effects.clear();
    context.refuse_sent_updates(key);
    if let Some(run) = context.runs.get_mut(&key) {
        run.volatile.lease = lease;
        run.volatile.speculative = speculative;
    }
    context.reload(key)?;
    if let Some((run, env)) = context.open_run(key)? {
        let failure = Some(Box::new(activity::server_failure(&message, false)));
        let ended = Ended::Failed { cause: refusal.cause, failure, identity };
        if refusal.is_final {
            workflow_task::end_for_good(run, env, ended);
            let attributes = history::WorkflowExecutionTerminatedEventAttributes {
                reason: message.clone(),
                identity: IDENTITY.into(),
                ..Default::default()
            };
            workflow::terminate(run, env, attributes, Vec::new());
        } else {
            workflow_task::end(run, env, ended);
        }
    }
    context.fail_after_commit(RpcStatus::new(Code::InvalidArgument, message));
    Ok(())
}

/// After the commands: start the next run, flush what was buffered, and go on.
fn go_on(
    context: &mut Context,
    key: RunKey,
    request: &RespondWorkflowTaskCompletedRequest,
    applied: Applied,
) -> Result<Outcome, CallError> {
    if let Some(next) = applied.next_run {
        start_run(context, next);
    }
    let at_it = applied.closed || request.force_create_new_workflow_task;
    context.resolve_updates(key, applied.resolved, at_it)?;
    let mut response = RespondWorkflowTaskCompletedResponse::default();
    let done = |response: RespondWorkflowTaskCompletedResponse| {
        Ok(Outcome::Done(Reply::new(Ok(response.encode_to_vec().into()))))
    };
    let updates = context.updates.is_admitted(key);
    let Some((run, env)) = context.open_run(key)? else { return done(response) };
    run.volatile.closing = false;
    run.volatile.sticky = sticky(request);
    if applied.discarded {
        response.reset_history_event_id = run.row.record.previous_started_event_id;
    }
    let unseen = workflow_task::flush_buffered(run) && !is_active(Mutation::LostWake);
    if unseen || request.force_create_new_workflow_task {
        workflow_task::schedule(run, env);
        if let (Some(since), Some(task)) =
            (applied.heartbeats_since, &mut run.state().record.workflow_task)
        {
            task.heartbeats_since = since.0;
        }
    } else if updates && (request.return_new_workflow_task || run.row.record.backoff_until != 0) {
        speculative::schedule(run, env); // also for a run whose normal ones have to wait
    } else if updates {
        workflow_task::schedule(run, env);
    }
    if request.return_new_workflow_task && run.workflow_task().is_some() {
        return inline(context, key, request, &response);
    }
    done(response)
}

/// Give the activities that the worker asked for with the answer: it has room for them.
fn with_activities(
    context: &mut Context,
    key: RunKey,
    (identity, worker): (&str, &str),
    eager: &[EventId],
    outcome: Outcome,
) -> Result<Outcome, CallError> {
    let Outcome::Done(Reply { result: Ok(body), lease }) = outcome else { return Ok(outcome) };
    let mut body = Vec::from(body);
    for id in eager {
        let task = Task::activity(key, *id, 0);
        if let Some((activity, _)) = context.lease_activity(task, identity, worker)? {
            fragment::put_field(&mut body, ACTIVITY_TASKS_TAG, &[activity]);
        }
    }
    Ok(Outcome::Done(Reply { result: Ok(body.into()), lease }))
}

fn sticky(request: &RespondWorkflowTaskCompletedRequest) -> Option<Sticky> {
    let attributes = request.sticky_attributes.as_ref()?;
    let queue = attributes.worker_task_queue.as_ref().map(|queue| queue.name.clone())?;
    let patience = attributes.schedule_to_start_timeout.as_ref().and_then(from_duration);
    let schedule_to_start = patience.unwrap_or(Duration::from_secs(10));
    (!queue.is_empty()).then_some(Sticky { queue, schedule_to_start })
}

/// Give the next workflow task with the answer, to the worker that has the run at hand.
fn inline(
    context: &mut Context,
    key: RunKey,
    request: &RespondWorkflowTaskCompletedRequest,
    response: &RespondWorkflowTaskCompletedResponse,
) -> Result<Outcome, CallError> {
    context.env.work.retain(|work| *work != Work::WorkflowTask(key));
    let mut body = response.encode_to_vec();
    let nothing = |body: Vec<u8>| Ok(Outcome::Done(Reply::new(Ok(body.into()))));
    let Some((run, env)) = context.open_run(key)? else { return nothing(body) };
    let RespondWorkflowTaskCompletedRequest { identity, worker_instance_key, .. } = request;
    let started = workflow_task::start(run, env, identity, worker_instance_key);
    let Some(lease) = started else { return nothing(body) };
    let queue = QueueKey {
        namespace: run.row.namespace,
        kind: QueueKind::Workflow,
        name: run.row.task_queue.clone(),
    };
    let Some(run) = context.runs.get(&key) else { return nothing(body) };
    let mut task = workflow_tasks::response(run, context.store.as_mut(), &lease, true)?;
    task.extend(context.attached_queries(key));
    let repeat = !request.force_create_new_workflow_task;
    task.extend(context.attached_updates(key, lease.started_event_id, repeat));
    fragment::put_field(&mut body, WORKFLOW_TASK_TAG, &[task.into()]);
    let lease = Some((queue, LeaseName::Inline { run: key, lease: lease.id }));
    Ok(Outcome::Done(Reply { result: Ok(body.into()), lease }))
}
