//! `RecordActivityTaskHeartbeatById`: of an activity that is named, not by the token of a task.

use super::record_activity_task_heartbeat::heartbeat;
use crate::context::{Context, Failure};
use crate::proto::common::WorkflowExecution;
use crate::proto::service::{
    RecordActivityTaskHeartbeatByIdRequest, RecordActivityTaskHeartbeatByIdResponse,
};

pub(crate) fn handle(
    context: &mut Context,
    request: RecordActivityTaskHeartbeatByIdRequest,
) -> Result<RecordActivityTaskHeartbeatByIdResponse, Failure> {
    let execution = WorkflowExecution { workflow_id: request.workflow_id, run_id: request.run_id };
    let (key, id) =
        context.activity_by_id(&request.namespace, &execution, &request.activity_id, false)?;
    let told = heartbeat(context, key, id, request.details)?;
    Ok(RecordActivityTaskHeartbeatByIdResponse {
        cancel_requested: told.cancel_requested,
        activity_paused: told.paused,
        activity_reset: told.reset,
    })
}
