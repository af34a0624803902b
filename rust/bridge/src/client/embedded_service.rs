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

use std::{collections::HashSet, future, sync::Arc, time::Duration};

use bytes::Bytes;
use hourglass_engine::Call;
use prost::{DecodeError, Message};
use temporalio_client::{
    callback_based::{CallbackBasedGrpcService, GrpcRequest, GrpcSuccessResponse},
    tonic::{Status, codegen::http::HeaderMap},
};
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeNamespaceResponse, PollActivityTaskQueueRequest, PollWorkflowTaskQueueRequest,
    ShutdownWorkerRequest,
};

use super::transport::to_status;
use crate::{engine::EngineCore, sync::Mutex};

/// Core's way to the engine.
pub(crate) fn service_of(engine: Arc<EngineCore>) -> CallbackBasedGrpcService {
    let service = Arc::new(EmbeddedService { engine, leaving: Mutex::new(HashSet::new()) });
    CallbackBasedGrpcService {
        callback: Arc::new(move |request: GrpcRequest| {
            let service = Arc::clone(&service);
            Box::pin(async move {
                let proto = service.answer(request).await?.into();
                Ok(GrpcSuccessResponse { headers: HeaderMap::new(), proto })
            })
        }),
    }
}

struct EmbeddedService {
    engine: Arc<EngineCore>,
    /// Instances of workers that said goodbye.
    leaving: Mutex<HashSet<String>>,
}

impl EmbeddedService {
    async fn answer(&self, request: GrpcRequest) -> Result<Bytes, Status> {
        let method = request.rpc.clone();
        if method == "ShutdownWorker" {
            let goodbye: ShutdownWorkerRequest = decode(&request.proto)?;
            self.leaving.lock().insert(goodbye.worker_instance_key);
        }
        let body = request.proto.clone();
        let answer = self.call(request).await?;
        let worker = match method.as_str() {
            "DescribeNamespace" => return without_poll_completion(&answer),
            "PollWorkflowTaskQueue" if answer.is_empty() => {
                decode::<PollWorkflowTaskQueueRequest>(&body)?.worker_instance_key
            }
            "PollActivityTaskQueue" if answer.is_empty() => {
                decode::<PollActivityTaskQueueRequest>(&body)?.worker_instance_key
            }
            _ => return Ok(answer),
        };
        if self.leaving.lock().contains(&worker) {
            future::pending::<()>().await;
        }
        Ok(answer)
    }

    async fn call(&self, request: GrpcRequest) -> Result<Bytes, Status> {
        let timeout = request.headers.get("grpc-timeout");
        let timeout = timeout.and_then(|value| value.to_str().ok()).and_then(grpc_timeout);
        let GrpcRequest { service, rpc: method, proto: body, .. } = request;
        let native = self.engine.native().map_err(|gone| Status::internal(gone.message))?;
        let answer = native.dispatch(Call { service, method, timeout, body }).await;
        answer.map_err(|status| to_status(&status))
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
