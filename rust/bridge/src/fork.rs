//! Bringing the native threads to a safe point before the process forks.
//!
//! The child of a fork has only the thread that forked. Whatever the others held stays as it was:
//! a lock that is held is held for ever, and, worse, tokio's threads wait in `parking_lot`, which
//! keeps its queue of waiting threads in those threads' own memory; the child reuses that memory,
//! and its next thread that waits walks into it. So before a fork every tokio thread, also those
//! for blocking work, is called into a task that waits at a gate of the standard library, where it
//! holds nothing; after the fork the parent opens the gate, and the child has nothing to open. The
//! threads of engines come too: `SQLite` has locks of its own, for the whole process.
//!
//! The hooks are Python's (`os.register_at_fork`), registered when the first runtime is made.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use pyo3::{prelude::*, sync::PyOnceLock, types::PyDict};

use crate::{
    message,
    runtime::RuntimeCore,
    sync::{Condvar, Mutex},
};

/// A thread that does not come to the gate in this time is in a long computation of its own; the
/// fork goes on without it.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    waiting: usize,
    open: bool,
}

/// A thread's place at the gate. Dropped unused, it counts as there: its thread has ended.
struct Place {
    gate: Arc<Gate>,
    passed: bool,
}

impl Place {
    fn at(gate: &Arc<Gate>) -> Self {
        Self { gate: Arc::clone(gate), passed: false }
    }

    fn pass(mut self) {
        self.passed = true;
        self.gate.pass();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.passed {
            self.gate.state.lock().waiting += 1;
            self.gate.changed.notify_all();
        }
    }
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock();
        state.waiting += 1;
        self.changed.notify_all();
        while !state.open {
            state = self.changed.wait_for(state, PATIENCE);
        }
    }

    fn await_all(&self, count: usize) {
        let end = Instant::now() + PATIENCE;
        let mut state = self.state.lock();
        while state.waiting < count {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.changed.wait_for(state, left);
        }
    }

    fn open(&self) {
        self.state.lock().open = true;
        self.changed.notify_all();
    }
}

/// The number of threads tokio may use for work that blocks; few, because all come to the gate.
pub(crate) const BLOCKING_THREADS: usize = 16;

/// The runtimes of this process, and the gates of a fork that is under way.
static RUNTIMES: Mutex<Vec<Weak<RuntimeCore>>> = Mutex::new(Vec::new());
static GATES: Mutex<Vec<Arc<Gate>>> = Mutex::new(Vec::new());

/// Have a new runtime brought to a safe point before every fork from now on.
pub(crate) fn watch(py: Python<'_>, runtime: &Arc<RuntimeCore>) -> PyResult<()> {
    static REGISTERED: PyOnceLock<()> = PyOnceLock::new();
    REGISTERED.get_or_try_init(py, || register(py))?;
    let mut runtimes = RUNTIMES.lock();
    runtimes.retain(|known| known.strong_count() > 0);
    runtimes.push(Arc::downgrade(runtime));
    Ok(())
}

fn register(py: Python<'_>) -> PyResult<()> {
    let hooks = PyDict::new(py);
    hooks.set_item("before", wrap_pyfunction!(before_fork, py)?)?;
    hooks.set_item("after_in_parent", wrap_pyfunction!(after_fork_in_parent, py)?)?;
    hooks.set_item("after_in_child", wrap_pyfunction!(after_fork_in_child, py)?)?;
    py.import("os")?.call_method("register_at_fork", (), Some(&hooks))?;
    Ok(())
}

#[pyfunction]
fn before_fork() {
    // Being made on another thread, perhaps: the child could never finish it.
    message::pool();
    let pid = std::process::id();
    let runtimes: Vec<_> = RUNTIMES.lock().iter().filter_map(Weak::upgrade).collect();
    let mut gates = GATES.lock();
    for runtime in runtimes {
        if runtime.stamp.check("Runtime").is_err() || runtime.stamp.pid() != pid {
            continue;
        }
        let gate = Arc::new(Gate::default());
        let workers = runtime.handle.metrics().num_workers();
        let engines = runtime.engines();
        for engine in &engines {
            let place = Place::at(&gate);
            engine.hold(move || place.pass());
        }
        for _ in 0..workers {
            let place = Place::at(&gate);
            runtime.handle.spawn(async move { place.pass() });
        }
        for _ in 0..BLOCKING_THREADS {
            let place = Place::at(&gate);
            runtime.handle.spawn_blocking(move || place.pass());
        }
        gate.await_all(workers + BLOCKING_THREADS + engines.len());
        gates.push(gate);
    }
}

#[pyfunction]
fn after_fork_in_parent() {
    for gate in GATES.lock().drain(..) {
        gate.open();
    }
}

/// The gates are the parent's; so are the runtimes, which the child never touches again, except to
/// leave the locks on databases to the parent alone.
#[pyfunction]
fn after_fork_in_child() {
    std::mem::forget(std::mem::take(&mut *GATES.lock()));
    let runtimes = std::mem::take(&mut *RUNTIMES.lock());
    for runtime in runtimes.iter().filter_map(Weak::upgrade) {
        for engine in runtime.engines() {
            engine.leave_to_parent();
            std::mem::forget(engine);
        }
        std::mem::forget(runtime);
    }
    std::mem::forget(runtimes);
}
