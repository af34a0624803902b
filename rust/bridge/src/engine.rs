//! `Engine`: an embedded engine on one database.

use std::{path::PathBuf, sync::Arc};

use hourglass_engine::{Engine as Native, EngineError, EngineOptions, HistoryLimits, Synchronous};
use pyo3::{IntoPyObjectExt, prelude::*};
use tracing::dispatcher;

use crate::{
    error::{Failure, Kind, Outcome},
    handle::{Owned, check_pid},
    operation::{Operation, nothing},
    panics,
    runtime::{Runtime, RuntimeCore, aborted},
};

/// The native side of an engine, shared by every client made from it.
pub(crate) struct EngineCore(Owned<Native>);

impl EngineCore {
    pub(crate) fn native(&self) -> Outcome<&Native> {
        self.0.get()
    }

    /// Call `gate` on the engine's thread, when it holds nothing.
    pub(crate) fn hold(&self, gate: impl FnOnce() + Send + 'static) {
        if let Ok(native) = self.0.get() {
            native.hold(gate);
        }
    }

    /// In a forked child.
    pub(crate) fn leave_to_parent(&self) {
        if let Ok(native) = self.0.get() {
            native.leave_to_parent();
        }
    }

    /// Commit what is in flight, end long polls, close the file. Blocks.
    pub(crate) fn close(&self) {
        if let Ok(native) = self.0.get() {
            native.close();
        }
    }
}

/// An embedded engine.
#[pyclass(frozen, skip_from_py_object, module = "hourglass._bridge")]
#[derive(Clone)]
pub(crate) struct Engine {
    runtime: Arc<RuntimeCore>,
    core: Arc<EngineCore>,
    path: Option<String>,
}

impl Engine {
    pub(crate) fn checked(&self) -> Outcome<Arc<EngineCore>> {
        self.runtime.stamp.check("Engine")?;
        Ok(Arc::clone(&self.core))
    }
}

fn database(error: &EngineError) -> Failure {
    let kind = match error {
        EngineError::InUse { .. } => Kind::DatabaseInUse,
        _ => Kind::Database,
    };
    Failure::new(kind, error.to_string())
}

#[pymethods]
impl Engine {
    #[staticmethod]
    #[pyo3(signature = (
        runtime, path, *, synchronous = "full", time_skipping = false, history_events = None,
        history_bytes = None,
    ))]
    fn open(
        runtime: &Runtime,
        path: Option<String>,
        synchronous: &str,
        time_skipping: bool,
        history_events: Option<u32>,
        history_bytes: Option<u32>,
    ) -> PyResult<Operation> {
        let runtime = runtime.checked()?;
        let usual = HistoryLimits::default();
        let options = EngineOptions {
            path: path.as_ref().map(PathBuf::from),
            synchronous: match synchronous {
                "full" => Synchronous::Full,
                "normal" => Synchronous::Normal,
                other => {
                    let why = format!("synchronous: {other:?} is neither full nor normal");
                    return Err(Failure::bad_argument(why).into());
                }
            },
            time_skipping,
            history_limits: HistoryLimits {
                events: history_events.map_or(usual.events, i64::from),
                bytes: history_bytes.map_or(usual.bytes, i64::from),
            },
            ..EngineOptions::default()
        };
        let dispatch = runtime.dispatch();
        let owner = Arc::clone(&runtime);
        Ok(runtime.spawn(async move {
            let open = move || {
                dispatcher::with_default(&dispatch, || {
                    panics::contain(|| Native::open(options).map_err(|error| database(&error)))
                })
            };
            let native =
                tokio::task::spawn_blocking(open).await.map_err(|error| aborted(&error))??;
            let core = Arc::new(EngineCore(Owned::new(native)));
            owner.adopt(&core);
            let engine = Self { runtime: owner, core, path };
            let value: crate::operation::Value = Box::new(move |py| engine.clone().into_py_any(py));
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
    fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// The reason why it can't be used any more, though nobody closed it: the database is lost.
    #[getter]
    fn lost(&self) -> Option<String> {
        Some(self.core.native().ok()?.ended()?.message)
    }

    fn close(&self) -> PyResult<Operation> {
        let core = self.checked()?;
        Ok(self.runtime.spawn(async move {
            let close = move || {
                panics::contain(|| {
                    core.close();
                    Ok(())
                })
            };
            tokio::task::spawn_blocking(close).await.map_err(|error| aborted(&error))??;
            Ok(nothing())
        }))
    }

    /// Make a handle of this engine for another runtime of this process. The one it was opened on may
    /// be closed.
    fn adopt(&self, runtime: &Runtime) -> PyResult<Self> {
        check_pid(self.runtime.stamp.pid(), "Engine")?;
        let runtime = runtime.checked()?;
        runtime.adopt(&self.core);
        Ok(Self { runtime, core: Arc::clone(&self.core), path: self.path.clone() })
    }

    fn __repr__(&self) -> String {
        let path = self.path.as_deref().unwrap_or("in memory");
        format!("Engine({path}, epoch={})", self.runtime.stamp.epoch())
    }
}
