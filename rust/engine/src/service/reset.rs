//! `ResetWorkflowExecution`: go back to the end of a workflow task, in a new run.

use crate::RpcStatus;
use crate::machine::workflow_options::Wanted;
use crate::policy::limits::NAME_LIMIT;
use crate::proto::enums::{ResetReapplyExcludeType as Exclude, ResetReapplyType};
use crate::proto::service::{ResetWorkflowExecutionRequest, ResetWorkflowExecutionResponse};
use crate::proto::workflow::post_reset_operation::Variant as Operation;
use crate::transaction::context::{CallError, Context};
use crate::transaction::reset;
use crate::transaction::reset::{Reapply, Reset};

pub(crate) fn reset_workflow_execution(
    context: &mut Context,
    mut request: ResetWorkflowExecutionRequest,
) -> Result<ResetWorkflowExecutionResponse, CallError> {
    let invalid = |message: &str| Err(RpcStatus::invalid_argument(message).into());
    if request.request_id.is_empty() {
        return invalid("RequestId is not set on request.");
    }
    if request.request_id.len() > NAME_LIMIT {
        return invalid("RequestId length exceeds limit.");
    }
    let namespace = context.namespace(&request.namespace)?;
    let base = context.find_run(namespace, request.workflow_execution.as_ref())?;
    let then = then(&mut request)?;
    let until = request.workflow_task_finish_event_id;
    if until <= 1 || until >= base.record.next_event_id {
        return invalid("Workflow task finish ID must be > 1 && <= workflow last event ID.");
    }
    let current = context.last_run(namespace, &base.workflow_id)?.unwrap_or_else(|| base.clone());
    if current.record.request_id == request.request_id {
        return Ok(ResetWorkflowExecutionResponse { run_id: current.run_id.to_string() });
    }
    let reapply = reapply(&request);
    let reset = Reset {
        base,
        current,
        until,
        reason: request.reason,
        request_id: request.request_id,
        reapply,
        then,
    };
    let run_id = reset::reset(context, &reset)?.to_string();
    Ok(ResetWorkflowExecutionResponse { run_id })
}

/// List the changes to the new run's options. Nothing else can be: as on a server.
fn then(request: &mut ResetWorkflowExecutionRequest) -> Result<Vec<Wanted>, RpcStatus> {
    let operations = std::mem::take(&mut request.post_reset_operations);
    let wanted = operations.into_iter().map(|operation| match operation.variant {
        Some(Operation::UpdateWorkflowOptions(update)) => {
            let wanted = Wanted {
                options: update.workflow_execution_options.unwrap_or_default(),
                mask: update.update_mask.unwrap_or_default().paths,
                identity: String::new(),
            };
            wanted.check().map(|()| wanted)
        }
        Some(Operation::SignalWorkflow(_)) => {
            Err(unsupported("*workflow.PostResetOperation_SignalWorkflow_"))
        }
        None => Err(unsupported("<nil>")),
    });
    wanted.collect()
}

fn unsupported(operation: &str) -> RpcStatus {
    RpcStatus::invalid_argument(format!("unsupported post reset operation: {operation}"))
}

/// Choose the events to reapply, by the newer field, which names what to leave out, and the older one, which
/// names what to take.
fn reapply(request: &ResetWorkflowExecutionRequest) -> Reapply {
    #[allow(deprecated, reason = "older clients set it")]
    let kind = request.reset_reapply_type();
    let excluded: Vec<_> = request.reset_reapply_exclude_types().collect();
    let allowed = |kind| !excluded.contains(&kind);
    let none = kind == ResetReapplyType::None;
    let signals = !none && allowed(Exclude::Signal);
    let updates = !none && kind != ResetReapplyType::Signal && allowed(Exclude::Update);
    #[allow(deprecated, reason = "it counts among all")]
    let others = allowed(Exclude::Nexus) || allowed(Exclude::CancelRequest);
    Reapply { signals, updates, anything: signals || updates || others }
}
