//! Activities without a workflow, as a client sees them.

use hourglass_engine::RpcStatus;
use temporalio_protos::temporal::api::activity::v1::{
    ActivityExecutionInfo, ActivityExecutionOutcome, activity_execution_outcome::Value,
};
use temporalio_protos::temporal::api::enums::v1::ActivityExecutionStatus;
use temporalio_protos::temporal::api::failure::v1::Failure;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use super::server::Server;
use super::values::{NAMESPACE, QUEUE, activity_type, payloads, queue, retry_policy, secs};

/// A request to start `id` of type `Hash`, with ten seconds for all of its attempts.
pub(crate) fn start_request(id: &str) -> StartActivityExecutionRequest {
    StartActivityExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        activity_id: id.to_owned(),
        activity_type: activity_type("Hash"),
        task_queue: queue(QUEUE),
        schedule_to_close_timeout: secs(100),
        retry_policy: retry_policy(0),
        input: payloads("file"),
        identity: "starter".to_owned(),
        ..Default::default()
    }
}

pub(crate) fn poll_request(id: &str) -> PollActivityExecutionRequest {
    PollActivityExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        activity_id: id.to_owned(),
        ..Default::default()
    }
}

pub(crate) fn describe_request(id: &str) -> DescribeActivityExecutionRequest {
    DescribeActivityExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        activity_id: id.to_owned(),
        include_input: true,
        include_outcome: true,
        include_heartbeat_details: true,
        include_last_failure: true,
        ..Default::default()
    }
}

pub(crate) fn cancel_request(id: &str) -> RequestCancelActivityExecutionRequest {
    RequestCancelActivityExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        activity_id: id.to_owned(),
        identity: "canceler".to_owned(),
        reason: "no need".to_owned(),
        ..Default::default()
    }
}

pub(crate) fn terminate_request(id: &str) -> TerminateActivityExecutionRequest {
    TerminateActivityExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        activity_id: id.to_owned(),
        identity: "terminator".to_owned(),
        reason: "enough".to_owned(),
        ..Default::default()
    }
}

pub(crate) fn delete_request(id: &str) -> DeleteActivityExecutionRequest {
    DeleteActivityExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        activity_id: id.to_owned(),
        ..Default::default()
    }
}

impl Server {
    /// Start an activity; its run id.
    pub(crate) async fn start_activity(&self, id: &str) -> String {
        self.call(start_request(id)).await.unwrap().run_id
    }

    /// What an activity is, with everything that can be told.
    pub(crate) async fn activity(
        &self,
        id: &str,
    ) -> Result<DescribeActivityExecutionResponse, RpcStatus> {
        self.call(describe_request(id)).await
    }

    pub(crate) async fn activity_info(&self, id: &str) -> ActivityExecutionInfo {
        self.activity(id).await.unwrap().info.unwrap()
    }

    pub(crate) async fn activity_status(&self, id: &str) -> ActivityExecutionStatus {
        self.activity_info(id).await.status()
    }

    /// How an activity ended.
    pub(crate) async fn outcome(&self, id: &str) -> ActivityExecutionOutcome {
        self.call(poll_request(id)).await.unwrap().outcome.expect("it has ended")
    }

    /// With which failure an activity ended.
    pub(crate) async fn activity_error(&self, id: &str) -> Failure {
        match self.outcome(id).await.value {
            Some(Value::Failure(failure)) => failure,
            other => panic!("{other:?}"),
        }
    }
}
