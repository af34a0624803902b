//! `Replayer`: runs histories through a worker of core's that has no service.

use std::sync::Arc;

use pyo3::prelude::*;
use temporalio_common::worker::WorkerTaskTypes;
use temporalio_sdk_core::{
    WorkerConfig, WorkerVersioningStrategy, init_replay_worker,
    replay::{HistoryFeeder, HistoryForReplay, HistoryInfo, ReplayWorkerInput},
};

use crate::{
    command::WorkflowCompletion,
    delivery::Poll,
    error::{Failure, Kind, Outcome},
    handle::Owned,
    history::History,
    inbox::Inbox,
    operation::{Operation, nothing},
    runtime::{Runtime, RuntimeCore},
    sync::Mutex,
    worker::{
        core::{Inboxes, WorkerCore, abandon},
        poll_inbox,
    },
};

/// The number of histories that wait in the feeder before `push_history` does.
const BUFFER: usize = 16;

struct Inner {
    core: Arc<WorkerCore>,
    /// `None` once closed: core ends after the last history.
    feeder: Mutex<Option<Arc<HistoryFeeder>>>,
}

/// Runs histories through a worker without a service.
#[pyclass(frozen, module = "hourglass._bridge")]
pub(crate) struct Replayer {
    runtime: Arc<RuntimeCore>,
    inner: Owned<Inner>,
    inbox: Py<Inbox>,
}

fn feeder_closed() -> Failure {
    Failure::new(Kind::Shutdown, "the feeder is closed: no more histories are taken")
}

impl Replayer {
    fn checked(&self) -> Outcome<&Inner> {
        self.runtime.stamp.check("Replayer")?;
        self.inner.get()
    }
}

impl Drop for Replayer {
    fn drop(&mut self) {
        if self.runtime.stamp.check("Replayer").is_ok()
            && let Ok(inner) = self.inner.get()
        {
            inner.feeder.lock().take();
            abandon(&inner.core);
        }
    }
}

fn config(task_queue: String, namespace: String, build_id: String) -> Outcome<WorkerConfig> {
    WorkerConfig::builder()
        .namespace(namespace)
        .task_queue(task_queue)
        .task_types(WorkerTaskTypes::workflow_only())
        .max_outstanding_workflow_tasks(2_usize)
        .versioning_strategy(WorkerVersioningStrategy::None { build_id })
        .build()
        .map_err(Failure::bad_argument)
}

#[pymethods]
impl Replayer {
    #[new]
    #[pyo3(signature = (
        runtime, *, task_queue = "replay".to_owned(), namespace = "replay".to_owned(),
        inbox = None, tag = 0, build_id = String::new(),
    ))]
    fn new(
        py: Python<'_>,
        runtime: &Runtime,
        task_queue: String,
        namespace: String,
        inbox: Option<Py<Inbox>>,
        tag: i64,
        build_id: String,
    ) -> PyResult<Self> {
        let runtime = runtime.checked()?;
        let config = config(task_queue, namespace, build_id)?;
        let inbox = inbox.map_or_else(|| Py::new(py, Inbox::fresh()), Ok)?;
        // Core polls no activities here; the end of a poll that never was is not told.
        let inboxes =
            Inboxes { tag, workflow: inbox.get().core(), activity: Inbox::fresh().core() };
        let (feeder, stream) = HistoryFeeder::new(BUFFER);
        let core = runtime.within(py, || {
            let native = init_replay_worker(ReplayWorkerInput::new(config, stream))
                .map_err(|error| Failure::bad_argument(format!("{error:#}")))?;
            let (stamp, handle) = (runtime.stamp.clone(), runtime.handle.clone());
            let polls = [Poll::Workflow];
            Ok(WorkerCore::start(stamp, handle, native, inboxes, None, &polls))
        })?;
        Ok(Self {
            runtime,
            inner: Owned::new(Inner { core, feeder: Mutex::new(Some(Arc::new(feeder))) }),
            inbox,
        })
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
    fn inbox(&self, py: Python<'_>) -> Py<Inbox> {
        self.inbox.clone_ref(py)
    }

    fn push_history(&self, history: &History) -> PyResult<Operation> {
        let feeder = self.checked()?.feeder.lock().clone();
        let (id, proto) = (history.workflow_id().to_owned(), history.proto().clone());
        Ok(self.runtime.spawn(async move {
            // Held no longer than the push: the last holder that lets go closes the feeder.
            let feeder = feeder.ok_or_else(feeder_closed)?;
            HistoryInfo::new_from_history(&proto, None).map_err(|error| {
                let why = format!("the history of {id:?} can't be replayed: {error}");
                Failure::new(Kind::History, why)
            })?;
            let pushed = feeder.feed(HistoryForReplay::new(proto, id)).await;
            pushed.map_err(|_| feeder_closed())?;
            Ok(nothing())
        }))
    }

    fn close_feeder(&self) -> PyResult<()> {
        self.checked()?.feeder.lock().take();
        Ok(())
    }

    #[pyo3(signature = (timeout = None))]
    fn poll_workflow_activation(
        &self,
        py: Python<'_>,
        timeout: Option<f64>,
    ) -> PyResult<Option<Py<PyAny>>> {
        poll_inbox(py, &self.checked()?.core.inboxes.workflow, timeout)
    }

    fn complete_workflow_activation(
        &self,
        py: Python<'_>,
        completion: &WorkflowCompletion,
    ) -> PyResult<()> {
        let core = &self.checked()?.core;
        Ok(core.complete_workflow(completion.to_core(py)?, None)?)
    }

    fn close(&self) -> PyResult<Operation> {
        let inner = self.checked()?;
        inner.feeder.lock().take();
        let core = Arc::clone(&inner.core);
        Ok(self.runtime.spawn(async move {
            core.finalize().await?;
            Ok(nothing())
        }))
    }
}
