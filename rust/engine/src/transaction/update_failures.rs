//! Why an update came to nothing: what its caller is told.

use crate::proto::enums::{ResourceExhaustedCause, ResourceExhaustedScope};
use crate::proto::errordetails::{ResourceExhaustedFailure, WorkflowNotReadyFailure};
use crate::proto::failure::failure::FailureInfo;
use crate::proto::failure::{ApplicationFailureInfo, Failure as Reason};
use crate::transaction::updates::IN_FLIGHT;
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

/// What became of an update that was accepted when its run closed.
pub(crate) fn cut_off() -> Reason {
    server_failure(
        "Workflow Update failed because the Workflow completed before the Update completed.",
        "AcceptedUpdateCompletedWorkflow",
    )
}

pub(crate) fn unprocessed() -> Reason {
    server_failure(
        "Workflow Update is rejected because it wasn't processed by worker. Probably, Workflow Update is \
         not supported by the worker.",
        "UnprocessedUpdate",
    )
}

fn server_failure(message: &str, r#type: &str) -> Reason {
    Reason {
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
