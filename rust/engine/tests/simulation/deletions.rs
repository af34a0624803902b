//! Clients that delete runs, of workflows and of activities, and what is to be found of those then.

use std::collections::{BTreeMap, BTreeSet};

use hourglass_engine::Code;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use super::clients::{Purpose, send};
use super::disk::RunRow;
use super::support::standalone::{delete_request, describe_request};
use super::support::values::NAMESPACE;
use super::world::{Checked, World, require};

/// One in so many seeds has deletions: where a run is gone, less can be said of those around it.
const RARELY: u64 = 3;

/// Runs that somebody wanted to be deleted, maybe in vain, and their ids as workflows.
#[derive(Clone, Default)]
pub(crate) struct Deletions {
    asked: BTreeMap<String, String>,
    seldom: Option<bool>,
}

/// What is not there any more.
#[derive(Default)]
pub(crate) struct Gone {
    runs: BTreeSet<String>,
    workflows: BTreeSet<String>,
}

impl Gone {
    pub(crate) fn has_run(&self, run_id: &str) -> bool {
        self.runs.contains(run_id)
    }

    /// Whether some run of a workflow is gone.
    pub(crate) fn has_some_of(&self, workflow_id: &str) -> bool {
        self.workflows.contains(workflow_id)
    }
}

impl Deletions {
    pub(crate) fn may_have(&self, run_id: &str) -> bool {
        self.asked.contains_key(run_id)
    }

    /// What is gone, where these runs are there.
    pub(crate) fn gone(&self, there: &BTreeMap<String, i64>) -> Gone {
        let gone = self.asked.iter().filter(|(run_id, _)| !there.contains_key(*run_id));
        let (runs, workflows) = gone.map(|(run, workflow)| (run.clone(), workflow.clone())).unzip();
        Gone { runs, workflows }
    }
}

/// Delete some run, open or closed.
pub(crate) fn delete(world: &mut World) {
    let seldom = world.rng.below(RARELY) != 0;
    if *world.deletions.seldom.get_or_insert(seldom) {
        return;
    }
    let Some(RunRow { run_id, workflow_id, alone, .. }) = world.rng.pick(&world.rows).cloned()
    else {
        return;
    };
    world.deletions.asked.insert(run_id.clone(), workflow_id.clone());
    let purpose = Purpose::Delete { run_id: run_id.clone() };
    if alone {
        let request = DeleteActivityExecutionRequest { run_id, ..delete_request(&workflow_id) };
        return send(world, &request, purpose);
    }
    let request = DeleteWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: Some(WorkflowExecution { workflow_id, run_id }),
    };
    send(world, &request, purpose);
}

/// Nobody is told anything of what is gone.
pub(crate) fn compare(world: &mut World) -> Checked {
    let gone = world.deletions.gone(&world.keys).runs.into_iter().collect::<Vec<_>>();
    let Some(run_id) = world.rng.pick(&gone).cloned() else { return Ok(()) };
    let workflow_id = world.deletions.asked[&run_id].clone();
    let activity = DescribeActivityExecutionRequest {
        run_id: run_id.clone(),
        ..describe_request(&workflow_id)
    };
    let run = WorkflowExecution { workflow_id, run_id };
    let workflow = DescribeWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        execution: Some(run.clone()),
    };
    let answers = [world.call(&workflow).map(drop), world.call(&activity).map(drop)];
    let unknown = |answer: &Result<_, hourglass_engine::RpcStatus>| {
        answer.as_ref().is_err_and(|error| error.code == Code::NotFound)
    };
    require("a deleted run is nowhere", answers.iter().all(unknown), || {
        format!("{run:?}: {answers:?}")
    })
}
