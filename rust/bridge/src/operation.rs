//! `Operation`: something under way on a native thread, and its result.
//!
//! The result stays a Rust value until Python asks; it becomes a Python object on the asking thread.
//! A task that ends without a result (a panic, a runtime that was closed) still settles its
//! operation: no caller waits for ever.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::FutureExt;

use pyo3::{prelude::*, sync::PyOnceLock};
use tokio::{runtime::Handle, task::AbortHandle};

use crate::{
    error::{Failure, Kind, Outcome},
    handle::Stamp,
    panics,
    port::{Port, PortCore},
    sync::{Condvar, Mutex},
    waiting::{Deadline, wait_for},
};

/// A result that knows how to become a Python object.
pub(crate) type Value = Box<dyn Fn(Python<'_>) -> PyResult<Py<PyAny>> + Send + Sync>;

/// The result of operations that have none.
pub(crate) fn nothing() -> Value {
    Box::new(|py| Ok(py.None()))
}

#[derive(Default)]
struct State {
    settled: Option<Result<Arc<Value>, Failure>>,
    watchers: Vec<(Arc<PortCore>, i64)>,
    task: Option<AbortHandle>,
}

struct Shared {
    stamp: Stamp,
    state: Mutex<State>,
    done: Condvar,
}

impl Shared {
    /// The first to settle wins.
    fn settle(&self, outcome: Outcome<Value>) {
        let mut state = self.state.lock();
        if state.settled.is_some() {
            return;
        }
        state.settled = Some(outcome.map(Arc::new));
        state.task = None;
        let watchers = std::mem::take(&mut state.watchers);
        drop(state);
        self.done.notify_all();
        for (port, token) in watchers {
            port.push(token);
        }
    }

    fn poll(&self, at_most: Duration) -> Option<Result<Arc<Value>, Failure>> {
        let mut state = self.state.lock();
        if state.settled.is_none() && !at_most.is_zero() {
            state = self.done.wait_for(state, at_most);
        }
        state.settled.clone()
    }
}

/// Settles the operation when its task is dropped before the end.
struct Settler {
    shared: Arc<Shared>,
    stamp: Stamp,
}

impl Drop for Settler {
    fn drop(&mut self) {
        let failure = if self.stamp.is_open() {
            Failure::new(Kind::Cancelled, "the operation was cancelled")
        } else {
            self.stamp.stale("Operation")
        };
        self.shared.settle(Err(failure));
    }
}

/// A native operation under way.
#[pyclass(frozen, generic, module = "hourglass._bridge")]
pub(crate) struct Operation {
    shared: Arc<Shared>,
    converted: PyOnceLock<Py<PyAny>>,
}

impl Operation {
    /// Start `future` on the runtime.
    pub(crate) fn spawn<F>(handle: &Handle, stamp: &Stamp, future: F) -> Self
    where
        F: Future<Output = Outcome<Value>> + Send + 'static,
    {
        let shared = Arc::new(Shared {
            stamp: stamp.clone(),
            state: Mutex::default(),
            done: Condvar::new(),
        });
        let settler = Settler { shared: Arc::clone(&shared), stamp: stamp.clone() };
        let task = handle.spawn(async move {
            let caught = std::panic::AssertUnwindSafe(future).catch_unwind().await;
            let outcome = caught.unwrap_or_else(|payload| Err(panics::failure(&*payload)));
            // What fails because its runtime was closed under it says so, whatever it ran into.
            let outcome = outcome.map_err(|failure| {
                if settler.stamp.is_open() { failure } else { settler.stamp.stale("Operation") }
            });
            settler.shared.settle(outcome);
        });
        let mut state = shared.state.lock();
        if state.settled.is_none() {
            state.task = Some(task.abort_handle());
        }
        drop(state);
        Self { shared, converted: PyOnceLock::new() }
    }

    fn checked(&self) -> Outcome<&Shared> {
        self.shared.stamp.check_process("Operation")?;
        Ok(&self.shared)
    }

    /// No lock is held while the result becomes a Python object.
    fn convert(
        &self,
        py: Python<'_>,
        settled: Option<Result<Arc<Value>, Failure>>,
    ) -> PyResult<Py<PyAny>> {
        let value = settled.ok_or_else(|| Failure::timeout("the operation is not done yet"))??;
        if let Some(done) = self.converted.get(py) {
            return Ok(done.clone_ref(py));
        }
        let object = value(py)?;
        Ok(self.converted.get_or_init(py, || object).clone_ref(py))
    }
}

#[pymethods]
impl Operation {
    #[getter]
    fn pid(&self) -> u32 {
        self.shared.stamp.pid()
    }

    #[getter]
    fn epoch(&self) -> u64 {
        self.shared.stamp.epoch()
    }

    #[pyo3(signature = (timeout = None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        let shared = self.checked()?;
        let settled = wait_for(py, Deadline::after(timeout)?, |slice| shared.poll(slice))?;
        self.convert(py, settled)
    }

    fn done(&self) -> PyResult<bool> {
        Ok(self.checked()?.poll(Duration::ZERO).is_some())
    }

    fn result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let settled = self.checked()?.poll(Duration::ZERO);
        self.convert(py, settled)
    }

    fn cancel(&self) -> PyResult<()> {
        let shared = self.checked()?;
        let task = shared.state.lock().task.take();
        shared.settle(Err(Failure::new(Kind::Cancelled, "the operation was cancelled")));
        if let Some(task) = task {
            task.abort();
        }
        Ok(())
    }

    fn notify(&self, port: &Port, token: i64) -> PyResult<()> {
        let port = port.core()?;
        let mut state = self.checked()?.state.lock();
        if state.settled.is_none() {
            state.watchers.push((port, token));
            return Ok(());
        }
        drop(state);
        port.push(token);
        Ok(())
    }
}
