//! Answers to callers of updates: the stage reached, or why the update came to nothing.

use bytes::Bytes;
use prost::Message;

use crate::proto::common;
use crate::proto::enums::{ResourceExhaustedCause, ResourceExhaustedScope};
use crate::proto::errordetails::multi_operation_execution_failure::OperationStatus;
use crate::proto::errordetails::{
    MultiOperationExecutionFailure, ResourceExhaustedFailure, WorkflowNotReadyFailure,
};
use crate::proto::failure::failure::FailureInfo;
use crate::proto::failure::{ApplicationFailureInfo, Failure, MultiOperationExecutionAborted};
use crate::proto::service::execute_multi_operation_response::Response;
use crate::proto::service::execute_multi_operation_response::response::Response as Kind;
use crate::proto::service::{
    ExecuteMultiOperationResponse, PollWorkflowExecutionUpdateResponse,
    StartWorkflowExecutionResponse, UpdateWorkflowExecutionResponse,
};
use crate::proto::update::UpdateRef;
use crate::state::updates::{IN_FLIGHT, Reached, UpdateCall};
use crate::store::RunRow;
use crate::{Code, RpcStatus};

/// The workflow can't take an update now.
pub(crate) fn not_ready(message: &str) -> RpcStatus {
    let detail = WorkflowNotReadyFailure::default();
    RpcStatus::with_detail(Code::FailedPrecondition, message, "WorkflowNotReadyFailure", &detail)
}

pub(crate) fn aborted() -> RpcStatus {
    RpcStatus::new(Code::Unavailable, "Workflow Update was aborted.")
}

pub(crate) fn too_many_in_flight() -> RpcStatus {
    RpcStatus::with_detail(
        Code::ResourceExhausted,
        format!("limit on number of concurrent in-flight updates has been reached ({IN_FLIGHT})"),
        "ResourceExhaustedFailure",
        &ResourceExhaustedFailure {
            cause: ResourceExhaustedCause::ConcurrentLimit.into(),
            scope: ResourceExhaustedScope::Namespace.into(),
        },
    )
}

/// The failure of an accepted update whose run closed.
pub(crate) fn cut_off() -> Failure {
    server_failure(
        "Workflow Update failed because the Workflow completed before the Update completed.",
        "AcceptedUpdateCompletedWorkflow",
    )
}

pub(crate) fn unprocessed() -> Failure {
    server_failure(
        "Workflow Update is rejected because it wasn't processed by worker. Probably, Workflow Update is \
         not supported by the worker.",
        "UnprocessedUpdate",
    )
}

fn server_failure(message: &str, r#type: &str) -> Failure {
    Failure {
        message: message.into(),
        source: "Server".into(),
        failure_info: Some(FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo {
            r#type: r#type.into(),
            non_retryable: true,
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// The answer when both came to something.
pub(crate) fn with_start(
    start: StartWorkflowExecutionResponse,
    update: UpdateWorkflowExecutionResponse,
) -> Bytes {
    let responses = [Kind::StartWorkflow(start), Kind::UpdateWorkflow(update)];
    let responses = responses.map(|response| Response { response: Some(response) }).into();
    ExecuteMultiOperationResponse { responses }.encode_to_vec().into()
}

/// The update came to nothing, after the start was done or was not needed.
pub(crate) fn with_start_failed(started: bool, status: RpcStatus) -> RpcStatus {
    failed(if started { None } else { Some(operation_aborted()) }, Some(status))
}

pub(crate) fn operation_aborted() -> RpcStatus {
    RpcStatus::with_detail_of(
        Code::Aborted,
        "Operation was aborted.",
        "temporal.api.failure.v1.MultiOperationExecutionAborted",
        &MultiOperationExecutionAborted {},
    )
}

/// Build one status for both operations: the code of the first that really failed, and each in the details.
pub(crate) fn failed(start: Option<RpcStatus>, update: Option<RpcStatus>) -> RpcStatus {
    let culprit =
        [&start, &update].into_iter().flatten().find(|status| status.code != Code::Aborted);
    let code = culprit.map_or(Code::Aborted, |status| status.code);
    let statuses = [start, update].map(|status| {
        status.map_or_else(OperationStatus::default, |status| OperationStatus {
            code: status.code.number(),
            details: status.messages(),
            message: status.message,
        })
    });
    RpcStatus::with_detail(
        code,
        "Update-with-Start could not be executed.",
        "MultiOperationExecutionFailure",
        &MultiOperationExecutionFailure { statuses: statuses.into() },
    )
}

/// The answer to a call: what an update has reached.
pub(crate) fn response(
    row: &RunRow,
    update_id: &str,
    reached: Reached,
    asked: &UpdateCall,
) -> Bytes {
    let execution = common::WorkflowExecution {
        workflow_id: row.workflow_id.clone(),
        run_id: row.run_id.to_string(),
    };
    let update_ref =
        Some(UpdateRef { workflow_execution: Some(execution), update_id: update_id.to_owned() });
    let Reached { stage, outcome } = reached;
    let stage = stage.into();
    if matches!(asked, UpdateCall::Poll) {
        let response = PollWorkflowExecutionUpdateResponse { outcome, stage, update_ref };
        return response.encode_to_vec().into();
    }
    let update =
        UpdateWorkflowExecutionResponse { update_ref, outcome, stage, ..Default::default() };
    match asked {
        UpdateCall::WithStart(start) => with_start((**start).clone(), update),
        _ => update.encode_to_vec().into(),
    }
}

/// The failure of a call whose update came to nothing.
pub(crate) fn refused(asked: &UpdateCall, status: RpcStatus) -> RpcStatus {
    match asked {
        UpdateCall::WithStart(start) => with_start_failed(start.started, status),
        _ => status,
    }
}
