//! The embedded engine as the service that core's connection talks to.
//!
//! # How polls end when a worker stops
//!
//! A service can tell core that it ends a worker's polls itself when the worker says goodbye
//! (`worker_poll_complete_on_shutdown`). Core then takes the *first* empty answer for the end of all
//! polls of a kind: a task that another poll of the same worker brings at that moment is dropped, and
//! comes back only when its timeout is over. Without the capability core drops the polls. On a
//! network that loses tasks; here it loses nothing, because the engine takes back a task whose
//! answer nobody took. So the capability is hidden from core, and the empty answers to the polls of a
//! worker that said goodbye are kept from it: it drops those polls anyway.
//!
//! # How they begin
//!
//! Core keeps a thread for every worker that polls, and most workers of a program wait most of the
//! time. So the first polls of a worker are made here, and core begins to poll when one has brought a
//! task: that is what core's own first poll is answered with.

use std::{
    collections::{HashMap, HashSet},
    future,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use hourglass_engine::{Call, Engine};
use prost::{DecodeError, Message};
use temporalio_client::{
    callback_based::{CallbackBasedGrpcService, GrpcRequest, GrpcSuccessResponse},
    tonic::{Status, codegen::http::HeaderMap},
};
use temporalio_protos::temporal::api::{
    enums::v1::TaskQueueKind,
    workflowservice::v1::{
        DescribeNamespaceRequest, DescribeNamespaceResponse, PollActivityTaskQueueRequest,
        PollWorkflowTaskQueueRequest, ShutdownWorkerRequest,
    },
};

use super::transport::{WORKFLOW_SERVICE, to_status};
use crate::{delivery::Poll, engine::EngineCore, sync::Mutex};

/// Core's way to the engine.
pub(crate) struct EmbeddedService {
    engine: Arc<EngineCore>,
    /// Instances of workers that said goodbye.
    leaving: Mutex<HashSet<String>>,
    /// The first tasks of workers, until core polls for them.
    first_tasks: Mutex<HashMap<Polling, Bytes>>,
}

/// A poll under way, by kind and worker.
#[derive(PartialEq, Eq, Hash)]
struct Polling {
    poll: Poll,
    /// The worker's instance.
    worker: String,
    sticky: bool,
}

impl Polling {
    fn of(method: &str, body: &[u8]) -> Result<Option<Self>, Status> {
        Ok(match method {
            "PollWorkflowTaskQueue" => {
                let request: PollWorkflowTaskQueueRequest = decode(body)?;
                let queue = request.task_queue.unwrap_or_default();
                Some(Self {
                    poll: Poll::Workflow,
                    worker: request.worker_instance_key,
                    sticky: queue.kind() == TaskQueueKind::Sticky,
                })
            }
            "PollActivityTaskQueue" => {
                let request: PollActivityTaskQueueRequest = decode(body)?;
                let worker = request.worker_instance_key;
                Some(Self { poll: Poll::Activity, worker, sticky: false })
            }
            _ => None,
        })
    }
}

impl EmbeddedService {
    pub(crate) fn new(engine: Arc<EngineCore>) -> Self {
        Self { engine, leaving: Mutex::default(), first_tasks: Mutex::default() }
    }

    /// The callback that core's connection calls.
    pub(crate) fn callback(self: Arc<Self>) -> CallbackBasedGrpcService {
        CallbackBasedGrpcService {
            callback: Arc::new(move |request: GrpcRequest| {
                let service = Arc::clone(&self);
                Box::pin(async move {
                    let proto = service.answer(request).await?.into();
                    Ok(GrpcSuccessResponse { headers: HeaderMap::new(), proto })
                })
            }),
        }
    }

    /// Ask about a namespace, without core.
    pub(crate) async fn describe_namespace(&self, namespace: String) -> Result<(), Status> {
        let request = DescribeNamespaceRequest { namespace, ..DescribeNamespaceRequest::default() };
        self.make("DescribeNamespace", request.encode_to_vec().into()).await.map(drop)
    }

    /// The engine, unless it belongs to another process.
    pub(crate) fn engine(&self) -> Option<&Engine> {
        self.engine.native().ok()
    }

    /// Wait for the first task that a poll brings. An engine that can't be polled is no reason to
    /// wait: core will see for itself.
    pub(crate) async fn first_task(&self, method: &'static str, poll: Bytes) {
        while let Ok(task) = self.make(method, poll.clone()).await {
            if task.is_empty() {
                continue; // nothing for a while
            }
            if let Ok(Some(polling)) = Polling::of(method, &poll) {
                self.first_tasks.lock().insert(polling, task);
            }
            break;
        }
    }

    async fn make(&self, method: &'static str, body: Bytes) -> Result<Bytes, Status> {
        let service = WORKFLOW_SERVICE.to_owned();
        self.dispatch(Call { service, method: method.to_owned(), timeout: None, body }).await
    }

    /// A worker is gone. Core drops tasks that its polls bring while it ends, which must not wait for
    /// their timeout. Activities with the tokens `going_on` answer by themselves.
    pub(crate) fn worker_gone(&self, instance: &str, going_on: Vec<Vec<u8>>) {
        self.leaving.lock().remove(instance);
        self.first_tasks.lock().retain(|polling, _| polling.worker != instance);
        if let Ok(native) = self.engine.native() {
            native.worker_gone(instance, going_on);
        }
    }

    async fn answer(&self, request: GrpcRequest) -> Result<Bytes, Status> {
        let method = request.rpc.clone();
        if method == "ShutdownWorker" {
            let goodbye: ShutdownWorkerRequest = decode(&request.proto)?;
            self.leaving.lock().insert(goodbye.worker_instance_key);
        }
        let polling = Polling::of(&method, &request.proto)?;
        let first = polling.as_ref().and_then(|polling| self.first_tasks.lock().remove(polling));
        if let Some(task) = first {
            return Ok(task);
        }
        let answer = self.call(request).await?;
        if method == "DescribeNamespace" {
            return without_poll_completion(&answer);
        }
        let is_leaving = |polling: Polling| self.leaving.lock().contains(&polling.worker);
        if answer.is_empty() && polling.is_some_and(is_leaving) {
            future::pending::<()>().await;
        }
        Ok(answer)
    }

    async fn call(&self, request: GrpcRequest) -> Result<Bytes, Status> {
        let timeout = request.headers.get("grpc-timeout");
        let timeout = timeout.and_then(|value| value.to_str().ok()).and_then(grpc_timeout);
        let GrpcRequest { service, rpc: method, proto: body, .. } = request;
        self.dispatch(Call { service, method, timeout, body }).await
    }

    async fn dispatch(&self, call: Call) -> Result<Bytes, Status> {
        let native = self.engine.native().map_err(|gone| Status::internal(gone.message))?;
        native.dispatch(call).await.map_err(|status| to_status(&status))
    }
}

fn without_poll_completion(answer: &[u8]) -> Result<Bytes, Status> {
    let mut namespace: DescribeNamespaceResponse = decode(answer)?;
    let info = namespace.namespace_info.as_mut();
    if let Some(capabilities) = info.and_then(|info| info.capabilities.as_mut()) {
        capabilities.worker_poll_complete_on_shutdown = false;
    }
    Ok(namespace.encode_to_vec().into())
}

fn decode<M: Message + Default>(body: &[u8]) -> Result<M, Status> {
    M::decode(body).map_err(|error: DecodeError| Status::invalid_argument(error.to_string()))
}

/// `grpc-timeout`: up to eight digits and a unit.
fn grpc_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3_600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}
