//! `RespondActivityTaskFailedById`: of an activity that is named, not by the token of a task.

use super::respond_activity_task_failed::fail;
use crate::context::{Context, Failure};
use crate::proto::common::WorkflowExecution;
use crate::proto::service::{
    RespondActivityTaskFailedByIdRequest, RespondActivityTaskFailedByIdResponse,
};

pub(crate) fn handle(
    context: &mut Context,
    request: RespondActivityTaskFailedByIdRequest,
) -> Result<RespondActivityTaskFailedByIdResponse, Failure> {
    let execution = WorkflowExecution { workflow_id: request.workflow_id, run_id: request.run_id };
    let (key, id) =
        context.activity_by_id(&request.namespace, &execution, &request.activity_id, false)?;
    let failure = request.failure.unwrap_or_default();
    let details = request.last_heartbeat_details;
    fail(context, key, id, failure, details, request.identity)?;
    Ok(RespondActivityTaskFailedByIdResponse::default())
}
