//! `RespondActivityTaskCompletedById`: of an activity that is named, not by the token of a task.

use super::respond_activity_task_completed::complete;
use crate::context::{Context, Failure};
use crate::proto::common::WorkflowExecution;
use crate::proto::service::{
    RespondActivityTaskCompletedByIdRequest, RespondActivityTaskCompletedByIdResponse,
};

pub(crate) fn handle(
    context: &mut Context,
    request: RespondActivityTaskCompletedByIdRequest,
) -> Result<RespondActivityTaskCompletedByIdResponse, Failure> {
    let execution = WorkflowExecution { workflow_id: request.workflow_id, run_id: request.run_id };
    let (key, id) =
        context.activity_by_id(&request.namespace, &execution, &request.activity_id, true)?;
    complete(context, key, id, request.result, request.identity)?;
    Ok(RespondActivityTaskCompletedByIdResponse {})
}
