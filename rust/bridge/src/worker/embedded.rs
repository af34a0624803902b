//! A worker whose tasks come from an engine in the process.

use std::{future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use futures_util::future::select_all;
use hourglass_engine::Engine;
use prost::Message;
use temporalio_client::tonic::Status;
use temporalio_protos::temporal::api::{
    enums::v1::TaskQueueKind,
    taskqueue::v1::TaskQueue,
    workflowservice::v1::{PollActivityTaskQueueRequest, PollWorkflowTaskQueueRequest},
};
use temporalio_sdk_core::Worker as Native;

use crate::{
    client::{embedded_service::EmbeddedService, transport::to_status},
    delivery::Poll,
    error::Failure,
};

/// The names by which a worker and its engine know each other.
pub(crate) struct Embedded {
    service: Arc<EmbeddedService>,
    namespace: String,
    /// Names the worker in its polls.
    instance: String,
    /// Polls of the worker as core makes them: methods and requests.
    polls: Vec<(&'static str, Bytes)>,
}

impl Embedded {
    pub(crate) fn new(service: Arc<EmbeddedService>, native: &Native, polls: &[Poll]) -> Self {
        let config = native.get_config();
        let instance = native.worker_instance_key().to_string();
        let identity = config.client_identity_override.clone().unwrap_or_default();
        let task_queue = TaskQueue {
            name: config.task_queue.clone(),
            kind: TaskQueueKind::Normal.into(),
            ..TaskQueue::default()
        };
        let request = |poll: &Poll| match poll {
            Poll::Workflow => {
                let request = PollWorkflowTaskQueueRequest {
                    namespace: config.namespace.clone(),
                    task_queue: Some(task_queue.clone()),
                    identity: identity.clone(),
                    worker_instance_key: instance.clone(),
                    ..PollWorkflowTaskQueueRequest::default()
                };
                ("PollWorkflowTaskQueue", request.encode_to_vec().into())
            }
            Poll::Activity => {
                let request = PollActivityTaskQueueRequest {
                    namespace: config.namespace.clone(),
                    task_queue: Some(task_queue.clone()),
                    identity: identity.clone(),
                    worker_instance_key: instance.clone(),
                    ..PollActivityTaskQueueRequest::default()
                };
                ("PollActivityTaskQueue", request.encode_to_vec().into())
            }
        };
        let polls = polls.iter().map(request).collect();
        Self { service, namespace: config.namespace.clone(), instance, polls }
    }

    /// Check that the namespace exists.
    pub(crate) async fn validate(&self) -> Result<(), Status> {
        self.service.describe_namespace(self.namespace.clone()).await
    }

    /// Wait until there is a task; core's first poll gets it.
    pub(crate) async fn first_task(&self) {
        let first = |(method, poll): &(&'static str, Bytes)| {
            let task = self.service.first_task(method, poll.clone());
            Box::pin(task) as Pin<Box<dyn Future<Output = ()> + Send + '_>>
        };
        // The engine takes back what a poll brought that is dropped here.
        select_all(self.polls.iter().map(first)).await;
    }

    /// The engine, unless it belongs to another process.
    pub(super) fn engine(&self) -> Option<&Engine> {
        self.service.engine()
    }

    /// Wait for the end of the engine, and tell why; `None` if it belongs to another process.
    pub(super) fn end(&self) -> Option<impl Future<Output = Failure> + Send + use<>> {
        let end = self.engine()?.end();
        Some(async move { Failure::rpc(&to_status(&end.await)) })
    }

    /// The instance by which the engine knows the worker.
    pub(super) fn instance(&self) -> &str {
        &self.instance
    }

    /// The worker has ended for good; activities with these tokens go on.
    pub(crate) fn gone(&self, going_on: Vec<Vec<u8>>) {
        self.service.worker_gone(&self.instance, going_on);
    }
}
