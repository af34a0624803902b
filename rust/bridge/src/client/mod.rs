//! `Client`: calls to the service, by name or with a face of their own.

mod await_workflow;
mod channel;
mod connect;
pub(crate) mod embedded_service;
mod fetch_history;
mod request;
pub(crate) mod transport;

use std::{collections::HashMap, sync::Arc};

use pyo3::{IntoPyObjectExt, prelude::*, types::PyDict};
use temporalio_client::Connection;

use self::{
    await_workflow::Service,
    connect::Target,
    embedded_service::EmbeddedService,
    request::{CallOptions, Defaults, positive_seconds},
    transport::{Transport, WORKFLOW_SERVICE},
};
use crate::{
    engine::{Engine, EngineCore},
    error::{Failure, Outcome},
    handle::Owned,
    history::History,
    message,
    operation::{Operation, Value, nothing},
    runtime::{Runtime, RuntimeCore},
    seconds,
};

struct Inner {
    connection: Connection,
    transport: Transport,
    /// Core's way to an embedded engine.
    embedded: Option<Arc<EmbeddedService>>,
}

/// A connection bound to a namespace.
#[pyclass(frozen, skip_from_py_object, module = "hourglass._bridge")]
#[derive(Clone)]
pub(crate) struct Client {
    runtime: Arc<RuntimeCore>,
    inner: Arc<Owned<Inner>>,
    namespace: String,
    identity: String,
}

impl Client {
    fn checked(&self) -> Outcome<&Inner> {
        self.runtime.stamp.check("Client")?;
        self.inner.get()
    }

    /// For workers: the connection, on the same runtime.
    pub(crate) fn connection(&self, runtime: &RuntimeCore) -> Outcome<Connection> {
        let inner = self.checked()?;
        if runtime.stamp.epoch() != self.runtime.stamp.epoch() {
            return Err(Failure::bad_argument("client: made on another runtime"));
        }
        Ok(inner.connection.clone())
    }

    /// For workers: core's way to the engine behind it, unless it is a cluster.
    pub(crate) fn embedded(&self) -> Outcome<Option<Arc<EmbeddedService>>> {
        Ok(self.checked()?.embedded.clone())
    }

    fn service(&self) -> Outcome<Service> {
        Ok(Service {
            transport: self.checked()?.transport.clone(),
            namespace: self.namespace.clone(),
        })
    }

    fn start_call<F>(
        &self,
        rpc: &str,
        request: &Bound<'_, PyAny>,
        service: &str,
        options: &CallOptions,
        convert: F,
    ) -> PyResult<Operation>
    where
        F: FnOnce(prost_reflect::MessageDescriptor, bytes::Bytes) -> Value + Send + 'static,
    {
        let transport = self.checked()?.transport.clone();
        let defaults = Defaults { namespace: &self.namespace, identity: &self.identity };
        let (rpc, output) = request::build(service, rpc, request, &defaults, options)?;
        Ok(self.runtime.spawn(async move {
            let body = transport.call(&rpc).await?;
            Ok(convert(output, body))
        }))
    }

    /// A call that answers its response as wire values.
    fn wire_call(&self, rpc: &str, request: &Bound<'_, PyAny>) -> PyResult<Operation> {
        self.start_call(rpc, request, WORKFLOW_SERVICE, &retried(), as_wire)
    }

    /// A call whose response says nothing.
    fn void_call(&self, rpc: &str, request: &Bound<'_, PyAny>) -> PyResult<Operation> {
        self.start_call(rpc, request, WORKFLOW_SERVICE, &retried(), |_, _| nothing())
    }
}

fn retried() -> CallOptions {
    CallOptions { retry: true, ..CallOptions::default() }
}

fn as_wire(output: prost_reflect::MessageDescriptor, body: bytes::Bytes) -> Value {
    Box::new(move |py| message::bytes_to_wire(py, &output, &body))
}

async fn connected(target: Target, engine: Option<Arc<EngineCore>>) -> Outcome<Inner> {
    if let Some(engine) = engine {
        let embedded = target.embedded.clone();
        let connection = connect::connect(target).await?;
        return Ok(Inner { connection, transport: Transport::Embedded(engine), embedded });
    }
    let channel = target.channel();
    // Where both fail, this error says more.
    let connection = connect::connect(target).await?;
    Ok(Inner { connection, transport: Transport::Cluster(Box::new(channel?)), embedded: None })
}

#[pymethods]
impl Client {
    #[staticmethod]
    #[pyo3(signature = (
        runtime, *, engine = None, target_url = None, namespace = "default".to_owned(),
        identity = String::new(), api_key = None, tls = None, rpc_metadata = HashMap::new(),
        connect_timeout = 10.0,
    ))]
    #[allow(clippy::too_many_arguments)] // the contract's
    fn connect(
        runtime: &Runtime,
        engine: Option<&Engine>,
        target_url: Option<String>,
        namespace: String,
        identity: String,
        api_key: Option<String>,
        tls: Option<&Bound<'_, PyAny>>,
        rpc_metadata: HashMap<String, String>,
        connect_timeout: f64,
    ) -> PyResult<Operation> {
        let runtime = runtime.checked()?;
        if namespace.is_empty() {
            return Err(Failure::bad_argument("namespace: must not be empty").into());
        }
        // Core looks at them when it is connected; a mistake is told before.
        request::metadata_from("rpc_metadata", &rpc_metadata)?;
        let engine = engine.map(Engine::checked).transpose()?;
        let target = Target {
            embedded: engine.clone().map(|engine| Arc::new(EmbeddedService::new(engine))),
            cluster: target_url,
            identity: identity.clone(),
            api_key,
            tls: connect::tls_from(tls)?,
            rpc_metadata,
            connect_timeout: positive_seconds(connect_timeout)?,
        };
        let owner = Arc::clone(&runtime);
        Ok(runtime.spawn(async move {
            let client = Self {
                inner: Arc::new(Owned::new(connected(target, engine).await?)),
                runtime: owner,
                namespace,
                identity,
            };
            let value: Value = Box::new(move |py| client.clone().into_py_any(py));
            Ok(value)
        }))
    }

    #[getter]
    fn pid(&self) -> u32 {
        self.runtime.stamp.pid()
    }

    #[getter]
    fn epoch(&self) -> u64 {
        self.runtime.stamp.epoch()
    }

    #[getter]
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    #[getter]
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    #[pyo3(signature = (
        rpc, request, *, service = WORKFLOW_SERVICE, timeout = None, metadata = HashMap::new(),
        retry = true,
    ))]
    fn call(
        &self,
        rpc: &str,
        request: &Bound<'_, PyAny>,
        service: &str,
        timeout: Option<f64>,
        metadata: HashMap<String, String>,
        retry: bool,
    ) -> PyResult<Operation> {
        let options = CallOptions { timeout, metadata, retry };
        self.start_call(rpc, request, service, &options, as_wire)
    }

    fn start_workflow(&self, request: &Bound<'_, PyAny>) -> PyResult<Operation> {
        use temporalio_protos::temporal::api::workflowservice::v1::StartWorkflowExecutionResponse;
        let run_id = |_, body: bytes::Bytes| -> Value {
            Box::new(move |py| {
                let answer: StartWorkflowExecutionResponse = message::decode(&body)?;
                answer.run_id.into_py_any(py)
            })
        };
        let rpc = "StartWorkflowExecution";
        self.start_call(rpc, request, WORKFLOW_SERVICE, &retried(), run_id)
    }

    #[pyo3(signature = (workflow_id, run_id = String::new(), *, timeout = None, follow_runs = true))]
    fn await_workflow(
        &self,
        workflow_id: String,
        run_id: String,
        timeout: Option<f64>,
        follow_runs: bool,
    ) -> PyResult<Operation> {
        let limit = timeout.map(positive_seconds).transpose()?;
        let service = self.service()?;
        let name = workflow_id.clone();
        Ok(self.runtime.spawn(async move {
            let wait = await_workflow::close_event(&service, workflow_id, run_id, follow_runs);
            let (event, run_id) = match limit {
                None => wait.await?,
                Some(limit) => tokio::time::timeout(limit, wait).await.map_err(|_| {
                    let seconds = limit.as_secs_f64();
                    Failure::timeout(format!("{name} did not end in {seconds} seconds"))
                })??,
            };
            let value: Value = Box::new(move |py| {
                let dict = PyDict::new(py);
                dict.set_item("event", message::typed_to_wire(py, &event)?)?;
                dict.set_item("run_id", &run_id)?;
                Ok(dict.into_any().unbind())
            });
            Ok(value)
        }))
    }

    fn signal_workflow(&self, request: &Bound<'_, PyAny>) -> PyResult<Operation> {
        self.void_call("SignalWorkflowExecution", request)
    }

    fn cancel_workflow(&self, request: &Bound<'_, PyAny>) -> PyResult<Operation> {
        self.void_call("RequestCancelWorkflowExecution", request)
    }

    #[pyo3(signature = (workflow_id, run_id = ""))]
    fn describe_workflow(
        &self,
        py: Python<'_>,
        workflow_id: &str,
        run_id: &str,
    ) -> PyResult<Operation> {
        let execution = PyDict::new(py);
        execution.set_item("workflow_id", workflow_id)?;
        execution.set_item("run_id", run_id)?;
        let request = PyDict::new(py);
        request.set_item("execution", execution)?;
        self.wire_call("DescribeWorkflowExecution", &request)
    }

    fn describe_namespace(&self, py: Python<'_>, namespace: &str) -> PyResult<Operation> {
        let request = PyDict::new(py);
        request.set_item("namespace", namespace)?;
        self.wire_call("DescribeNamespace", &request)
    }

    /// Closed workflows are kept for three days unless told otherwise, as Temporal's tools do.
    #[pyo3(signature = (namespace, retention = None))]
    fn register_namespace(
        &self,
        py: Python<'_>,
        namespace: &str,
        retention: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Operation> {
        let request = PyDict::new(py);
        request.set_item("namespace", namespace)?;
        let key = "workflow_execution_retention_period";
        match retention {
            Some(retention) => {
                seconds::required_duration("retention", retention)?;
                request.set_item(key, retention)?;
            }
            None => request.set_item(key, 3 * 24 * 3_600)?,
        }
        self.void_call("RegisterNamespace", &request)
    }

    #[pyo3(signature = (workflow_id, run_id = String::new()))]
    fn fetch_history(&self, workflow_id: String, run_id: String) -> PyResult<Operation> {
        let service = self.service()?;
        Ok(self.runtime.spawn(async move {
            let (history, run) = fetch_history::all_pages(&service, workflow_id, run_id).await?;
            let history = History::from_run(run.workflow_id, run.run_id, history);
            let value: Value = Box::new(move |py| history.clone().into_py_any(py));
            Ok(value)
        }))
    }

    fn __repr__(&self) -> String {
        format!("Client(namespace={:?}, identity={:?})", self.namespace, self.identity)
    }
}
