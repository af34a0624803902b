//! Updates, and callers that wait for their stages.

use crate::machine::workflow::closing;
use crate::policy::limits;
use crate::policy::limits::NAME_LIMIT;
use crate::proto::enums::UpdateWorkflowExecutionLifecycleStage as Stage;
use crate::proto::service::{PollWorkflowExecutionUpdateRequest, UpdateWorkflowExecutionRequest};
use crate::proto::update::{Request, WaitPolicy};
use crate::proto::update_id;
use crate::service::check_first_run;
use crate::state::updates::UpdateCall;
use crate::store::RunRow;
use crate::transaction::context::{CallError, Context, Outcome};
use crate::transaction::update_answers::not_ready;
use crate::{Code, RpcStatus};

/// A workflow whose task failed this often won't answer.
const FAILING_ATTEMPTS: i32 = 3;

/// `UpdateWorkflowExecution`: ask a workflow to do something, and wait for what becomes of it.
pub(crate) fn update_workflow_execution(
    context: &mut Context,
    mut request: UpdateWorkflowExecutionRequest,
) -> Result<Outcome, CallError> {
    let namespace = context.namespace(&request.namespace)?;
    let (update, stage) = check(context, &mut request)?;
    let row = context.find_run(namespace, request.workflow_execution.as_ref())?;
    check_first_run(&row, &request.first_execution_run_id)?;
    let id = update_id(&update).to_owned();
    apply(context, &row, update)?;
    context.await_update(&row, id, stage, UpdateCall::Update)
}

/// Check a request, complete it, and find the stage to wait for.
pub(super) fn check(
    context: &Context,
    request: &mut UpdateWorkflowExecutionRequest,
) -> Result<(Request, Stage), RpcStatus> {
    let invalid = |message: &str| Err(RpcStatus::invalid_argument(message));
    let mut update = request.request.take().unwrap_or_default();
    let Some(meta) = &mut update.meta else {
        return invalid("Update meta is not set on request.");
    };
    if meta.update_id.len() > NAME_LIMIT {
        return invalid("UpdateId length exceeds limit.");
    }
    if meta.update_id.is_empty() {
        meta.update_id = uuid::Uuid::from_bytes(context.env.entropy.bytes()).to_string();
    }
    let Some(input) = &update.input else {
        return invalid("Update input is not set on request.");
    };
    if input.name.is_empty() {
        return invalid("Update name is not set on request.");
    }
    limits::check_size(input.args.as_ref(), "UpdateWorkflowExecutionRequest.Input")
        .map_err(RpcStatus::invalid_argument)?;
    let stage = request.wait_policy.as_ref().map(crate::proto::update::WaitPolicy::lifecycle_stage);
    match stage.unwrap_or_default() {
        Stage::Unspecified => Ok((update, Stage::Completed)),
        Stage::Admitted => Err(RpcStatus::new(
            Code::PermissionDenied,
            "UpdateWorkflowExecution issued asynchronously and waiting on update admitted is not supported.",
        )),
        stage => Ok((update, stage)),
    }
}

/// Take the update in, unless the run knows it already.
pub(super) fn apply(context: &mut Context, row: &RunRow, update: Request) -> Result<(), CallError> {
    let known = context.reached(row.key, update_id(&update))?.is_some();
    let Some((run, _)) = context.open_run(row.key)? else {
        let completed = || RpcStatus::not_found("workflow execution already completed").into();
        return if known { Ok(()) } else { Err(completed()) };
    };
    if run.workflow_task().is_some_and(|task| task.attempt >= FAILING_ATTEMPTS) {
        let message =
            "Unable to perform workflow execution update due to Workflow Task in failed state.";
        return Err(not_ready(message).into());
    }
    if run.volatile.closing && run.volatile.lease.is_some() {
        return Err(closing().into());
    }
    if known { Ok(()) } else { context.admit_update(row.key, update) }
}

/// `PollWorkflowExecutionUpdate`: what has become of an update.
pub(crate) fn poll_workflow_execution_update(
    context: &mut Context,
    request: PollWorkflowExecutionUpdateRequest,
) -> Result<Outcome, CallError> {
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
    context.await_update(&row, id, stage, UpdateCall::Poll)
}
