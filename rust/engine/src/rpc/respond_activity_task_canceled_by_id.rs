//! `RespondActivityTaskCanceledById`: of an activity that is named, not by the token of a task.

use super::respond_activity_task_canceled::cancel;
use crate::context::{Context, Failure};
use crate::proto::common::WorkflowExecution;
use crate::proto::service::{
    RespondActivityTaskCanceledByIdRequest, RespondActivityTaskCanceledByIdResponse,
};

pub(crate) fn handle(
    context: &mut Context,
    request: RespondActivityTaskCanceledByIdRequest,
) -> Result<RespondActivityTaskCanceledByIdResponse, Failure> {
    let execution = WorkflowExecution { workflow_id: request.workflow_id, run_id: request.run_id };
    let (key, id) =
        context.activity_by_id(&request.namespace, &execution, &request.activity_id, false)?;
    cancel(context, key, id, request.details, request.identity)?;
    Ok(RespondActivityTaskCanceledByIdResponse {})
}
