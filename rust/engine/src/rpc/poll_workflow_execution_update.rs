//! `PollWorkflowExecutionUpdate`: what has become of an update.

use crate::RpcStatus;
use crate::context::{Context, Failure, Outcome};
use crate::proto::service::PollWorkflowExecutionUpdateRequest;
use crate::proto::update::WaitPolicy;
use crate::updates::Asked;

pub(crate) fn handle(
    context: &mut Context,
    request: PollWorkflowExecutionUpdateRequest,
) -> Result<Outcome, Failure> {
    let namespace = context.namespace(&request.namespace)?;
    let Some(reference) = request.update_ref else {
        return Err(RpcStatus::invalid_argument("UpdateRef is not set on request.").into());
    };
    let row = context.find_run(namespace, reference.workflow_execution.as_ref())?;
    let id = reference.update_id;
    if context.reached(row.key, &id)?.is_none() {
        return Err(RpcStatus::not_found(format!("update {id:?} not found")).into());
    }
    // Without a policy it is unspecified, which every update has reached.
    let stage = request.wait_policy.as_ref().map(WaitPolicy::lifecycle_stage).unwrap_or_default();
    context.await_update(&row, id, stage, Asked::Poll)
}
