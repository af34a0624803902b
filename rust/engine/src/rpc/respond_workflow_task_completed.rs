//! `RespondWorkflowTaskCompleted`: what a workflow decided.
//!
//! The commands are applied in order. Closing comes last and only when the workflow has seen
//! everything: with unseen events it is refused, and the workflow decides again. A refused command
//! fails the task as a whole.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;

use crate::action::Reply;
use crate::command::{self, Refusal, Scope};
use crate::context::{Context, Failure, Outcome, Work};
use crate::history::fragment;
use crate::ids::{RunKey, WorkflowTaskToken, parse_token};
use crate::machine::workflow::{self, NewRun};
use crate::machine::workflow_task::{self, Ended};
use crate::planted::{Bug, planted};
use crate::proto::command::Command;
use crate::proto::enums::{CommandType, WorkflowTaskFailedCause as Cause};
use crate::proto::failure::{Failure as Reason, ServerFailureInfo, failure::FailureInfo};
use crate::proto::service::{
    RespondWorkflowTaskCompletedRequest, RespondWorkflowTaskCompletedResponse,
};
use crate::proto::{from_duration, history};
use crate::run::{Lease, Sticky};
use crate::{Code, RpcStatus};

/// `RespondWorkflowTaskCompletedResponse.workflow_task`.
const WORKFLOW_TASK_TAG: u32 = 1;

pub(crate) fn handle(
    context: &mut Context,
    mut request: RespondWorkflowTaskCompletedRequest,
) -> Result<Outcome, Failure> {
    let key = leased_run(context, &request.task_token)?;
    let commands = std::mem::take(&mut request.commands);
    for (query, result) in std::mem::take(&mut request.query_results) {
        context.answer_travelling(&query, result);
    }
    let closes = commands.iter().any(command::is_close);
    let Some((run, env)) = context.open_run(key)? else { return Err(gone().into()) };
    if closes && !run.buffered.is_empty() && !only_taken_back(run, &commands) {
        run.volatile.closing = true;
        let identity = request.identity;
        let ended = Ended::Failed { cause: Cause::UnhandledCommand, failure: None, identity };
        workflow_task::end(run, env, ended);
        context.fail_after_commit(RpcStatus::invalid_argument("UnhandledCommand"));
        return Ok(Outcome::Parked);
    }
    let before = run.volatile.lease.clone();
    match apply(context, key, &request, commands)? {
        Ok(applied) => finish(context, key, &request, applied),
        Err(refusal) => {
            refuse(context, key, before, request.identity, refusal)?;
            Ok(Outcome::Parked)
        }
    }
}

/// The run whose workflow task a token leases.
pub(crate) fn leased_run(context: &mut Context, token: &[u8]) -> Result<RunKey, Failure> {
    let token: WorkflowTaskToken = parse_token(token, "TaskToken")?;
    let key = RunKey(token.run_key);
    let leased = context.open_run(key)?.is_some_and(|(run, _)| {
        run.row.run_id.0.as_bytes().as_slice() == token.run_id
            && run.volatile.lease.as_ref().is_some_and(|lease| lease.id.as_slice() == token.lease)
    });
    if leased { Ok(key) } else { Err(gone().into()) }
}

fn gone() -> RpcStatus {
    RpcStatus::not_found("Workflow task not found.")
}

/// All unseen events are firings of timers that the same task cancels.
fn only_taken_back(run: &crate::run::Run, commands: &[Command]) -> bool {
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

struct Applied {
    closed: bool,
    /// The workflow has to be told something that a command caused at once.
    needs_task: bool,
    next_run: Option<NewRun>,
}

/// Write the completion and apply the commands, up to and with the first one that closes the run.
fn apply(
    context: &mut Context,
    key: RunKey,
    request: &RespondWorkflowTaskCompletedRequest,
    commands: Vec<Command>,
) -> Result<Result<Applied, Refusal>, Failure> {
    let fails = commands.iter().any(|c| c.command_type() == CommandType::FailWorkflowExecution);
    let first_event = if fails { context.first_event_for_retry(key)? } else { None };
    let Some((run, env)) = context.open_run(key)? else { return Err(gone().into()) };
    let Some(lease) = run.volatile.lease.clone() else { return Err(gone().into()) };
    let attributes = completed_attributes(&lease, request);
    let completed_event_id = workflow_task::complete(run, env, lease, attributes);
    let mut scope = Scope {
        run,
        env,
        completed_event_id,
        identity: &request.identity,
        user_metadata: None,
        needs_task: false,
        first_event,
        next_run: None,
    };
    for command in commands {
        if !scope.run.is_open() {
            break; // the first that closes wins
        }
        if let Err(refusal) = command::apply(&mut scope, command) {
            return Ok(Err(refusal));
        }
    }
    let Scope { needs_task, next_run, .. } = scope;
    Ok(Ok(Applied { closed: !run.is_open(), needs_task, next_run }))
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
    lease: Option<Lease>,
    identity: String,
    refusal: Refusal,
) -> Result<(), Failure> {
    let cause = refusal.cause.as_str_name().trim_start_matches("WORKFLOW_TASK_FAILED_CAUSE_");
    let message = format!("{}: {}", pascal_case(cause), refusal.message);
    context.env.work.clear();
    context.env.errands.clear();
    if let Some(run) = context.runs.get_mut(&key) {
        run.volatile.lease = lease;
    }
    context.reload(key)?;
    if let Some((run, env)) = context.open_run(key)? {
        let failure = Reason {
            message: message.clone(),
            source: "Server".into(),
            failure_info: Some(FailureInfo::ServerFailureInfo(ServerFailureInfo {
                non_retryable: true,
            })),
            ..Default::default()
        };
        let ended =
            Ended::Failed { cause: refusal.cause, failure: Some(Box::new(failure)), identity };
        workflow_task::end(run, env, ended);
    }
    context.fail_after_commit(RpcStatus::new(Code::InvalidArgument, message));
    Ok(())
}

/// `BAD_START_TIMER_ATTRIBUTES` as the server prints it: `BadStartTimerAttributes`.
fn pascal_case(name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty());
    words.map(|word| word[..1].to_owned() + &word[1..].to_lowercase()).collect()
}

/// After the commands: start the next run, let in what was held back, and go on.
fn finish(
    context: &mut Context,
    key: RunKey,
    request: &RespondWorkflowTaskCompletedRequest,
    applied: Applied,
) -> Result<Outcome, Failure> {
    if let Some(next) = applied.next_run {
        workflow::start(context, next);
    }
    let empty = RespondWorkflowTaskCompletedResponse::default().encode_to_vec();
    if applied.closed {
        return Ok(Outcome::Done(Reply::new(Ok(empty.into()))));
    }
    let Some((run, env)) = context.open_run(key)? else {
        return Ok(Outcome::Done(Reply::new(Ok(empty.into()))));
    };
    run.volatile.closing = false;
    run.volatile.sticky = sticky(request);
    let unseen = workflow_task::flush_buffered(run) && !planted(Bug::LostWake);
    if unseen || applied.needs_task || request.force_create_new_workflow_task {
        workflow_task::schedule(run, env);
    }
    if request.return_new_workflow_task && run.row.record.workflow_task.is_some() {
        return inline(context, key, &request.identity);
    }
    Ok(Outcome::Done(Reply::new(Ok(empty.into()))))
}

fn sticky(request: &RespondWorkflowTaskCompletedRequest) -> Option<Sticky> {
    let attributes = request.sticky_attributes.as_ref()?;
    let queue = attributes.worker_task_queue.as_ref().map(|queue| queue.name.clone())?;
    let patience = attributes.schedule_to_start_timeout.as_ref().and_then(from_duration);
    let schedule_to_start = patience.unwrap_or(Duration::from_secs(10));
    (!queue.is_empty()).then_some(Sticky { queue, schedule_to_start })
}

/// Give the next workflow task with the answer, to the worker that has the run at hand.
fn inline(context: &mut Context, key: RunKey, identity: &str) -> Result<Outcome, Failure> {
    context.env.work.retain(|work| *work != Work::WorkflowTask(key));
    let nothing = || Outcome::Done(Reply::new(Ok(Bytes::new())));
    let Some((run, env)) = context.open_run(key)? else { return Ok(nothing()) };
    let Some(lease) = workflow_task::start(run, env, identity) else { return Ok(nothing()) };
    let sticky = run.volatile.sticky.is_some();
    let Some(run) = context.runs.get(&key) else { return Ok(nothing()) };
    let mut task = workflow_task::response(run, context.store.as_mut(), &lease, sticky)?;
    task.extend(context.travelling_queries(key));
    let mut body = Vec::with_capacity(task.len() + 8);
    fragment::put_field(&mut body, WORKFLOW_TASK_TAG, &[task.into()]);
    Ok(Outcome::Done(Reply::new(Ok(body.into()))))
}
