//! `Worker`: one worker of core's, between two inboxes and the completions that come back.

pub(crate) mod core;
mod embedded;
mod ledger;
mod local;
mod options;
mod pump;

use std::{sync::Arc, time::Duration};

use pyo3::{prelude::*, types::PyDict};
use temporalio_protos::coresdk::ActivityHeartbeat;
use temporalio_sdk_core::init_worker;
use tokio::sync::oneshot;

use self::{
    core::{Inboxes, WorkerCore, abandon, reply_channel},
    embedded::Embedded,
    options::WorkerOptions,
};
use crate::{
    activity::ActivityCompletion,
    client::Client,
    command::WorkflowCompletion,
    delivery::{Delivery, Poll},
    error::{Failure, Kind, Outcome},
    handle::Owned,
    inbox::{Inbox, InboxCore},
    operation::{Operation, nothing},
    payload,
    runtime::{Runtime, RuntimeCore},
};

/// A worker of core's.
#[pyclass(frozen, module = "hourglass._bridge")]
pub(crate) struct Worker {
    runtime: Arc<RuntimeCore>,
    core: Owned<Arc<WorkerCore>>,
    tag: i64,
    task_queue: String,
    workflow_inbox: Py<Inbox>,
    activity_inbox: Py<Inbox>,
}

impl Worker {
    fn checked(&self) -> Outcome<&Arc<WorkerCore>> {
        self.runtime.stamp.check("Worker")?;
        self.core.get()
    }

    /// An operation that ends when core has answered.
    fn confirmed(&self, answer: oneshot::Receiver<Outcome<()>>) -> Operation {
        self.runtime.spawn(async move {
            answer
                .await
                .map_err(|_| Failure::internal("a completion was dropped unanswered"))??;
            Ok(nothing())
        })
    }
}

impl Drop for Worker {
    /// Never blocks; in a forked child it does nothing.
    fn drop(&mut self) {
        if self.runtime.stamp.check("Worker").is_ok()
            && let Ok(core) = self.core.get()
        {
            abandon(core);
        }
    }
}

fn inbox_or_own(py: Python<'_>, given: Option<Py<Inbox>>) -> PyResult<Py<Inbox>> {
    given.map_or_else(|| Py::new(py, Inbox::fresh()), Ok)
}

/// The next delivery as an object, for those who poll a worker directly.
pub(crate) fn poll_inbox(
    py: Python<'_>,
    inbox: &InboxCore,
    timeout: Option<f64>,
) -> PyResult<Option<Py<PyAny>>> {
    match inbox.take_one(py, timeout)? {
        None => Ok(None),
        Some(Delivery::Rejected { failure, .. }) => Err(failure.into()),
        Some(Delivery::Ended { tag, poll, failure }) => {
            let error = failure
                .clone()
                .unwrap_or_else(|| Failure::new(Kind::Shutdown, "no more tasks will come"));
            // Everyone who polls after the end is told the same.
            inbox.push(Delivery::Ended { tag, poll, failure });
            Err(error.into())
        }
        Some(delivery) => delivery.into_object(py).map(Some),
    }
}

#[pymethods]
impl Worker {
    #[new]
    #[pyo3(signature = (
        runtime, client, *, task_queue, workflow_inbox = None, activity_inbox = None, tag = 0,
        identity = None, **options,
    ))]
    #[allow(clippy::too_many_arguments)] // the contract's
    fn new(
        py: Python<'_>,
        runtime: &Runtime,
        client: &Client,
        task_queue: String,
        workflow_inbox: Option<Py<Inbox>>,
        activity_inbox: Option<Py<Inbox>>,
        tag: i64,
        identity: Option<&str>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let runtime = runtime.checked()?;
        let connection = client.connection(&runtime)?;
        let embedded = client.embedded()?;
        let identity = identity_of(identity, client.identity());
        let namespace = client.namespace().to_owned();
        let mut chosen = WorkerOptions::new(namespace, task_queue.clone(), identity);
        if let Some(options) = options {
            chosen.set_all(options)?;
        }
        let polls: &[Poll] = match (chosen.workflows, chosen.activities) {
            (true, true) => &[Poll::Workflow, Poll::Activity],
            (true, false) => &[Poll::Workflow],
            (false, _) => &[Poll::Activity],
        };
        // Local activities come from core: no task of the service brings them.
        let offered = if chosen.no_remote_activities { &polls[..1] } else { polls };
        let config = chosen.config()?;
        let workflow_inbox = inbox_or_own(py, workflow_inbox)?;
        let activity_inbox = inbox_or_own(py, activity_inbox)?;
        let inboxes = Inboxes {
            tag,
            workflow: workflow_inbox.get().core(),
            activity: activity_inbox.get().core(),
        };
        let core = runtime.within(py, || {
            let native = init_worker(runtime.core()?, config, connection)
                .map_err(|error| Failure::bad_argument(format!("{error:#}")))?;
            let (stamp, handle) = (runtime.stamp.clone(), runtime.handle.clone());
            let embedded = embedded.map(|service| Embedded::new(service, &native, offered));
            Ok(WorkerCore::start(stamp, handle, native, inboxes, embedded, polls))
        })?;
        runtime.register(&core);
        let core = Owned::new(core);
        Ok(Self { runtime, core, tag, task_queue, workflow_inbox, activity_inbox })
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
    fn tag(&self) -> i64 {
        self.tag
    }

    #[getter]
    fn task_queue(&self) -> &str {
        &self.task_queue
    }

    #[getter]
    fn workflow_inbox(&self, py: Python<'_>) -> Py<Inbox> {
        self.workflow_inbox.clone_ref(py)
    }

    #[getter]
    fn activity_inbox(&self, py: Python<'_>) -> Py<Inbox> {
        self.activity_inbox.clone_ref(py)
    }

    fn validate(&self) -> PyResult<Operation> {
        let core = Arc::clone(self.checked()?);
        Ok(self.runtime.spawn(async move {
            core.validate().await?;
            Ok(nothing())
        }))
    }

    #[pyo3(signature = (timeout = None))]
    fn poll_workflow_activation(
        &self,
        py: Python<'_>,
        timeout: Option<f64>,
    ) -> PyResult<Option<Py<PyAny>>> {
        poll_inbox(py, &self.checked()?.inboxes.workflow, timeout)
    }

    #[pyo3(signature = (timeout = None))]
    fn poll_activity_task(
        &self,
        py: Python<'_>,
        timeout: Option<f64>,
    ) -> PyResult<Option<Py<PyAny>>> {
        poll_inbox(py, &self.checked()?.inboxes.activity, timeout)
    }

    fn complete_workflow_activation(
        &self,
        py: Python<'_>,
        completion: &WorkflowCompletion,
    ) -> PyResult<()> {
        let (core, message) = (self.checked()?, completion.to_core(py)?);
        if completion.is_first() {
            core.complete_workflow(message, None)?;
        }
        Ok(())
    }

    fn complete_activity_task(&self, completion: &ActivityCompletion) -> PyResult<()> {
        Ok(self.checked()?.complete_activity(completion.0.clone(), None)?)
    }

    fn complete_workflow_activation_confirmed(
        &self,
        py: Python<'_>,
        completion: &WorkflowCompletion,
    ) -> PyResult<Operation> {
        let (reply, answer) = reply_channel();
        self.checked()?.complete_workflow(completion.to_core(py)?, reply)?;
        Ok(self.confirmed(answer))
    }

    fn complete_activity_task_confirmed(
        &self,
        completion: &ActivityCompletion,
    ) -> PyResult<Operation> {
        let (reply, answer) = reply_channel();
        self.checked()?.complete_activity(completion.0.clone(), reply)?;
        Ok(self.confirmed(answer))
    }

    fn record_activity_heartbeat(
        &self,
        py: Python<'_>,
        task_token: &[u8],
        details: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let native = self.checked()?.native()?;
        let heartbeat = ActivityHeartbeat {
            task_token: task_token.to_vec(),
            details: payload::many("details", Some(details))?,
        };
        self.runtime.within(py, || {
            native.record_activity_heartbeat(heartbeat);
            Ok(())
        })?;
        Ok(())
    }

    fn request_workflow_eviction(&self, py: Python<'_>, run_id: &str) -> PyResult<()> {
        let native = self.checked()?.native()?;
        self.runtime.within(py, || {
            native.request_workflow_eviction(run_id);
            Ok(())
        })?;
        Ok(())
    }

    fn replace_client(&self, py: Python<'_>, client: &Client) -> PyResult<()> {
        let native = self.checked()?.native()?;
        let connection = client.connection(&self.runtime)?;
        self.runtime.within(py, || {
            native
                .replace_client(connection)
                .map_err(|error| Failure::bad_argument(format!("client: {error:#}")))
        })?;
        Ok(())
    }

    fn initiate_shutdown(&self, py: Python<'_>) -> PyResult<()> {
        let core = self.checked()?;
        self.runtime.within(py, || {
            core.initiate_shutdown();
            Ok(())
        })?;
        Ok(())
    }

    fn drained(&self) -> PyResult<bool> {
        Ok(self.checked()?.is_drained())
    }

    fn finalize_shutdown(&self) -> PyResult<Operation> {
        let core = Arc::clone(self.checked()?);
        Ok(self.runtime.spawn(async move {
            core.finalize().await?;
            Ok(nothing())
        }))
    }

    fn slots<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let core = self.checked()?;
        let (workflow_tasks, activities) = core.in_use();
        let cached = match core.native() {
            Err(_) => 0,
            Ok(native) => py.detach(|| {
                // Core answers between two steps of its state machines; a second is for ever.
                let patience = Duration::from_secs(1);
                let ask = async { tokio::time::timeout(patience, native.cached_workflows()).await };
                self.runtime.handle.block_on(ask).unwrap_or(0)
            }),
        };
        let dict = PyDict::new(py);
        dict.set_item("workflow_tasks_in_use", workflow_tasks)?;
        dict.set_item("activities_in_use", activities)?;
        dict.set_item("cached_workflows", cached)?;
        Ok(dict)
    }

    fn __repr__(&self) -> String {
        let epoch = self.runtime.stamp.epoch();
        format!("Worker(task_queue={:?}, tag={}, epoch={epoch})", self.task_queue, self.tag)
    }
}

/// Core needs some identity: the worker's own, the client's, or the process.
fn identity_of(own: Option<&str>, clients: &str) -> String {
    [own.unwrap_or_default(), clients]
        .into_iter()
        .find(|identity| !identity.is_empty())
        .map_or_else(|| format!("{}@hourglass", std::process::id()), str::to_owned)
}
