//! `ExecuteMultiOperation`: start a workflow and update it, as one.
//!
//! The update goes to the run that is there when that is allowed, and else to one that is started for
//! it; the update is in that run's first workflow task.

use crate::ids::NamespaceKey;
use crate::machine::start::{Decision, check, decide, new_run};
use crate::proto::enums::{
    UpdateWorkflowExecutionLifecycleStage as Stage, WorkflowExecutionStatus as Status,
    WorkflowIdConflictPolicy as Conflict,
};
use crate::proto::service::execute_multi_operation_request::operation::Operation;
use crate::proto::service::{
    ExecuteMultiOperationRequest, StartWorkflowExecutionRequest, StartWorkflowExecutionResponse,
    UpdateWorkflowExecutionRequest,
};
use crate::proto::update::Request;
use crate::proto::update_id;
use crate::service::update;
use crate::state::updates::UpdateCall;
use crate::store::RunRow;
use crate::transaction::context::{CallError, Context, Outcome};
use crate::transaction::start::{replace, start_run};
use crate::transaction::update_answers::{failed, operation_aborted};
use crate::{Code, RpcStatus};

pub(crate) fn execute_multi_operation(
    context: &mut Context,
    request: ExecuteMultiOperationRequest,
) -> Result<Outcome, CallError> {
    let namespace = context.namespace(&request.namespace)?;
    let (start, mut update) = operations(request)?;
    let checked = check_start(&start);
    let asked = check_update(context, &start, &mut update);
    let (update, stage) = match (checked, asked) {
        (Ok(()), Ok(asked)) => asked,
        (Err(status), Ok(_)) => return Err(failed(Some(status), Some(operation_aborted())).into()),
        (Ok(()), Err(status)) => return Err(failed(Some(operation_aborted()), Some(status)).into()),
        (Err(start), Err(update)) => return Err(failed(Some(start), Some(update)).into()),
    };
    let existing = context.last_run(namespace, &start.workflow_id)?;
    if let Some(row) = &existing
        && takes_update(context, row, &start, update_id(&update))?
    {
        let start = StartWorkflowExecutionResponse {
            run_id: row.run_id.to_string(),
            first_execution_run_id: crate::machine::start::first_run_id(row),
            status: row.status,
            started: false,
            ..Default::default()
        };
        return wait(context, row, update, stage, start);
    }
    let row = match start_for_update(context, namespace, start, existing.as_ref()) {
        Ok(row) => row,
        Err(CallError::Status(status)) => {
            return Err(failed(Some(status), Some(operation_aborted())).into());
        }
        Err(failure) => return Err(failure),
    };
    let start = StartWorkflowExecutionResponse {
        run_id: row.run_id.to_string(),
        first_execution_run_id: row.run_id.to_string(),
        status: Status::Running.into(),
        started: true,
        ..Default::default()
    };
    wait(context, &row, update, stage, start)
}

fn operations(
    request: ExecuteMultiOperationRequest,
) -> Result<(StartWorkflowExecutionRequest, UpdateWorkflowExecutionRequest), RpcStatus> {
    let mut operations = request.operations.into_iter().map(|operation| operation.operation);
    match (operations.next().flatten(), operations.next().flatten(), operations.next()) {
        (Some(Operation::StartWorkflow(start)), Some(Operation::UpdateWorkflow(update)), None) => {
            Ok((start, update))
        }
        _ => Err(RpcStatus::invalid_argument("Operations have to be exactly [Start, Update].")),
    }
}

fn check_start(start: &StartWorkflowExecutionRequest) -> Result<(), RpcStatus> {
    if !start.cron_schedule.is_empty() {
        return Err(RpcStatus::invalid_argument("CronSchedule is not allowed."));
    }
    if start.request_eager_execution {
        return Err(RpcStatus::invalid_argument("RequestEagerExecution is not supported."));
    }
    if start.workflow_start_delay.is_some() {
        return Err(RpcStatus::invalid_argument("WorkflowStartDelay is not supported."));
    }
    check(start)
}

fn check_update(
    context: &Context,
    start: &StartWorkflowExecutionRequest,
    update: &mut UpdateWorkflowExecutionRequest,
) -> Result<(Request, Stage), RpcStatus> {
    let execution = update.workflow_execution.clone().unwrap_or_default();
    if execution.workflow_id != start.workflow_id {
        return Err(RpcStatus::invalid_argument(
            "WorkflowId is not consistent with previous operation(s).",
        ));
    }
    if !execution.run_id.is_empty() {
        return Err(RpcStatus::invalid_argument("RunId is not allowed."));
    }
    if !update.first_execution_run_id.is_empty() {
        return Err(RpcStatus::invalid_argument("FirstExecutionRunId is not allowed."));
    }
    update::check(context, update)
}

/// Tell whether the update goes to the run that is there.
fn takes_update(
    context: &mut Context,
    row: &RunRow,
    start: &StartWorkflowExecutionRequest,
    update_id: &str,
) -> Result<bool, CallError> {
    let is_known = context.reached(row.key, update_id)?.is_some();
    if !row.is_open() {
        let update = context.store.update(row.key, update_id)?;
        return Ok(update.is_some_and(|update| update.completed != 0));
    }
    let is_same = !start.request_id.is_empty() && row.record.request_id == start.request_id;
    let allows = start.workflow_id_conflict_policy() == Conflict::UseExisting;
    Ok(is_known || is_same || allows)
}

fn start_for_update(
    context: &mut Context,
    namespace: NamespaceKey,
    start: StartWorkflowExecutionRequest,
    existing: Option<&RunRow>,
) -> Result<RunRow, CallError> {
    let replaced = match decide(existing, &start)? {
        Decision::Start => None,
        Decision::TerminateAndStart(run) => Some(run.key),
        Decision::Existing(run, _) => {
            return Err(RpcStatus::new(
                Code::Unavailable,
                format!("Workflow was not started: the request started the run {}", run.run_id),
            )
            .into());
        }
    };
    let new = new_run(&context.env, namespace, start)?;
    replace(context, replaced, new.run_id)?;
    let key = start_run(context, new);
    context.row(key)?.ok_or_else(|| RpcStatus::not_found("the run is not there").into())
}

fn wait(
    context: &mut Context,
    row: &RunRow,
    update: Request,
    stage: Stage,
    start: StartWorkflowExecutionResponse,
) -> Result<Outcome, CallError> {
    let id = update_id(&update).to_owned();
    match update::apply(context, row, update) {
        Ok(()) => context.await_update(row, id, stage, UpdateCall::WithStart(Box::new(start))),
        // What was started for it goes with it.
        Err(CallError::Status(status)) => {
            Err(failed(Some(operation_aborted()), Some(status)).into())
        }
        Err(failure) => Err(failure),
    }
}
