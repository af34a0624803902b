//! Local activities, which a worker runs by itself in the middle of a workflow task.
//!
//! An embedded engine hands workflow tasks out before they are on its disk, and withdraws them if they
//! don't get there. What an activity does can't be withdrawn: it begins when its workflow task is safe.

use std::time::Duration;

use hourglass_engine::{
    Code::{ResourceExhausted, Unavailable},
    RpcStatus,
};
use temporalio_protos::{
    coresdk::{
        ActivityTaskCompletion,
        activity_result::ActivityExecutionResult,
        activity_task::{ActivityTask, activity_task::Variant},
    },
    temporal::api::failure::v1::Failure,
};

use super::embedded::Embedded;

/// Before an engine is asked again whose disk does not work.
const PAUSE: Duration = Duration::from_millis(100);
const WITHDRAWN: &str = "the workflow task of this local activity was withdrawn";

/// Wait until what asks for this activity is on the disk; false: it never will be. Others may run.
pub(super) async fn may_run(task: &ActivityTask, embedded: Option<&Embedded>) -> bool {
    let (Some(run_id), Some(embedded)) = (local_of(task), embedded) else { return true };
    loop {
        let Some(engine) = embedded.engine() else { return false };
        match engine.confirm_workflow_task(run_id, embedded.instance()).await {
            Ok(()) => return true,
            Err(status) if status == RpcStatus::closed() => return false,
            // The store failed, for whatever was committed just then.
            Err(RpcStatus { code: Unavailable | ResourceExhausted, .. }) => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(_) => return false,
        }
    }
}

/// The answer for one that must not run. The workflow sees it, and its task comes to nothing.
pub(super) fn withdrawn(task: ActivityTask) -> ActivityTaskCompletion {
    let failure = Failure::application_failure(WITHDRAWN.to_owned(), true);
    ActivityTaskCompletion {
        task_token: task.task_token,
        result: Some(ActivityExecutionResult::fail(failure)),
    }
}

/// The run that runs this activity by itself.
fn local_of(task: &ActivityTask) -> Option<&str> {
    match &task.variant {
        Some(Variant::Start(start)) if start.is_local => {
            start.workflow_execution.as_ref().map(|execution| execution.run_id.as_str())
        }
        _ => None,
    }
}
