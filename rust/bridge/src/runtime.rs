//! `Runtime`: the threads that everything native runs on.
//!
//! Closing it makes all its handles stale, ends its engines, then stops and joins its threads.
//! Dropping it without closing leaves the threads to themselves: it never blocks, and a forked
//! child leaks it.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::future::join_all;
use pyo3::prelude::*;
use temporalio_common::telemetry::{
    TelemetryOptions, set_trace_subscriber_for_current_thread, telemetry_init,
};
use temporalio_sdk_core::CoreRuntime;
use tokio::runtime::{Builder, Handle, Runtime as Tokio};
use tracing::{Dispatch, dispatcher};

use crate::{
    engine::EngineCore,
    error::{Failure, Kind, Outcome},
    fork,
    handle::{Owned, Stamp},
    logs::{Line, LogRing, LogSubscriber},
    message,
    operation::{Operation, Value},
    panics,
    sync::Mutex,
    worker::core::WorkerCore,
};

/// The time that closing waits for threads to end. They only block in short critical sections; what
/// does not end in this time is left behind.
const PATIENCE: Duration = Duration::from_secs(5);

/// The time that workers may take to come to an end. Only calls between them and the service take
/// time: what programs are doing is not waited for.
const FAIL_OUTSTANDING: Duration = Duration::from_secs(2);

/// The native side of a runtime, shared by every handle made from it.
pub(crate) struct RuntimeCore {
    pub(crate) stamp: Stamp,
    pub(crate) handle: Handle,
    core: Owned<Arc<CoreRuntime>>,
    tokio: Mutex<Option<Tokio>>,
    logs: Arc<LogRing>,
    dispatch: Dispatch,
    engines: Mutex<Vec<Weak<EngineCore>>>,
    workers: Mutex<Vec<Weak<WorkerCore>>>,
}

fn cannot_start(error: impl std::fmt::Display) -> Failure {
    Failure::internal(format!("the runtime can't start its threads: {error}"))
}

impl RuntimeCore {
    fn start(worker_threads: Option<usize>) -> Outcome<Arc<Self>> {
        panics::install_hook();
        let logs = Arc::new(LogRing::default());
        let subscriber = Arc::new(LogSubscriber(Arc::clone(&logs)));
        let mut builder = Builder::new_multi_thread();
        if let Some(count) = worker_threads {
            builder.worker_threads(count);
        }
        let threads = Arc::clone(&subscriber);
        let tokio = builder
            .enable_all()
            .max_blocking_threads(fork::BLOCKING_THREADS)
            .thread_name("hourglass")
            .on_thread_start(move || {
                set_trace_subscriber_for_current_thread(Arc::clone(&threads));
            })
            .build()
            .map_err(cannot_start)?;
        let options = TelemetryOptions::builder().build();
        let telemetry = telemetry_init(options).map_err(cannot_start)?;
        let handle = tokio.handle().clone();
        let core = {
            let _context = handle.enter();
            CoreRuntime::new_assume_tokio_initialized_telem(telemetry, None)
        };
        // The descriptors take a while to parse, once: have it done before anybody waits for it.
        handle.spawn_blocking(message::pool);
        Ok(Arc::new(Self {
            stamp: Stamp::new(),
            handle,
            core: Owned::new(Arc::new(core)),
            tokio: Mutex::new(Some(tokio)),
            logs,
            dispatch: Dispatch::new(subscriber),
            engines: Mutex::default(),
            workers: Mutex::default(),
        }))
    }

    pub(crate) fn core(&self) -> Outcome<&CoreRuntime> {
        self.core.get().map(AsRef::as_ref)
    }

    /// Start an operation.
    pub(crate) fn spawn<F>(&self, future: F) -> Operation
    where
        F: Future<Output = Outcome<Value>> + Send + 'static,
    {
        Operation::spawn(&self.handle, &self.stamp, future)
    }

    /// Run something of core's on this thread: with tokio's context and our logs, without letting a
    /// panic out, and without the GIL, since core takes locks that its other threads hold.
    pub(crate) fn within<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce() -> Outcome<T> + Send,
    ) -> Outcome<T> {
        py.detach(|| {
            let _context = self.handle.enter();
            dispatcher::with_default(&self.dispatch, || panics::contain(work))
        })
    }

    /// The log subscriber, for threads that are not tokio's.
    pub(crate) fn dispatch(&self) -> Dispatch {
        self.dispatch.clone()
    }

    pub(crate) fn adopt(&self, engine: &Arc<EngineCore>) {
        let mut engines = self.engines.lock();
        engines.retain(|known| known.strong_count() > 0);
        engines.push(Arc::downgrade(engine));
    }

    /// Know of a worker, to end it with the runtime.
    pub(crate) fn register(&self, worker: &Arc<WorkerCore>) {
        let mut workers = self.workers.lock();
        workers.retain(|known| known.strong_count() > 0);
        workers.push(Arc::downgrade(worker));
        drop(workers);
        if !self.stamp.is_open() {
            // Closed while it was made: the runtime's end did not reach it.
            let _context = self.handle.enter();
            worker.initiate_shutdown();
        }
    }

    /// End the workers before their runtime. A service that does not answer is not waited for.
    fn end_workers(&self) {
        let workers: Vec<_> =
            self.workers.lock().drain(..).filter_map(|worker| worker.upgrade()).collect();
        if workers.is_empty() {
            return;
        }
        let ends = join_all(workers.iter().map(|worker| worker.fail_outstanding()));
        let bounded = async { tokio::time::timeout(FAIL_OUTSTANDING, ends).await };
        if self.handle.block_on(bounded).is_err() {
            tracing::warn!("a worker did not end before its runtime");
        }
    }

    /// The engines that are open, unless one is just being added.
    pub(crate) fn engines(&self) -> Vec<Arc<EngineCore>> {
        let engines = self.engines.try_lock();
        engines.map_or_else(Vec::new, |engines| engines.iter().filter_map(Weak::upgrade).collect())
    }

    /// Blocks until the threads have ended.
    fn close(&self, engines: bool) {
        if !self.stamp.close() {
            return;
        }
        if !engines {
            self.end_workers(); // the process goes on: nothing of them must be left
        }
        for engine in self.engines.lock().drain(..).filter(|_| engines) {
            if let Some(engine) = engine.upgrade() {
                engine.close();
            }
        }
        let tokio = self.tokio.lock().take();
        if let Some(tokio) = tokio {
            tokio.shutdown_timeout(PATIENCE);
        }
    }
}

impl Drop for RuntimeCore {
    fn drop(&mut self) {
        let Some(tokio) = self.tokio.get_mut().take() else {
            return;
        };
        if self.stamp.pid() == std::process::id() {
            self.stamp.close();
            tokio.shutdown_background();
        } else {
            std::mem::forget(tokio);
        }
    }
}

/// The threads that everything native runs on.
#[pyclass(frozen, module = "hourglass._bridge")]
pub(crate) struct Runtime(Arc<RuntimeCore>);

impl Runtime {
    /// The native side, unless the runtime is another process's or closed.
    pub(crate) fn checked(&self) -> Outcome<Arc<RuntimeCore>> {
        self.0.stamp.check("Runtime")?;
        Ok(Arc::clone(&self.0))
    }
}

#[pymethods]
impl Runtime {
    #[new]
    #[pyo3(signature = (*, worker_threads = None))]
    fn new(py: Python<'_>, worker_threads: Option<usize>) -> PyResult<Self> {
        if worker_threads == Some(0) {
            return Err(Failure::bad_argument("worker_threads: must be at least 1").into());
        }
        let core = panics::contain(|| RuntimeCore::start(worker_threads))?;
        fork::watch(py, &core)?;
        Ok(Self(core))
    }

    #[getter]
    fn pid(&self) -> u32 {
        self.0.stamp.pid()
    }

    #[getter]
    fn epoch(&self) -> u64 {
        self.0.stamp.epoch()
    }

    #[pyo3(signature = (*, engines = true))]
    fn close(&self, py: Python<'_>, engines: bool) -> PyResult<()> {
        self.0.stamp.check_process("Runtime")?;
        py.detach(|| {
            panics::contain(|| {
                self.0.close(engines);
                Ok(())
            })
        })?;
        Ok(())
    }

    fn take_logs(&self) -> PyResult<Vec<Line>> {
        self.0.stamp.check_process("Runtime")?;
        Ok(self.0.logs.take())
    }

    fn __repr__(&self) -> String {
        let stamp = &self.0.stamp;
        let state = if stamp.is_open() { "open" } else { "closed" };
        format!("Runtime(pid={}, epoch={}, {state})", stamp.pid(), stamp.epoch())
    }
}

/// The failure of a task that tokio dropped: only closing the runtime does that.
pub(crate) fn aborted(error: &tokio::task::JoinError) -> Failure {
    if error.is_cancelled() {
        Failure::new(Kind::StaleHandle, "the runtime was closed")
    } else {
        Failure::internal(format!("a native task failed: {error}"))
    }
}
