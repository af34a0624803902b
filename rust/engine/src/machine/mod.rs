//! State machines: what an event from outside or a command does to a run.

pub(crate) mod activity;
pub(crate) mod child;
pub(crate) mod external;
pub(crate) mod next_run;
pub(crate) mod rebuild;
pub(crate) mod reset_points;
pub(crate) mod speculative;
pub(crate) mod start;
pub(crate) mod timer;
pub(crate) mod workflow;
pub(crate) mod workflow_options;
pub(crate) mod workflow_task;
