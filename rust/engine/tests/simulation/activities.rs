//! Workers at activities: they succeed, fail, report progress, or forget; by token and by id.

use prost::Message;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use super::clients;
use super::support::Server;
use super::support::values::{NAMESPACE, payloads};
use super::workers::{Held, Purpose, send, worker};
use super::world::World;

/// Polls at once.
const POLLS: usize = 3;

type Task = PollActivityTaskQueueResponse;

pub(crate) fn poll(world: &mut World) {
    if world.flying("PollActivityTaskQueue") < POLLS {
        let worker = worker(world);
        let request = PollActivityTaskQueueRequest {
            worker_instance_key: worker.clone(),
            ..Server::activity_poll()
        };
        send(world, &request, Purpose::PollActivity { worker });
    }
}

pub(crate) fn perform(world: &mut World) {
    let Some(index) = world.rng.index(world.workers.activities.len()) else { return };
    let choice = if world.ending { 99 } else { world.rng.below(100) };
    if choice < 25 {
        let task = world.workers.activities[index].task.clone();
        return heartbeat(world, task);
    }
    let Held { task, .. } = world.workers.activities.swap_remove(index);
    match choice {
        25..30 => {} // forgotten
        30..50 => fail(world, &task),
        50..55 => cancel(world, task),
        _ => complete(world, &task),
    }
}

/// The run of an activity; its own, where it has no workflow.
pub(crate) fn run_of(task: &Task) -> WorkflowExecution {
    let run_id = task.activity_run_id.clone();
    let own = WorkflowExecution { workflow_id: String::new(), run_id };
    task.workflow_execution.clone().unwrap_or(own)
}

/// A request that names the activity of a task by its ids. There is one type for each.
macro_rules! by_id {
    ($request:ident, $task:expr $(, $field:ident: $value:expr)?) => {{
        let run = run_of(&$task);
        $request {
            namespace: NAMESPACE.to_owned(),
            workflow_id: run.workflow_id,
            run_id: run.run_id,
            activity_id: $task.activity_id.clone(),
            $($field: $value,)?
            ..Default::default()
        }
    }};
}

fn is_by_id(world: &mut World) -> bool {
    world.rng.percent(25)
}

fn heartbeat(world: &mut World, task: Task) {
    if is_by_id(world) {
        let request = by_id!(RecordActivityTaskHeartbeatByIdRequest, task);
        return send(world, &request, Purpose::Other);
    }
    let (namespace, task_token) = (NAMESPACE.to_owned(), task.task_token);
    let request =
        RecordActivityTaskHeartbeatRequest { namespace, task_token, ..Default::default() };
    send(world, &request, Purpose::Other);
}

fn fail(world: &mut World, task: &Task) {
    let kind = if world.rng.percent(20) { "Fatal" } else { "Flaky" };
    let failure = Server::activity_failure(task, kind);
    if is_by_id(world) {
        let request = by_id!(RespondActivityTaskFailedByIdRequest, task, failure: failure.failure);
        return send(world, &request, Purpose::Other);
    }
    send(world, &failure, Purpose::Other);
}

fn cancel(world: &mut World, task: Task) {
    if is_by_id(world) {
        let request = by_id!(RespondActivityTaskCanceledByIdRequest, task);
        return send(world, &request, Purpose::Other);
    }
    let (namespace, task_token) = (NAMESPACE.to_owned(), task.task_token);
    let request =
        RespondActivityTaskCanceledRequest { namespace, task_token, ..Default::default() };
    send(world, &request, Purpose::Other);
}

fn complete(world: &mut World, task: &Task) {
    let run_id = run_of(task).run_id;
    let scheduled_event_id = scheduled_event(&task.task_token);
    let result = payloads(&clients::name(world, "result"));
    let purpose = || Purpose::CompleteActivity { run_id: run_id.clone(), scheduled_event_id };
    if is_by_id(world) {
        let request = by_id!(RespondActivityTaskCompletedByIdRequest, task, result: result);
        return send(world, &request, purpose());
    }
    let request = RespondActivityTaskCompletedRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token.clone(),
        result,
        ..Default::default()
    };
    if world.rng.percent(30) {
        send(world, &request, Purpose::Other); // its answer was lost, and it is repeated
    }
    send(world, &request, purpose());
}

/// The engine's token names the scheduled event; nothing else tells it to a worker.
pub(crate) fn scheduled_event(token: &[u8]) -> i64 {
    #[derive(Clone, PartialEq, Message)]
    struct Token {
        #[prost(int64, tag = "3")]
        scheduled_event_id: i64,
    }
    Token::decode(token).unwrap().scheduled_event_id
}
