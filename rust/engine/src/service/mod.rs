//! RPCs, one per file.
//!
//! A handler takes the context and the decoded request. Most return the response; polls take the
//! caller's responder out of the context and park it.

#![allow(clippy::needless_pass_by_value, reason = "a handler owns its request, used up or not")]
#![allow(
    clippy::unnecessary_wraps,
    reason = "all handlers have one form, also those that can't fail"
)]

pub(crate) mod activity_operations;
pub(crate) mod activity_tasks;
pub(crate) mod cluster;
pub(crate) mod control;
pub(crate) mod describe;
pub(crate) mod dispatch;
pub(crate) mod histories;
pub(crate) mod lists;
pub(crate) mod multi_operation;
pub(crate) mod namespaces;
pub(crate) mod query;
pub(crate) mod reset;
pub(crate) mod search_attributes;
pub(crate) mod signal;
pub(crate) mod standalone_control;
pub(crate) mod standalone_describe;
pub(crate) mod standalone_operations;
pub(crate) mod standalone_start;
pub(crate) mod start;
pub(crate) mod task_queues;
pub(crate) mod test_service;
pub(crate) mod update;
pub(crate) mod workflow_task_completed;
pub(crate) mod workflow_tasks;

use crate::RpcStatus;
use crate::store::RunRow;

/// A caller may insist on the chain of runs that it knows, by the chain's first run.
fn check_first_run(row: &RunRow, first_run_id: &str) -> Result<(), RpcStatus> {
    if first_run_id.is_empty() || first_run_id == crate::machine::start::first_run_id(row) {
        return Ok(());
    }
    Err(RpcStatus::not_found("workflow execution not found"))
}
