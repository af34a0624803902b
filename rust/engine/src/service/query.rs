//! Queries and their answers.

use prost::Message;

use crate::ids::{QueryToken, parse_task_token};
use crate::proto::enums::{QueryRejectCondition, WorkflowExecutionStatus};
use crate::proto::errordetails::WorkflowNotReadyFailure;
use crate::proto::query::QueryRejected;
use crate::proto::service::{
    QueryWorkflowRequest, QueryWorkflowResponse, RespondQueryTaskCompletedRequest,
    RespondQueryTaskCompletedResponse,
};
use crate::state::reply::Reply;
use crate::store::RunRow;
use crate::transaction::context::{CallError, Context, Outcome};
use crate::{Code, RpcStatus};

/// A workflow whose task failed this often won't answer.
const FAILING_ATTEMPTS: i32 = 3;

/// `QueryWorkflow`: ask a workflow's worker something.
pub(crate) fn query_workflow(
    context: &mut Context,
    request: QueryWorkflowRequest,
) -> Result<Outcome, CallError> {
    let namespace = context.namespace(&request.namespace)?;
    let condition = request.query_reject_condition();
    let Some(query) = request.query else {
        return Err(RpcStatus::invalid_argument("WorkflowQuery is not set on request.").into());
    };
    if query.query_type.is_empty() {
        return Err(RpcStatus::invalid_argument("QueryType is not set on request.").into());
    }
    let row = context.find_run(namespace, request.execution.as_ref())?;
    if let Some(rejected) = rejected(condition, row.status) {
        let response =
            QueryWorkflowResponse { query_rejected: Some(rejected), ..Default::default() };
        return Ok(Outcome::Done(Reply::new(Ok(response.encode_to_vec().into()))));
    }
    check_ready(&row)?;
    if let Some(responder) = context.caller.responder.take() {
        context.ask(row.key, query, responder)?;
    }
    Ok(Outcome::Parked)
}

fn rejected(condition: QueryRejectCondition, status: i32) -> Option<QueryRejected> {
    let is = |wanted: WorkflowExecutionStatus| status == i32::from(wanted);
    let open = is(WorkflowExecutionStatus::Running);
    let refuse = match condition {
        QueryRejectCondition::NotOpen => !open,
        QueryRejectCondition::NotCompletedCleanly => {
            !open && !is(WorkflowExecutionStatus::Completed)
        }
        QueryRejectCondition::None | QueryRejectCondition::Unspecified => false,
    };
    refuse.then_some(QueryRejected { status })
}

fn check_ready(row: &RunRow) -> Result<(), RpcStatus> {
    let task = row.record.workflow_task.as_ref();
    if task.is_none() && row.record.previous_started_event_id == 0 {
        let message = "Workflow task is not scheduled yet.";
        return Err(not_ready(message));
    }
    if task.is_some_and(|task| task.attempt >= FAILING_ATTEMPTS) {
        let message = "Unable to query workflow due to Workflow Task in failed state.";
        return Err(not_ready(message));
    }
    Ok(())
}

fn not_ready(message: &str) -> RpcStatus {
    let detail = WorkflowNotReadyFailure::default();
    RpcStatus::with_detail(Code::FailedPrecondition, message, "WorkflowNotReadyFailure", &detail)
}

/// `RespondQueryTaskCompleted`: a worker answers a direct query.
pub(crate) fn respond_query_task_completed(
    context: &mut Context,
    request: RespondQueryTaskCompletedRequest,
) -> Result<RespondQueryTaskCompletedResponse, CallError> {
    context.namespace(&request.namespace)?;
    let token: QueryToken = parse_task_token(&request.task_token)?;
    let RespondQueryTaskCompletedRequest {
        completed_type,
        query_result,
        error_message,
        failure,
        ..
    } = request;
    if context.answer_query(token.query, completed_type, query_result, error_message, failure) {
        Ok(RespondQueryTaskCompletedResponse::default())
    } else {
        Err(RpcStatus::not_found("query task not found, or already expired").into())
    }
}
