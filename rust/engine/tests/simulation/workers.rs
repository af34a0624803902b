//! Workers: they take tasks and decide, succeed, fail, report progress, or forget.

use std::collections::BTreeSet;

use hourglass_engine::RpcStatus;
use prost::Message;
use temporalio_protos::temporal::api::command::v1::{
    Command, ScheduleActivityTaskCommandAttributes,
};
use temporalio_protos::temporal::api::enums::v1::{ParentClosePolicy, QueryResultType};
use temporalio_protos::temporal::api::query::v1::WorkflowQueryResult;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use super::ledger::Fact;
use super::support::Server;
use super::support::command::{
    activity, cancel_activity, cancel_external, cancel_timer, cancel_workflow, child, complete,
    continue_as_new, external_signal, fail, marker, schedule, signal_external, start_child,
    start_timer,
};
use super::support::server::Rpc;
use super::support::values::{NAMESPACE, QUEUE, queue, retry_policy, secs};
use super::world::{self, Checked, World, require};

/// The queue of a worker's own.
const STICKY: &str = "sticky";
/// Polls of each kind at once.
const POLLS: usize = 3;
/// A run that has come that far is to end.
const LONG: i64 = 120;

#[derive(Default)]
pub(crate) struct Workers {
    tasks: Vec<PollWorkflowTaskQueueResponse>,
    activities: Vec<PollActivityTaskQueueResponse>,
    /// Attempts of activities that a worker was given.
    delivered: BTreeSet<Vec<u8>>,
    named: u64,
}

impl Workers {
    /// The disk lied: what was given may be given again.
    pub(crate) fn forget_deliveries(&mut self) {
        self.delivered.clear();
    }
}

pub(crate) enum Purpose {
    PollWorkflow,
    PollActivity,
    Complete { run_id: String, started_event_id: i64 },
    CompleteActivity { run_id: String, scheduled_event_id: i64 },
    Other,
}

fn send<R: Rpc>(world: &mut World, request: &R, purpose: Purpose) {
    world.send(request, world::Purpose::Worker(purpose));
}

pub(crate) fn act(world: &mut World) {
    if world.ending {
        poll(world);
        poll_activity(world);
        while !world.workers.tasks.is_empty() {
            work(world);
        }
        while !world.workers.activities.is_empty() {
            perform(world);
        }
        return;
    }
    match world.rng.below(100) {
        0..25 => poll(world),
        25..60 => work(world),
        60..75 => poll_activity(world),
        _ => perform(world),
    }
}

fn poll(world: &mut World) {
    if world.flying("PollWorkflowTaskQueue") >= POLLS {
        return;
    }
    let sticky = world.rng.percent(30);
    let request = if sticky { Server::sticky_poll(STICKY) } else { Server::workflow_poll() };
    send(world, &request, Purpose::PollWorkflow);
}

fn poll_activity(world: &mut World) {
    if world.flying("PollActivityTaskQueue") < POLLS {
        send(world, &Server::activity_poll(), Purpose::PollActivity);
    }
}

// --- workflow tasks -------------------------------------------------------------------------

fn work(world: &mut World) {
    let Some(index) = world.rng.index(world.workers.tasks.len()) else { return };
    let task = world.workers.tasks.swap_remove(index);
    if task.query.is_some() {
        return answer_query(world, task);
    }
    if !world.ending {
        match world.rng.below(100) {
            0..5 => return, // forgotten
            5..10 => return fail_task(world, &task),
            _ => {}
        }
    }
    let execution = task.workflow_execution.clone().unwrap();
    let commands = decide(world, &execution.run_id);
    let sticky = world.rng.percent(50);
    let mut request = if sticky {
        Server::sticky_completion(STICKY, &task, commands)
    } else {
        Server::completion(&task, commands)
    };
    request.return_new_workflow_task = !world.ending && world.rng.percent(20);
    request.force_create_new_workflow_task = !world.ending && world.rng.percent(5);
    let mut queries: Vec<_> = task.queries.into_keys().collect();
    queries.sort();
    for query in queries {
        let result_type = QueryResultType::Answered.into();
        request
            .query_results
            .insert(query, WorkflowQueryResult { result_type, ..Default::default() });
    }
    let (run_id, started_event_id) = (execution.run_id, task.started_event_id);
    if world.rng.percent(3) {
        // The answer was lost, and the worker repeats it.
        send(world, &request, Purpose::Other);
    }
    send(world, &request, Purpose::Complete { run_id, started_event_id });
}

fn answer_query(world: &mut World, task: PollWorkflowTaskQueueResponse) {
    let request = RespondQueryTaskCompletedRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token,
        completed_type: QueryResultType::Answered.into(),
        ..Default::default()
    };
    send(world, &request, Purpose::Other);
}

fn fail_task(world: &mut World, task: &PollWorkflowTaskQueueResponse) {
    let request = RespondWorkflowTaskFailedRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token.clone(),
        ..Default::default()
    };
    send(world, &request, Purpose::Other);
}

/// What the workflow does now: anything that its history allows, and sometimes what it does not.
fn decide(world: &mut World, run_id: &str) -> Vec<Command> {
    let audit = world.keys.get(run_id).and_then(|key| world.audits.get(key)).cloned();
    let Some(audit) = audit else { return Vec::new() };
    if world.ending {
        return vec![complete("done")];
    }
    let mut commands = Vec::new();
    for _ in 0..world.rng.below(4) {
        world.workers.named += 1;
        let name = format!("n{}", world.workers.named);
        let rng = &mut world.rng;
        let timers: Vec<_> = audit.timers.keys().cloned().collect();
        let activities: Vec<_> = audit.activities.iter().copied().collect();
        let other = format!("w{}", rng.below(6));
        commands.push(match rng.below(100) {
            0..25 => start_timer(&name, rng.between(0, 100)),
            25..35 => match rng.pick(&timers) {
                Some(timer) => cancel_timer(timer),
                None => continue,
            },
            35..60 => some_activity(world, &name),
            60..68 => match rng.pick(&activities) {
                Some(scheduled) => cancel_activity(*scheduled),
                None => continue,
            },
            68..74 => marker(&name),
            74..84 => some_child(world),
            84..91 => signal_external(external_signal(&other)),
            91..96 => cancel_external(&other, false),
            _ => cancel_timer("no such timer"),
        });
    }
    let long = audit.next > LONG;
    if long || world.rng.percent(12) {
        commands.push(match world.rng.below(10) {
            0..5 => complete("done"),
            5..7 => fail("no more"),
            7 if audit.cancel_requested => cancel_workflow(),
            _ if long => complete("done"),
            _ => continue_as_new(),
        });
    }
    commands
}

fn some_activity(world: &mut World, name: &str) -> Command {
    let rng = &mut world.rng;
    let mut attributes = ScheduleActivityTaskCommandAttributes {
        start_to_close_timeout: secs(rng.between(1, 60)),
        retry_policy: retry_policy(i32::try_from(rng.below(4)).unwrap()),
        ..activity(name)
    };
    if rng.percent(30) {
        attributes.heartbeat_timeout = secs(rng.between(1, 20));
    }
    if rng.percent(20) {
        attributes.schedule_to_start_timeout = secs(rng.between(1, 60));
    }
    if rng.percent(30) {
        attributes.schedule_to_close_timeout = secs(rng.between(1, 200));
    }
    schedule(attributes)
}

fn some_child(world: &mut World) -> Command {
    use ParentClosePolicy::{Abandon, RequestCancel, Terminate};
    let mut attributes = child(&format!("w{}", world.rng.below(9)));
    attributes.task_queue = queue(QUEUE);
    attributes.parent_close_policy =
        (*world.rng.pick(&[Terminate, Abandon, RequestCancel]).unwrap()).into();
    start_child(attributes)
}

// --- activities -----------------------------------------------------------------------------

fn perform(world: &mut World) {
    let Some(index) = world.rng.index(world.workers.activities.len()) else { return };
    let task = world.workers.activities[index].clone();
    let choice = if world.ending { 99 } else { world.rng.below(100) };
    if choice < 25 {
        let request = RecordActivityTaskHeartbeatRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: task.task_token,
            ..Default::default()
        };
        return send(world, &request, Purpose::Other);
    }
    world.workers.activities.swap_remove(index);
    match choice {
        25..30 => {} // forgotten
        30..50 => {
            let kind = if world.rng.percent(20) { "Fatal" } else { "Flaky" };
            send(world, &Server::activity_failure(&task, kind), Purpose::Other);
        }
        50..55 => {
            let request = RespondActivityTaskCanceledRequest {
                namespace: NAMESPACE.to_owned(),
                task_token: task.task_token,
                ..Default::default()
            };
            send(world, &request, Purpose::Other);
        }
        _ => complete_activity(world, &task),
    }
}

fn complete_activity(world: &mut World, task: &PollActivityTaskQueueResponse) {
    let request = RespondActivityTaskCompletedRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token.clone(),
        ..Default::default()
    };
    let run_id = task.workflow_execution.clone().unwrap().run_id;
    let scheduled_event_id = scheduled_event(&task.task_token);
    if world.rng.percent(30) {
        send(world, &request, Purpose::Other); // its answer was lost, and it is repeated
    }
    send(world, &request, Purpose::CompleteActivity { run_id, scheduled_event_id });
}

/// The engine's token names the scheduled event; nothing else tells it to a worker.
fn scheduled_event(token: &[u8]) -> i64 {
    #[derive(Clone, PartialEq, Message)]
    struct Token {
        #[prost(int64, tag = "3")]
        scheduled_event_id: i64,
    }
    Token::decode(token).unwrap().scheduled_event_id
}

pub(crate) fn answered(
    world: &mut World,
    purpose: Purpose,
    result: Result<bytes::Bytes, RpcStatus>,
) -> Checked {
    let Ok(body) = result else { return Ok(()) };
    match purpose {
        Purpose::PollWorkflow => {
            let task = PollWorkflowTaskQueueResponse::decode(body).unwrap();
            if !task.task_token.is_empty() {
                world.workers.tasks.push(task);
            }
        }
        Purpose::PollActivity => {
            let task = PollActivityTaskQueueResponse::decode(body).unwrap();
            if !task.task_token.is_empty() {
                let first = world.workers.delivered.insert(task.task_token.clone());
                require("an attempt of an activity has one worker", first, || {
                    format!("{} attempt {}", task.activity_id, task.attempt)
                })?;
                world.workers.activities.push(task);
            }
        }
        Purpose::Complete { run_id, started_event_id } => {
            let response = RespondWorkflowTaskCompletedResponse::decode(body).unwrap();
            world.note(&run_id, Fact::TaskCompleted { started_event_id });
            world.workers.tasks.extend(response.workflow_task);
        }
        Purpose::CompleteActivity { run_id, scheduled_event_id } => {
            world.note(&run_id, Fact::ActivityEnded { scheduled_event_id });
        }
        Purpose::Other => {}
    }
    Ok(())
}
