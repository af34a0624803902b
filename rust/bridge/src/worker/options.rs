//! What a worker is told, and core's configuration made from it.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use temporalio_common::worker::WorkerTaskTypes;
use temporalio_sdk_core::{
    PollerBehavior, WorkerConfig, WorkerVersioningStrategy, WorkflowErrorType,
};

use crate::error::{Failure, Outcome};

/// The keywords of `Worker`, in its order.
pub(crate) struct WorkerOptions {
    pub(crate) namespace: String,
    pub(crate) task_queue: String,
    pub(crate) workflows: bool,
    pub(crate) activities: bool,
    pub(crate) identity: String,
    pub(crate) build_id: String,
    pub(crate) max_cached_workflows: usize,
    pub(crate) max_outstanding_workflow_tasks: usize,
    pub(crate) max_outstanding_activities: usize,
    pub(crate) max_outstanding_local_activities: usize,
    pub(crate) max_concurrent_workflow_task_polls: usize,
    pub(crate) max_concurrent_activity_task_polls: usize,
    pub(crate) nonsticky_to_sticky_poll_ratio: f32,
    pub(crate) sticky_queue_schedule_to_start_timeout: f64,
    pub(crate) max_heartbeat_throttle_interval: f64,
    pub(crate) default_heartbeat_throttle_interval: f64,
    pub(crate) max_activities_per_second: Option<f64>,
    pub(crate) max_task_queue_activities_per_second: Option<f64>,
    pub(crate) graceful_shutdown_timeout: f64,
    pub(crate) nondeterminism_as_workflow_fail: bool,
    pub(crate) nondeterminism_as_workflow_fail_types: Vec<String>,
}

fn interval(name: &str, seconds: f64) -> Outcome<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| Failure::bad_argument(format!("{name}: {seconds} is not a number of seconds")))
}

impl WorkerOptions {
    /// Core's configuration; core's own checks answer as `bad_argument`.
    pub(crate) fn config(self) -> Outcome<WorkerConfig> {
        if self.task_queue.is_empty() {
            return Err(Failure::bad_argument("task_queue: must not be empty"));
        }
        if !self.workflows && !self.activities {
            let why = "workflows, activities: a worker serves at least one of them";
            return Err(Failure::bad_argument(why));
        }
        let nondeterminism = || HashSet::from([WorkflowErrorType::Nondeterminism]);
        let everywhere =
            if self.nondeterminism_as_workflow_fail { nondeterminism() } else { HashSet::new() };
        let by_type: HashMap<_, _> = self
            .nondeterminism_as_workflow_fail_types
            .into_iter()
            .map(|name| (name, nondeterminism()))
            .collect();
        let sticky = self.sticky_queue_schedule_to_start_timeout;
        WorkerConfig::builder()
            .namespace(self.namespace)
            .task_queue(self.task_queue)
            .client_identity_override(self.identity)
            .max_cached_workflows(self.max_cached_workflows)
            .workflow_task_poller_behavior(PollerBehavior::SimpleMaximum(
                self.max_concurrent_workflow_task_polls,
            ))
            .activity_task_poller_behavior(PollerBehavior::SimpleMaximum(
                self.max_concurrent_activity_task_polls,
            ))
            .nonsticky_to_sticky_poll_ratio(self.nonsticky_to_sticky_poll_ratio)
            .task_types(WorkerTaskTypes {
                enable_workflows: self.workflows,
                enable_local_activities: self.workflows && self.activities,
                enable_remote_activities: self.activities,
                enable_nexus: false,
            })
            .sticky_queue_schedule_to_start_timeout(interval(
                "sticky_queue_schedule_to_start_timeout",
                sticky,
            )?)
            .max_heartbeat_throttle_interval(interval(
                "max_heartbeat_throttle_interval",
                self.max_heartbeat_throttle_interval,
            )?)
            .default_heartbeat_throttle_interval(interval(
                "default_heartbeat_throttle_interval",
                self.default_heartbeat_throttle_interval,
            )?)
            .maybe_max_worker_activities_per_second(self.max_activities_per_second)
            .maybe_max_task_queue_activities_per_second(self.max_task_queue_activities_per_second)
            .graceful_shutdown_period(interval(
                "graceful_shutdown_timeout",
                self.graceful_shutdown_timeout,
            )?)
            .workflow_failure_errors(everywhere)
            .workflow_types_to_failure_errors(by_type)
            .max_outstanding_workflow_tasks(self.max_outstanding_workflow_tasks)
            .max_outstanding_activities(self.max_outstanding_activities)
            .max_outstanding_local_activities(self.max_outstanding_local_activities)
            .versioning_strategy(WorkerVersioningStrategy::None { build_id: self.build_id })
            // An eviction at shutdown would only ask Python to forget what it forgets anyway.
            .ignore_evicts_on_shutdown(true)
            // While a handle is recycled, the old and the new worker of a queue overlap.
            .skip_client_worker_set_check(true)
            .build()
            .map_err(Failure::bad_argument)
    }
}
