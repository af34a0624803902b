//! Workers: they poll, answer, forget what they have, shut down, and die.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use hourglass_engine::{Clock as _, RpcStatus};
use prost::Message;
use temporalio_protos::temporal::api::enums::v1::QueryResultType;
use temporalio_protos::temporal::api::history::v1::HistoryEvent;
use temporalio_protos::temporal::api::query::v1::WorkflowQueryResult;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use super::activities;
use super::decisions::{self, Decision};
use super::ledger::Fact;
use super::support::Server;
use super::support::server::Rpc;
use super::support::values::NAMESPACE;
use super::world::{self, Checked, World, require};

/// Polls of each kind at once.
const POLLS: usize = 3;
/// Workers at once.
const WORKERS: u64 = 2;
/// No workflow task has a shorter timeout.
const SHORTEST: Duration = Duration::from_secs(1);

/// A task, and the worker that has it.
pub(crate) struct Held<T> {
    pub(crate) worker: String,
    pub(crate) task: T,
}

#[derive(Default)]
pub(crate) struct Workers {
    tasks: Vec<Held<PollWorkflowTaskQueueResponse>>,
    pub(crate) activities: Vec<Held<PollActivityTaskQueueResponse>>,
    /// Attempts of activities that were given out, and to whom.
    delivered: BTreeMap<Vec<u8>, String>,
    /// Who is there, by number; there is always somebody new for who has gone.
    alive: Vec<u64>,
    born: u64,
    /// The engine was told that these are gone.
    pub(crate) gone: BTreeSet<String>,
    pub(crate) named: u64,
    /// Activities that wait, and are to wait: run and scheduled event.
    pub(crate) paused: BTreeSet<(i64, i64)>,
    /// Runs with activities that may begin anew: an attempt looks like an earlier one.
    begun_anew: BTreeSet<i64>,
    /// When workflow tasks of this engine were taken, by their tokens.
    taken: BTreeMap<Vec<u8>, Instant>,
}

impl Workers {
    /// The disk lied: what was given may be given again.
    pub(crate) fn forget_deliveries(&mut self) {
        self.delivered.clear();
    }

    /// What the engine was told of workers and gave them, it has forgotten.
    pub(crate) fn forget_gone(&mut self) {
        self.gone.clear();
        self.taken.clear();
    }

    /// Paused activities of a run may be given out from now on, and have their first attempt again.
    pub(crate) fn let_go_on(&mut self, run: i64) {
        self.paused.retain(|(of, _)| *of != run);
        self.begun_anew.insert(run);
    }

    fn is_alive(&self, worker: &str) -> bool {
        self.alive.iter().any(|number| name_of(*number) == worker)
    }

    /// A name that nothing else has.
    pub(crate) fn name(&mut self, kind: &str) -> String {
        self.named += 1;
        format!("{kind}{}", self.named)
    }
}

pub(crate) enum Purpose {
    PollWorkflow {
        worker: String,
    },
    PollActivity {
        worker: String,
    },
    /// With commands, it leaves a trace, whatever kind of task it was.
    Complete {
        worker: String,
        run_id: String,
        has_commands: bool,
        started_event_id: i64,
        /// What the task was made of.
        shown: Vec<HistoryEvent>,
    },
    /// May a local activity of this task run?
    Confirm {
        run_id: String,
        taken: Instant,
        shown: Vec<HistoryEvent>,
    },
    CompleteActivity {
        run_id: String,
        scheduled_event_id: i64,
    },
    Other,
}

impl Purpose {
    /// The worker whose poll this is.
    fn poller(&self) -> Option<&str> {
        match self {
            Self::PollWorkflow { worker } | Self::PollActivity { worker } => Some(worker),
            _ => None,
        }
    }
}

pub(crate) fn send<R: Rpc>(world: &mut World, request: &R, purpose: Purpose) {
    world.send(request, world::Purpose::Worker(purpose));
}

fn name_of(number: u64) -> String {
    format!("worker {number}")
}

fn sticky_queue_of(worker: &str) -> String {
    format!("sticky of {worker}")
}

pub(crate) fn act(world: &mut World) {
    if world.ending {
        poll(world);
        activities::poll(world);
        while !world.workers.tasks.is_empty() {
            work(world);
        }
        while !world.workers.activities.is_empty() {
            activities::perform(world);
        }
        return;
    }
    match world.rng.below(100) {
        0..25 => poll(world),
        25..60 => work(world),
        60..75 => activities::poll(world),
        75..97 => activities::perform(world),
        97..99 => leave(world),
        _ => {}
    }
}

// --- coming and going -----------------------------------------------------------------------

/// Somebody who polls.
pub(crate) fn worker(world: &mut World) -> String {
    while world.workers.alive.len() < usize::try_from(WORKERS).unwrap() {
        world.workers.born += 1;
        world.workers.alive.push(world.workers.born);
    }
    name_of(*world.rng.pick(&world.workers.alive).unwrap())
}

/// A worker is no more: it shuts down in good order, or dies and is missed, or dies and nobody knows.
fn leave(world: &mut World) {
    let worker = worker(world);
    world.workers.alive.retain(|number| name_of(*number) != worker);
    let manner = world.rng.below(3);
    if manner == 0 {
        let request = ShutdownWorkerRequest {
            namespace: NAMESPACE.to_owned(),
            sticky_task_queue: sticky_queue_of(&worker),
            worker_instance_key: worker,
            ..Default::default()
        };
        return send(world, &request, Purpose::Other);
    }
    world.hang_up(|purpose| match purpose {
        world::Purpose::Worker(purpose) => purpose.poller() == Some(&worker),
        world::Purpose::Client(_) => false,
    });
    world.workers.tasks.retain(|held| held.worker != worker);
    world.workers.activities.retain(|held| held.worker != worker);
    if manner == 1 {
        world.worker_gone(&worker);
        world.workers.delivered.retain(|_, to| *to != worker);
        world.workers.gone.insert(worker);
    }
}

fn poll(world: &mut World) {
    if world.flying("PollWorkflowTaskQueue") >= POLLS {
        return;
    }
    let worker = worker(world);
    let request = if world.rng.percent(40) {
        Server::sticky_poll(&sticky_queue_of(&worker))
    } else {
        Server::workflow_poll()
    };
    let request = PollWorkflowTaskQueueRequest { worker_instance_key: worker.clone(), ..request };
    send(world, &request, Purpose::PollWorkflow { worker });
}

// --- workflow tasks -------------------------------------------------------------------------

fn work(world: &mut World) {
    let Some(index) = world.rng.index(world.workers.tasks.len()) else { return };
    if !world.ending && world.rng.percent(10) {
        return confirm(world, index);
    }
    let Held { worker, task } = world.workers.tasks.swap_remove(index);
    if task.query.is_some() {
        return answer_query(world, task);
    }
    if !world.ending {
        match world.rng.below(100) {
            0..3 => return, // forgotten
            3..6 => return fail_task(world, &task),
            _ => {}
        }
    }
    let mut request = decide(world, &worker, &task);
    let mut queries: Vec<_> = task.queries.into_keys().collect();
    queries.sort();
    for query in queries {
        let result_type = QueryResultType::Answered.into();
        request
            .query_results
            .insert(query, WorkflowQueryResult { result_type, ..Default::default() });
    }
    if world.rng.percent(3) {
        // The answer was lost, and the worker repeats it.
        send(world, &request, Purpose::Other);
    }
    let run_id = task.workflow_execution.unwrap().run_id;
    let started_event_id = task.started_event_id;
    let shown = task.history.unwrap_or_default().events;
    let has_commands = !request.commands.is_empty();
    let purpose = Purpose::Complete { worker, run_id, has_commands, started_event_id, shown };
    send(world, &request, purpose);
}

/// The workflow wants a local activity: its worker asks before it runs it.
fn confirm(world: &mut World, index: usize) {
    let Held { worker, task } = &world.workers.tasks[index];
    let Some(taken) = world.workers.taken.get(&task.task_token).copied() else { return };
    let run_id = task.workflow_execution.clone().unwrap().run_id;
    let body = format!("{run_id} {worker}").into_bytes();
    let shown = task.history.clone().unwrap_or_default().events;
    let purpose = world::Purpose::Worker(Purpose::Confirm { run_id, taken, shown });
    world.send_encoded("ConfirmWorkflowTask", body, purpose);
}

/// What the workflow does now, as the completion of its task.
fn decide(
    world: &mut World,
    worker: &str,
    task: &PollWorkflowTaskQueueResponse,
) -> RespondWorkflowTaskCompletedRequest {
    let Decision { commands, messages } = decisions::decide(world, task);
    let mut request = if world.rng.percent(50) {
        Server::sticky_completion(&sticky_queue_of(worker), task, commands)
    } else {
        Server::completion(task, commands)
    };
    request.messages = messages;
    worker.clone_into(&mut request.worker_instance_key);
    if world.rng.percent(80) {
        request.capabilities = Some(respond_workflow_task_completed_request::Capabilities {
            discard_speculative_workflow_task_with_events: true,
        });
    }
    if world.ending {
        return request;
    }
    match world.rng.below(100) {
        0..5 => {
            // A heartbeat: local activities take longer than the task.
            request.commands.clear();
            request.messages.clear();
            request.return_new_workflow_task = true;
            request.force_create_new_workflow_task = true;
        }
        5..25 => request.return_new_workflow_task = true,
        25..30 => request.force_create_new_workflow_task = true,
        _ => {}
    }
    request
}

fn answer_query(world: &mut World, task: PollWorkflowTaskQueueResponse) {
    let answered = world.rng.percent(80);
    let result = if answered { QueryResultType::Answered } else { QueryResultType::Failed };
    let request = RespondQueryTaskCompletedRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token,
        completed_type: result.into(),
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

// --- answers --------------------------------------------------------------------------------

pub(crate) fn answered(
    world: &mut World,
    purpose: Purpose,
    result: Result<bytes::Bytes, RpcStatus>,
) -> Checked {
    let Ok(body) = result else { return Ok(()) };
    match purpose {
        Purpose::PollWorkflow { worker } => {
            let task = PollWorkflowTaskQueueResponse::decode(body).unwrap();
            if !task.task_token.is_empty() {
                take(world, &worker, task);
            }
        }
        Purpose::PollActivity { worker } => {
            let task = PollActivityTaskQueueResponse::decode(body).unwrap();
            if !task.task_token.is_empty() {
                take_activity(world, &worker, task)?;
            }
        }
        Purpose::Complete { worker, run_id, has_commands, started_event_id, shown } => {
            let response = RespondWorkflowTaskCompletedResponse::decode(body).unwrap();
            world.require_written(
                "a completed task was of what is on the disk",
                &run_id,
                &shown,
            )?;
            if has_commands {
                world.note(&run_id, Fact::TaskCompleted { started_event_id });
            }
            if let Some(task) = response.workflow_task {
                take(world, &worker, task);
            }
            for task in response.activity_tasks {
                take_activity(world, &worker, task)?;
            }
        }
        Purpose::Confirm { run_id, taken, shown } => {
            // Who takes longer than a task may, and asks then, is not known any more.
            if world.clock.wall() - taken < SHORTEST {
                let invariant = "a local activity runs when its order is on the disk";
                world.require_written(invariant, &run_id, &shown)?;
            }
        }
        Purpose::CompleteActivity { run_id, scheduled_event_id } => {
            world.note(&run_id, Fact::ActivityEnded { scheduled_event_id });
        }
        Purpose::Other => {}
    }
    Ok(())
}

/// A worker has got a workflow task, if it is still there.
pub(crate) fn take(world: &mut World, worker: &str, task: PollWorkflowTaskQueueResponse) {
    if world.workers.is_alive(worker) {
        world.workers.taken.insert(task.task_token.clone(), world.clock.wall());
        world.workers.tasks.push(Held { worker: worker.to_owned(), task });
    }
}

fn take_activity(world: &mut World, worker: &str, task: PollActivityTaskQueueResponse) -> Checked {
    if world.workers.gone.contains(worker) {
        return Ok(());
    }
    let before = world.workers.delivered.insert(task.task_token.clone(), worker.to_owned());
    let run_id = activities::run_of(&task).run_id;
    let run = world.keys.get(&run_id).copied().unwrap_or_default();
    let first = before.is_none() || world.workers.begun_anew.contains(&run);
    require("an attempt of an activity has one worker", first, || {
        format!("{} attempt {}, before: {before:?}", task.activity_id, task.attempt)
    })?;
    let activity = (run, activities::scheduled_event(&task.task_token));
    let paused = world.workers.paused.contains(&activity);
    require("a paused activity is given to no worker", !paused, || format!("{task:?}"))?;
    let scheduled_event_id = activity.1;
    let written = world.written(&run_id);
    let asked =
        |events: Vec<HistoryEvent>| events.iter().any(|event| event.event_id == scheduled_event_id);
    require(
        "an activity is given when its order is on the disk",
        written.is_none_or(asked),
        || format!("{scheduled_event_id} of run {run_id}"),
    )?;
    world.note(&run_id, Fact::ActivityGiven { scheduled_event_id });
    if world.workers.is_alive(worker) {
        world.workers.activities.push(Held { worker: worker.to_owned(), task });
    }
    Ok(())
}
