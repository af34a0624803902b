//! Clients: they start, signal, cancel, terminate and ask, and repeat what they are not sure of.

use std::collections::BTreeSet;

use hourglass_engine::{Code, RpcStatus};
use prost::Message;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::query::v1::WorkflowQuery;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use super::invariants::is_open;
use super::ledger::Fact;
use super::support::Server;
use super::support::values::NAMESPACE;
use super::world::{self, Checked, World};
use super::{alone, deletions, operators, starts, updates, workers};

#[derive(Default)]
pub(crate) struct Clients {
    /// Counts everything that needs a name of its own.
    named: u64,
    /// Updates that were asked for: the run, if one was named, and the update's id.
    pub(crate) updates: Vec<(WorkflowExecution, String)>,
    /// Activities without a workflow that a start began, not one before it.
    pub(crate) begun: BTreeSet<String>,
}

/// What a client wanted. `None`: whichever run is the newest.
pub(crate) enum Purpose {
    Start { worker: String },
    Signal { run_id: Option<String>, name: String },
    SignalWithStart { name: String },
    Cancel { run_id: String },
    Terminate { run_id: String },
    Update { run_id: Option<String> },
    PollUpdate,
    UpdateWithStart,
    Reset,
    StartActivity,
    PollActivity,
    Delete { run_id: String },
    Look,
    Read { run_id: String },
}

/// A client that was told this does not know what has become of its call.
pub(crate) fn is_uncertain(error: &RpcStatus) -> bool {
    matches!(error.code, Code::Unavailable | Code::ResourceExhausted)
}

/// Whether the call may be repeated without another effect.
pub(crate) fn repeats(purpose: &Purpose) -> bool {
    use Purpose::{Look, Read, Signal, SignalWithStart, Update, UpdateWithStart};
    !matches!(
        purpose,
        Signal { run_id: None, .. }
            | SignalWithStart { .. }
            | Update { run_id: None }
            | UpdateWithStart
            | Look
            | Read { .. }
    )
}

pub(crate) fn act(world: &mut World) {
    if world.ending {
        return wake_everybody(world);
    }
    if world.rng.percent(20) {
        return if world.rng.percent(75) { alone::act(world) } else { deletions::delete(world) };
    }
    match world.rng.below(100) {
        0..22 => starts::start(world),
        22..26 => starts::signal_with_start(world),
        26..50 => signal(world),
        50..66 => updates::update(world),
        66..70 => updates::poll(world),
        70..74 => updates::update_with_start(world),
        74..78 => cancel(world),
        78..80 => terminate(world),
        80..87 => query(world),
        87..95 => operators::act(world),
        _ => read(world),
    }
}

pub(crate) fn name(world: &mut World, kind: &str) -> String {
    world.clients.named += 1;
    format!("{kind} {}", world.clients.named)
}

pub(crate) fn send<R: super::support::server::Rpc>(
    world: &mut World,
    request: &R,
    purpose: Purpose,
) {
    world.send(request, world::Purpose::Client(purpose));
}

/// A run that is open, as far as the files say.
pub(crate) fn open_run(world: &mut World) -> Option<WorkflowExecution> {
    let open: Vec<_> = world.rows.iter().filter(|row| !row.alone && is_open(row)).collect();
    let row = *world.rng.pick(&open)?;
    Some(WorkflowExecution { workflow_id: row.workflow_id.clone(), run_id: row.run_id.clone() })
}

fn signal(world: &mut World) {
    let Some(mut run) = open_run(world) else { return };
    let mut run_id = Some(run.run_id.clone());
    if world.rng.percent(30) {
        run.run_id.clear();
        run_id = None;
    }
    let signal_name = name(world, "once");
    let request = SignalWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: Some(run),
        signal_name: signal_name.clone(),
        request_id: signal_name.clone(),
        ..Default::default()
    };
    send(world, &request, Purpose::Signal { run_id, name: signal_name });
}

fn cancel(world: &mut World) {
    let Some(run) = open_run(world) else { return };
    let run_id = run.run_id.clone();
    let request = RequestCancelWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: Some(run),
        request_id: name(world, "request"),
        ..Default::default()
    };
    send(world, &request, Purpose::Cancel { run_id });
}

fn terminate(world: &mut World) {
    let Some(run) = open_run(world) else { return };
    let run_id = run.run_id.clone();
    let request = TerminateWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: Some(run),
        reason: "enough".to_owned(),
        ..Default::default()
    };
    send(world, &request, Purpose::Terminate { run_id });
}

fn query(world: &mut World) {
    let Some(run) = open_run(world) else { return };
    let request = QueryWorkflowRequest {
        namespace: NAMESPACE.to_owned(),
        execution: Some(run),
        query: Some(WorkflowQuery { query_type: "state".to_owned(), ..Default::default() }),
        ..Default::default()
    };
    send(world, &request, Purpose::Look);
}

fn read(world: &mut World) {
    let Some(run) = open_run(world) else { return };
    if world.rng.percent(50) {
        let request = DescribeWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            execution: Some(run),
        };
        return send(world, &request, Purpose::Look);
    }
    let wait_new_event = world.rng.percent(50);
    let request =
        GetWorkflowExecutionHistoryRequest { wait_new_event, ..Server::history_request(&run) };
    send(world, &request, Purpose::Read { run_id: run.run_id });
}

/// Nobody is to wait for ever: each run is told to go on.
fn wake_everybody(world: &mut World) {
    if world.rows.is_empty() && world.flying("StartWorkflowExecution") == 0 {
        return starts::start(world);
    }
    if world.rng.percent(10) {
        signal(world);
    }
    if world.rng.percent(10) {
        alone::act(world);
    }
}

pub(crate) fn answered(
    world: &mut World,
    purpose: Purpose,
    result: Result<bytes::Bytes, RpcStatus>,
) -> Checked {
    let Ok(body) = result else { return Ok(()) };
    match purpose {
        Purpose::Start { worker } => {
            let response = StartWorkflowExecutionResponse::decode(body).unwrap();
            world.note(&response.run_id, Fact::Started);
            if let Some(task) = response.eager_workflow_task {
                workers::take(world, &worker, task);
            }
        }
        Purpose::Signal { run_id: Some(run_id), name } => {
            world.note(&run_id, Fact::Signaled(name));
        }
        Purpose::SignalWithStart { name } => {
            let response = SignalWithStartWorkflowExecutionResponse::decode(body).unwrap();
            world.note(&response.run_id, Fact::Signaled(name));
        }
        Purpose::Reset => {
            let response = ResetWorkflowExecutionResponse::decode(body).unwrap();
            world.note(&response.run_id, Fact::Started);
        }
        Purpose::StartActivity | Purpose::PollActivity => {
            return alone::answered(world, &purpose, body);
        }
        Purpose::Delete { run_id } => world.note(&run_id, Fact::Deleted),
        Purpose::Cancel { run_id } => world.note(&run_id, Fact::CancelRequested),
        Purpose::Terminate { run_id } => world.note(&run_id, Fact::Closed),
        Purpose::Update { .. } | Purpose::PollUpdate | Purpose::UpdateWithStart => {
            updates::answered(world, &purpose, body);
        }
        Purpose::Read { run_id } => {
            let response = GetWorkflowExecutionHistoryResponse::decode(body).unwrap();
            let events = response.history.unwrap_or_default().events;
            world.require_written("what a reader is shown is on the disk", &run_id, &events)?;
        }
        Purpose::Signal { run_id: None, .. } | Purpose::Look => {}
    }
    Ok(())
}
