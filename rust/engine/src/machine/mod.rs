//! State machines: what an event from outside or a command does to a run.

pub(crate) mod activity;
pub(crate) mod activity_control;
mod activity_deadline;
pub(crate) mod activity_options;
pub(crate) mod activity_task;
pub(crate) mod child;
pub(crate) mod errand;
pub(crate) mod external;
pub(crate) mod options;
pub(crate) mod rebuild;
pub(crate) mod reset;
pub(crate) mod reset_points;
pub(crate) mod retry_workflow;
pub(crate) mod speculative;
pub(crate) mod standalone;
pub(crate) mod standalone_control;
pub(crate) mod standalone_options;
pub(crate) mod timer;
pub(crate) mod workflow;
pub(crate) mod workflow_task;
