//! Clients that ask for updates, ask again, and ask what has become of them.

use prost::Message;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::{
    UpdateWorkflowExecutionLifecycleStage as Stage, WorkflowIdConflictPolicy,
};
use temporalio_protos::temporal::api::failure::v1::failure::FailureInfo;
use temporalio_protos::temporal::api::update::v1::{Outcome, UpdateRef, outcome::Value};
use temporalio_protos::temporal::api::workflowservice::v1::{
    ExecuteMultiOperationRequest, ExecuteMultiOperationResponse,
    PollWorkflowExecutionUpdateResponse, UpdateWorkflowExecutionResponse,
    execute_multi_operation_request as asked, execute_multi_operation_response as told,
};

use super::clients::{Purpose, name, open_run, send};
use super::ledger::Fact;
use super::starts;
use super::support::update::{poll_request, request};
use super::support::values::NAMESPACE;
use super::world::World;

const STAGES: [Stage; 2] = [Stage::Accepted, Stage::Completed];

fn stage(world: &mut World) -> Stage {
    *world.rng.pick(&STAGES).unwrap()
}

pub(crate) fn update(world: &mut World) {
    let known = world.rng.percent(25);
    let again = world.rng.pick(&world.clients.updates).filter(|_| known).cloned();
    let asked = again.or_else(|| {
        let mut run = open_run(world)?;
        if world.rng.percent(30) {
            run.run_id.clear();
        }
        Some((run, name(world, "update")))
    });
    let Some((run, id)) = asked else { return };
    let request = request(&run, &id, stage(world));
    world.clients.updates.push((run.clone(), id));
    let run_id = Some(run.run_id).filter(|run_id| !run_id.is_empty());
    send(world, &request, Purpose::Update { run_id });
}

pub(crate) fn poll(world: &mut World) {
    let Some((run, id)) = world.rng.pick(&world.clients.updates).cloned() else { return };
    let request = poll_request(&run, &id, stage(world));
    send(world, &request, Purpose::PollUpdate);
}

pub(crate) fn update_with_start(world: &mut World) {
    let mut start = starts::request(world);
    if world.rng.percent(60) {
        start.workflow_id_conflict_policy = WorkflowIdConflictPolicy::UseExisting.into();
    }
    let run = WorkflowExecution { workflow_id: start.workflow_id.clone(), run_id: String::new() };
    let id = name(world, "update");
    let update = request(&run, &id, stage(world));
    world.clients.updates.push((run, id));
    let operation = |operation| asked::Operation { operation: Some(operation) };
    let request = ExecuteMultiOperationRequest {
        namespace: NAMESPACE.to_owned(),
        operations: vec![
            operation(asked::operation::Operation::StartWorkflow(start)),
            operation(asked::operation::Operation::UpdateWorkflow(update)),
        ],
        ..Default::default()
    };
    send(world, &request, Purpose::UpdateWithStart);
}

pub(crate) fn answered(world: &mut World, purpose: &Purpose, body: bytes::Bytes) {
    match purpose {
        Purpose::PollUpdate => {
            let told = PollWorkflowExecutionUpdateResponse::decode(body).unwrap();
            note(world, told.update_ref, told.stage, told.outcome);
        }
        Purpose::UpdateWithStart => {
            let told = ExecuteMultiOperationResponse::decode(body).unwrap();
            for response in told.responses {
                match response.response {
                    Some(told::response::Response::StartWorkflow(start)) => {
                        world.note(&start.run_id, Fact::Started);
                    }
                    Some(told::response::Response::UpdateWorkflow(told)) => {
                        note(world, told.update_ref, told.stage, told.outcome);
                    }
                    None => {}
                }
            }
        }
        _ => {
            let told = UpdateWorkflowExecutionResponse::decode(body).unwrap();
            note(world, told.update_ref, told.stage, told.outcome);
        }
    }
}

/// A client was told how far its update has come: what follows from that.
fn note(world: &mut World, update: Option<UpdateRef>, stage: i32, outcome: Option<Outcome>) {
    let Some(UpdateRef { workflow_execution: Some(run), update_id: id }) = update else { return };
    let Some(outcome) = outcome else {
        if stage == i32::from(Stage::Accepted) {
            world.note(&run.run_id, Fact::UpdateAccepted { id });
        }
        return;
    };
    let fact = match &outcome.value {
        // Rejected: nothing is left of it.
        Some(Value::Failure(failure)) if failure.message == "not like this" => return,
        Some(Value::Failure(failure)) => match &failure.failure_info {
            Some(FailureInfo::ApplicationFailureInfo(info))
                if info.r#type == "UnprocessedUpdate" =>
            {
                return;
            }
            _ => Fact::UpdateCutOff { id },
        },
        _ => Fact::UpdateCompleted { id, outcome: outcome.encode_to_vec() },
    };
    world.note(&run.run_id, fact);
}
