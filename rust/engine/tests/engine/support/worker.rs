//! A worker that does nothing by itself: a test polls and answers with it.

use hourglass_engine::RpcStatus;
use temporalio_protos::temporal::api::command::v1::Command;
use temporalio_protos::temporal::api::enums::v1::WorkflowTaskFailedCause;
use temporalio_protos::temporal::api::taskqueue::v1::StickyExecutionAttributes;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use super::server::Server;
use super::values::{CHILDREN, NAMESPACE, QUEUE, failure, payloads, queue, secs, sticky_queue};

pub(crate) const IDENTITY: &str = "worker";

impl Server {
    /// A poll of the tests' task queue for a workflow task.
    pub(crate) fn workflow_poll() -> PollWorkflowTaskQueueRequest {
        PollWorkflowTaskQueueRequest {
            namespace: NAMESPACE.to_owned(),
            task_queue: queue(QUEUE),
            identity: IDENTITY.to_owned(),
            worker_instance_key: "instance".to_owned(),
            ..Default::default()
        }
    }

    /// A poll of a sticky queue.
    pub(crate) fn sticky_poll(name: &str) -> PollWorkflowTaskQueueRequest {
        PollWorkflowTaskQueueRequest { task_queue: sticky_queue(name), ..Self::workflow_poll() }
    }

    /// A poll of the tests' task queue for an activity task.
    pub(crate) fn activity_poll() -> PollActivityTaskQueueRequest {
        PollActivityTaskQueueRequest {
            namespace: NAMESPACE.to_owned(),
            task_queue: queue(QUEUE),
            identity: IDENTITY.to_owned(),
            worker_instance_key: "instance".to_owned(),
            ..Default::default()
        }
    }

    /// The next workflow task.
    pub(crate) async fn poll(&self) -> PollWorkflowTaskQueueResponse {
        let task = self.call(Self::workflow_poll()).await.unwrap();
        assert!(!task.task_token.is_empty(), "the poll came back empty");
        task
    }

    /// Take the next workflow task of a child and complete it.
    pub(crate) async fn step_child(
        &self,
        commands: impl Into<Vec<Command>>,
    ) -> PollWorkflowTaskQueueResponse {
        let task = self.poll_child().await;
        self.complete(&task, commands).await.unwrap();
        task
    }

    /// The next workflow task of a child.
    pub(crate) async fn poll_child(&self) -> PollWorkflowTaskQueueResponse {
        let task = self.call(Self::child_poll()).await.unwrap();
        assert!(!task.task_token.is_empty(), "the poll came back empty");
        task
    }

    /// A poll of the children's task queue for a workflow task.
    pub(crate) fn child_poll() -> PollWorkflowTaskQueueRequest {
        PollWorkflowTaskQueueRequest { task_queue: queue(CHILDREN), ..Self::workflow_poll() }
    }

    /// Whether no child has a workflow task.
    pub(crate) async fn no_child(&self) -> bool {
        let mut poll = std::pin::pin!(self.call(Self::child_poll()));
        self.parks(&mut poll.as_mut()).await
    }

    /// The next workflow task of a sticky queue.
    pub(crate) async fn poll_sticky(&self, name: &str) -> PollWorkflowTaskQueueResponse {
        let task = self.call(Self::sticky_poll(name)).await.unwrap();
        assert!(!task.task_token.is_empty(), "the poll came back empty");
        task
    }

    /// The next activity task.
    pub(crate) async fn poll_activity(&self) -> PollActivityTaskQueueResponse {
        let task = self.call(Self::activity_poll()).await.unwrap();
        assert!(!task.task_token.is_empty(), "the poll came back empty");
        task
    }

    /// Whether nothing is there for a poll of the tests' task queue.
    pub(crate) async fn idle(&self) -> bool {
        let mut poll = std::pin::pin!(self.call(Self::workflow_poll()));
        self.parks(&mut poll.as_mut()).await
    }

    /// Whether no activity task is there.
    pub(crate) async fn no_activity(&self) -> bool {
        let mut poll = std::pin::pin!(self.call(Self::activity_poll()));
        self.parks(&mut poll.as_mut()).await
    }

    /// The completion of `task` with `commands`.
    pub(crate) fn completion(
        task: &PollWorkflowTaskQueueResponse,
        commands: impl Into<Vec<Command>>,
    ) -> RespondWorkflowTaskCompletedRequest {
        RespondWorkflowTaskCompletedRequest {
            task_token: task.task_token.clone(),
            commands: commands.into(),
            identity: IDENTITY.to_owned(),
            namespace: NAMESPACE.to_owned(),
            ..Default::default()
        }
    }

    /// A completion that makes `name` the run's sticky queue, for ten seconds.
    pub(crate) fn sticky_completion(
        name: &str,
        task: &PollWorkflowTaskQueueResponse,
        commands: impl Into<Vec<Command>>,
    ) -> RespondWorkflowTaskCompletedRequest {
        let sticky_attributes = Some(StickyExecutionAttributes {
            worker_task_queue: sticky_queue(name),
            schedule_to_start_timeout: secs(10),
        });
        RespondWorkflowTaskCompletedRequest {
            sticky_attributes,
            ..Self::completion(task, commands)
        }
    }

    /// Complete a workflow task.
    pub(crate) async fn complete(
        &self,
        task: &PollWorkflowTaskQueueResponse,
        commands: impl Into<Vec<Command>>,
    ) -> Result<RespondWorkflowTaskCompletedResponse, RpcStatus> {
        self.call(Self::completion(task, commands)).await
    }

    /// Take the next workflow task and complete it.
    pub(crate) async fn step(
        &self,
        commands: impl Into<Vec<Command>>,
    ) -> PollWorkflowTaskQueueResponse {
        let task = self.poll().await;
        self.complete(&task, commands).await.unwrap();
        task
    }

    /// Say that a workflow task failed.
    pub(crate) async fn fail_task(
        &self,
        task: &PollWorkflowTaskQueueResponse,
    ) -> Result<(), RpcStatus> {
        self.call(RespondWorkflowTaskFailedRequest {
            task_token: task.task_token.clone(),
            cause: WorkflowTaskFailedCause::NonDeterministicError.into(),
            failure: Some(failure("it went another way", "Nondeterminism")),
            identity: IDENTITY.to_owned(),
            namespace: NAMESPACE.to_owned(),
            ..Default::default()
        })
        .await
        .map(drop)
    }

    /// Complete an activity.
    pub(crate) async fn complete_activity(
        &self,
        task: &PollActivityTaskQueueResponse,
        result: &str,
    ) -> Result<(), RpcStatus> {
        self.call(RespondActivityTaskCompletedRequest {
            task_token: task.task_token.clone(),
            result: payloads(result),
            identity: IDENTITY.to_owned(),
            namespace: NAMESPACE.to_owned(),
            ..Default::default()
        })
        .await
        .map(drop)
    }

    /// Say that an attempt of an activity failed, with an error of type `type`.
    pub(crate) async fn fail_activity(
        &self,
        task: &PollActivityTaskQueueResponse,
        r#type: &str,
    ) -> Result<(), RpcStatus> {
        self.call(Self::activity_failure(task, r#type)).await.map(drop)
    }

    /// The failure that `fail_activity` sends.
    pub(crate) fn activity_failure(
        task: &PollActivityTaskQueueResponse,
        r#type: &str,
    ) -> RespondActivityTaskFailedRequest {
        RespondActivityTaskFailedRequest {
            task_token: task.task_token.clone(),
            failure: Some(failure("no luck", r#type)),
            identity: IDENTITY.to_owned(),
            namespace: NAMESPACE.to_owned(),
            ..Default::default()
        }
    }

    /// Say that an activity was cancelled.
    pub(crate) async fn cancel_activity(
        &self,
        task: &PollActivityTaskQueueResponse,
    ) -> Result<(), RpcStatus> {
        self.call(RespondActivityTaskCanceledRequest {
            task_token: task.task_token.clone(),
            details: payloads("cleaned up"),
            identity: IDENTITY.to_owned(),
            namespace: NAMESPACE.to_owned(),
            ..Default::default()
        })
        .await
        .map(drop)
    }

    /// Report progress of an activity.
    pub(crate) async fn heartbeat(
        &self,
        task: &PollActivityTaskQueueResponse,
        details: &str,
    ) -> Result<RecordActivityTaskHeartbeatResponse, RpcStatus> {
        self.call(RecordActivityTaskHeartbeatRequest {
            task_token: task.task_token.clone(),
            details: payloads(details),
            identity: IDENTITY.to_owned(),
            namespace: NAMESPACE.to_owned(),
            ..Default::default()
        })
        .await
    }
}
