//! RPCs, one per file.
//!
//! A handler takes the context and the decoded request. Most return the response; polls take the
//! caller's responder out of the context and park it.

#![allow(clippy::needless_pass_by_value, reason = "a handler owns its request, used up or not")]
#![allow(
    clippy::unnecessary_wraps,
    reason = "all handlers have one form, also those that can't fail"
)]

pub(crate) mod add_search_attributes;
pub(crate) mod count_activity_executions;
pub(crate) mod count_workflow_executions;
pub(crate) mod delete_activity_execution;
pub(crate) mod delete_workflow_execution;
pub(crate) mod describe_activity_execution;
pub(crate) mod describe_namespace;
pub(crate) mod describe_task_queue;
pub(crate) mod describe_workflow_execution;
pub(crate) mod execute_multi_operation;
pub(crate) mod get_cluster_info;
pub(crate) mod get_current_time;
pub(crate) mod get_system_info;
pub(crate) mod get_workflow_execution_history;
pub(crate) mod get_workflow_execution_history_reverse;
pub(crate) mod list_activity_executions;
pub(crate) mod list_namespaces;
pub(crate) mod list_search_attributes;
pub(crate) mod list_workflow_executions;
pub(crate) mod lock_time_skipping;
pub(crate) mod pause_activity;
pub(crate) mod pause_activity_execution;
pub(crate) mod poll_activity_execution;
pub(crate) mod poll_activity_task_queue;
pub(crate) mod poll_workflow_execution_update;
pub(crate) mod poll_workflow_task_queue;
pub(crate) mod query_workflow;
pub(crate) mod record_activity_task_heartbeat;
pub(crate) mod record_activity_task_heartbeat_by_id;
pub(crate) mod register_namespace;
pub(crate) mod remove_search_attributes;
pub(crate) mod request_cancel_activity_execution;
pub(crate) mod request_cancel_workflow_execution;
pub(crate) mod reset_activity;
pub(crate) mod reset_activity_execution;
pub(crate) mod reset_sticky_task_queue;
pub(crate) mod reset_workflow_execution;
pub(crate) mod respond_activity_task_canceled;
pub(crate) mod respond_activity_task_canceled_by_id;
pub(crate) mod respond_activity_task_completed;
pub(crate) mod respond_activity_task_completed_by_id;
pub(crate) mod respond_activity_task_failed;
pub(crate) mod respond_activity_task_failed_by_id;
pub(crate) mod respond_query_task_completed;
pub(crate) mod respond_workflow_task_completed;
pub(crate) mod respond_workflow_task_failed;
pub(crate) mod shutdown_worker;
pub(crate) mod signal_with_start_workflow_execution;
pub(crate) mod signal_workflow_execution;
pub(crate) mod sleep;
pub(crate) mod sleep_until;
mod standalone;
pub(crate) mod start_activity_execution;
pub(crate) mod start_workflow_execution;
pub(crate) mod terminate_activity_execution;
pub(crate) mod terminate_workflow_execution;
pub(crate) mod unlock_time_skipping;
pub(crate) mod unlock_time_skipping_with_sleep;
pub(crate) mod unpause_activity;
pub(crate) mod unpause_activity_execution;
pub(crate) mod update_activity_execution_options;
pub(crate) mod update_activity_options;
pub(crate) mod update_workflow_execution;
pub(crate) mod update_workflow_execution_options;

use crate::RpcStatus;
use crate::store::RunRow;

/// A caller may insist on the chain of runs that it knows, by the chain's first run.
fn check_first_run(row: &RunRow, first_run_id: &str) -> Result<(), RpcStatus> {
    if first_run_id.is_empty() || first_run_id == start_workflow_execution::first_run_id(row) {
        return Ok(());
    }
    Err(RpcStatus::not_found("workflow execution not found"))
}
