//! Clients that start workflows, with all that a start can say.

use temporalio_protos::temporal::api::enums::v1::{
    WorkflowIdConflictPolicy as Conflict, WorkflowIdReusePolicy as Reuse,
};
use temporalio_protos::temporal::api::workflowservice::v1::*;

use super::clients::{Purpose, name, send};
use super::support::Server;
use super::support::values::{NAMESPACE, payloads, retry_policy, secs};
use super::workers;
use super::world::World;

/// Different workflow ids: few, so that they collide.
const IDS: u64 = 6;

/// A start, without what only an ordinary one may have.
pub(crate) fn request(world: &mut World) -> StartWorkflowExecutionRequest {
    let workflow_id = format!("w{}", world.rng.below(IDS));
    let rng = &mut world.rng;
    let conflict = [Conflict::Fail, Conflict::UseExisting, Conflict::TerminateExisting];
    let reuse = [Reuse::AllowDuplicate, Reuse::AllowDuplicateFailedOnly, Reuse::RejectDuplicate];
    let mut request = StartWorkflowExecutionRequest {
        workflow_id_conflict_policy: (*rng.pick(&conflict[..2]).unwrap()).into(),
        workflow_id_reuse_policy: Reuse::AllowDuplicate.into(),
        workflow_task_timeout: secs(rng.between(1, 10)),
        input: payloads("input"),
        ..Server::start_request(&workflow_id)
    };
    if rng.percent(8) {
        // Some of them don't go together, and are refused.
        request.workflow_id_conflict_policy = (*rng.pick(&conflict).unwrap()).into();
        request.workflow_id_reuse_policy = (*rng.pick(&reuse).unwrap()).into();
    }
    if rng.percent(3) {
        request.workflow_id_conflict_policy = Conflict::Unspecified.into();
        request.workflow_id_reuse_policy = Reuse::TerminateIfRunning.into();
    }
    if rng.percent(8) {
        request.workflow_run_timeout = secs(rng.between(10, 300));
    }
    if rng.percent(5) {
        request.workflow_execution_timeout = secs(rng.between(60, 600));
    }
    if rng.percent(15) {
        request.retry_policy = retry_policy(3);
    }
    request.request_id = name(world, "request");
    request
}

pub(crate) fn start(world: &mut World) {
    let mut request = request(world);
    let rng = &mut world.rng;
    match rng.below(100) {
        0..15 => request.workflow_start_delay = secs(rng.between(1, 60)),
        15..22 if !world.ending => "* * * * *".clone_into(&mut request.cron_schedule),
        22..40 => request.request_eager_execution = true,
        _ => {}
    }
    let worker = workers::worker(world);
    send(world, &request, Purpose::Start { worker });
}

pub(crate) fn signal_with_start(world: &mut World) {
    let start = request(world);
    let signal_name = name(world, "once");
    let request = SignalWithStartWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: start.workflow_id,
        workflow_type: start.workflow_type,
        task_queue: start.task_queue,
        input: start.input,
        workflow_execution_timeout: start.workflow_execution_timeout,
        workflow_run_timeout: start.workflow_run_timeout,
        workflow_task_timeout: start.workflow_task_timeout,
        request_id: start.request_id,
        workflow_id_reuse_policy: start.workflow_id_reuse_policy,
        retry_policy: start.retry_policy,
        signal_name: signal_name.clone(),
        ..Default::default()
    };
    send(world, &request, Purpose::SignalWithStart { name: signal_name });
}
