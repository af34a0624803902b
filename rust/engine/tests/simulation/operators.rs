//! Operators: they pause activities, let them go on, have them begin anew, send workflows back in their
//! histories, and unstick them.

use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::ResetReapplyExcludeType as Exclude;
use temporalio_protos::temporal::api::workflowservice::v1::{
    PauseActivityRequest, ResetActivityRequest, ResetStickyTaskQueueRequest,
    ResetWorkflowExecutionRequest, UnpauseActivityRequest, pause_activity_request,
    reset_activity_request, unpause_activity_request,
};

use super::clients::{Purpose, name, open_run, send};
use super::disk::RunRow;
use super::support::values::{NAMESPACE, secs};
use super::world::World;

/// The type of all activities.
const TYPE: &str = "Hash";
/// The reason of a reset that leaves out the signals since then.
pub(crate) const WITHOUT_SIGNALS: &str = "again, without signals";

pub(crate) fn act(world: &mut World) {
    match world.rng.below(100) {
        0..35 => pause(world),
        35..60 => unpause(world),
        60..75 => reset_activities(world),
        75..95 => reset(world),
        _ => unstick(world),
    }
}

fn execution(row: &RunRow) -> WorkflowExecution {
    WorkflowExecution { workflow_id: row.workflow_id.clone(), run_id: row.run_id.clone() }
}

/// A run that waits for an activity.
fn run_with_activities(world: &mut World) -> Option<RunRow> {
    let waits = |row: &&RunRow| {
        let audit = world.audits.get(&row.key);
        audit.is_some_and(|audit| !audit.closed && !audit.activities.is_empty())
    };
    let rows: Vec<_> = world.rows.iter().filter(|row| !row.alone).filter(waits).cloned().collect();
    world.rng.pick(&rows).cloned()
}

fn pause(world: &mut World) {
    let Some(row) = run_with_activities(world) else { return };
    let request = PauseActivityRequest {
        namespace: NAMESPACE.to_owned(),
        execution: Some(execution(&row)),
        activity: Some(pause_activity_request::Activity::Type(TYPE.to_owned())),
        ..Default::default()
    };
    send(world, &request, Purpose::Look);
}

fn unpause(world: &mut World) {
    let Some(row) = run_with_activities(world) else { return };
    world.workers.let_go_on(row.key);
    let request = UnpauseActivityRequest {
        namespace: NAMESPACE.to_owned(),
        execution: Some(execution(&row)),
        activity: Some(unpause_activity_request::Activity::Type(TYPE.to_owned())),
        reset_heartbeat: world.rng.percent(30),
        reset_attempts: world.rng.percent(20),
        jitter: secs(world.rng.below(3)),
        ..Default::default()
    };
    send(world, &request, Purpose::Look);
}

fn reset_activities(world: &mut World) {
    let Some(row) = run_with_activities(world) else { return };
    world.workers.let_go_on(row.key);
    let request = ResetActivityRequest {
        namespace: NAMESPACE.to_owned(),
        execution: Some(execution(&row)),
        activity: Some(reset_activity_request::Activity::MatchAll(true)),
        keep_paused: world.rng.percent(50),
        reset_heartbeat: world.rng.percent(50),
        restore_original_options: world.rng.percent(30),
        jitter: secs(world.rng.below(3)),
        ..Default::default()
    };
    send(world, &request, Purpose::Look);
}

/// Send a workflow back, often to where it can go back to.
fn reset(world: &mut World) {
    let open = world.rng.percent(70).then(|| open_run(world)).flatten();
    let rows: Vec<_> = match open {
        Some(run) => world.rows.iter().filter(|row| row.run_id == run.run_id).cloned().collect(),
        None => world.rows.iter().filter(|row| !row.alone).cloned().collect(),
    };
    let Some(row) = world.rng.pick(&rows).cloned() else { return };
    let Some(audit) = world.audits.get(&row.key) else { return };
    let ends: Vec<_> = audit.completed_tasks.iter().map(|started| started + 1).collect();
    let next = u64::try_from(audit.next).unwrap();
    let anywhere = i64::try_from(world.rng.between(1, next)).unwrap();
    let usual = world.rng.percent(75);
    let until = world.rng.pick(&ends).copied().filter(|_| usual).unwrap_or(anywhere);
    let mut request = ResetWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: Some(execution(&row)),
        workflow_task_finish_event_id: until,
        request_id: name(world, "request"),
        reason: "again".to_owned(),
        ..Default::default()
    };
    if world.rng.percent(25) {
        request.reset_reapply_exclude_types.push(Exclude::Signal.into());
        WITHOUT_SIGNALS.clone_into(&mut request.reason);
    }
    if world.rng.percent(25) {
        request.reset_reapply_exclude_types.push(Exclude::Update.into());
    }
    send(world, &request, Purpose::Reset);
}

fn unstick(world: &mut World) {
    let Some(run) = open_run(world) else { return };
    let request =
        ResetStickyTaskQueueRequest { namespace: NAMESPACE.to_owned(), execution: Some(run) };
    send(world, &request, Purpose::Look);
}
