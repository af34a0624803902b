//! Options of a worker, and core's configuration made from them.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use pyo3::{exceptions::PyTypeError, prelude::*, types::PyDict};
use temporalio_common::worker::WorkerTaskTypes;
use temporalio_sdk_core::{
    PollerBehavior, WorkerConfig, WorkerVersioningStrategy, WorkflowErrorType,
};

use crate::error::{Failure, Outcome};

/// The keywords of `Worker` that have a default, and what every worker needs.
#[allow(clippy::struct_excessive_bools, reason = "the contract's options")]
pub(crate) struct WorkerOptions {
    namespace: String,
    task_queue: String,
    identity: String,
    pub(crate) workflows: bool,
    pub(crate) activities: bool,
    /// Take local ones only.
    pub(crate) no_remote_activities: bool,
    build_id: String,
    max_cached_workflows: usize,
    max_outstanding_workflow_tasks: usize,
    max_outstanding_activities: usize,
    max_outstanding_local_activities: usize,
    max_concurrent_workflow_task_polls: usize,
    max_concurrent_activity_task_polls: usize,
    nonsticky_to_sticky_poll_ratio: f32,
    sticky_queue_schedule_to_start_timeout: f64,
    max_heartbeat_throttle_interval: f64,
    default_heartbeat_throttle_interval: f64,
    max_activities_per_second: Option<f64>,
    max_task_queue_activities_per_second: Option<f64>,
    max_eager_activity_reservations_per_workflow_task: usize,
    graceful_shutdown_timeout: f64,
    nondeterminism_as_workflow_fail: bool,
    nondeterminism_as_workflow_fail_types: Vec<String>,
}

type FailureTypes = HashSet<WorkflowErrorType>;

fn interval(name: &str, seconds: f64) -> Outcome<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| Failure::bad_argument(format!("{name}: {seconds} is not a number of seconds")))
}

impl WorkerOptions {
    pub(crate) fn new(namespace: String, task_queue: String, identity: String) -> Self {
        Self {
            namespace,
            task_queue,
            identity,
            workflows: true,
            activities: true,
            no_remote_activities: false,
            build_id: String::new(),
            max_cached_workflows: 1_000,
            max_outstanding_workflow_tasks: 100,
            max_outstanding_activities: 100,
            max_outstanding_local_activities: 100,
            max_concurrent_workflow_task_polls: 5,
            max_concurrent_activity_task_polls: 5,
            nonsticky_to_sticky_poll_ratio: 0.2,
            sticky_queue_schedule_to_start_timeout: 10.0,
            max_heartbeat_throttle_interval: 60.0,
            default_heartbeat_throttle_interval: 30.0,
            max_activities_per_second: None,
            max_task_queue_activities_per_second: None,
            max_eager_activity_reservations_per_workflow_task: 3,
            graceful_shutdown_timeout: 0.0,
            nondeterminism_as_workflow_fail: false,
            nondeterminism_as_workflow_fail_types: Vec::new(),
        }
    }

    /// Take the keywords; one that is unknown is a `TypeError`, as for any Python function.
    pub(crate) fn set_all(&mut self, keywords: &Bound<'_, PyDict>) -> PyResult<()> {
        for (name, value) in keywords {
            let name: String = name.extract()?;
            self.set(&name, &value).map_err(|error| {
                let text = format!("Worker: {name}: {}", error.value(value.py()));
                PyTypeError::new_err(text)
            })?;
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        macro_rules! options {
            ($($option:ident),+ $(,)?) => {
                match name {
                    $(stringify!($option) => self.$option = value.extract()?,)+
                    _ => return Err(PyTypeError::new_err("unexpected keyword argument")),
                }
            };
        }
        options!(
            workflows,
            activities,
            no_remote_activities,
            build_id,
            max_cached_workflows,
            max_outstanding_workflow_tasks,
            max_outstanding_activities,
            max_outstanding_local_activities,
            max_concurrent_workflow_task_polls,
            max_concurrent_activity_task_polls,
            nonsticky_to_sticky_poll_ratio,
            sticky_queue_schedule_to_start_timeout,
            max_heartbeat_throttle_interval,
            default_heartbeat_throttle_interval,
            max_activities_per_second,
            max_task_queue_activities_per_second,
            max_eager_activity_reservations_per_workflow_task,
            graceful_shutdown_timeout,
            nondeterminism_as_workflow_fail,
            nondeterminism_as_workflow_fail_types,
        );
        Ok(())
    }

    /// Which errors fail the workflow and not only its task: everywhere, and by type.
    fn failure_types(&self) -> (FailureTypes, HashMap<String, FailureTypes>) {
        let nondeterminism = || HashSet::from([WorkflowErrorType::Nondeterminism]);
        let everywhere =
            if self.nondeterminism_as_workflow_fail { nondeterminism() } else { HashSet::new() };
        let types = &self.nondeterminism_as_workflow_fail_types;
        (everywhere, types.iter().map(|name| (name.clone(), nondeterminism())).collect())
    }

    fn task_types(&self) -> Outcome<WorkerTaskTypes> {
        if !self.workflows && !self.activities {
            let why = "workflows, activities: a worker serves at least one of them";
            return Err(Failure::bad_argument(why));
        }
        if !self.workflows && self.no_remote_activities {
            let why = "no_remote_activities: without workflows there are no local ones either";
            return Err(Failure::bad_argument(why));
        }
        Ok(WorkerTaskTypes {
            enable_workflows: self.workflows,
            enable_local_activities: self.workflows && self.activities,
            enable_remote_activities: self.activities && !self.no_remote_activities,
            enable_nexus: false,
        })
    }

    /// Core's configuration; core's own checks answer as `bad_argument`.
    pub(crate) fn config(self) -> Outcome<WorkerConfig> {
        if self.task_queue.is_empty() {
            return Err(Failure::bad_argument("task_queue: must not be empty"));
        }
        let types = self.task_types()?;
        let (everywhere, by_type) = self.failure_types();
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
            .task_types(types)
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
            .max_eager_activity_reservations_per_workflow_task(
                self.max_eager_activity_reservations_per_workflow_task,
            )
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
