//! `Inbox`: the deliveries of pumps that are not taken yet.
//!
//! Deliveries stay Rust values until they are taken and become Python objects on the taker's
//! thread. A taker that dies before it took loses nothing.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use pyo3::{prelude::*, types::PyList};

use crate::{
    delivery::Delivery,
    error::{Failure, Outcome},
    handle::check_pid,
    port::{Port, PortCore},
    sync::{Condvar, Mutex},
    waiting::{Deadline, wait_for},
};

#[derive(Default)]
struct State {
    waiting: VecDeque<Delivery>,
    /// Takers that are blocked now.
    takers: usize,
    /// The number of calls of `wake`.
    wakes: u64,
    watchers: Vec<(Arc<PortCore>, i64)>,
}

/// The native side of an inbox: what pumps push into.
pub(crate) struct InboxCore {
    id: u64,
    pid: u32,
    state: Mutex<State>,
    filled: Condvar,
}

thread_local! {
    /// The last wake each thread has answered, by inbox: one that comes just before `take` counts.
    static ANSWERED: RefCell<HashMap<u64, u64>> = RefCell::new(HashMap::new());
}

fn answered(inbox: u64) -> u64 {
    ANSWERED.with_borrow(|seen| seen.get(&inbox).copied().unwrap_or(0))
}

impl InboxCore {
    fn new() -> Arc<Self> {
        static IDS: AtomicU64 = AtomicU64::new(1);
        Arc::new(Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            pid: std::process::id(),
            state: Mutex::default(),
            filled: Condvar::new(),
        })
    }

    pub(crate) fn push(&self, delivery: Delivery) {
        let mut state = self.state.lock();
        let was_empty = state.waiting.is_empty();
        state.waiting.push_back(delivery);
        if was_empty && !state.watchers.is_empty() {
            state.watchers.retain(|(port, token)| port.push(*token));
        }
        let blocked = state.takers > 0;
        drop(state);
        if blocked {
            self.filled.notify_one();
        }
    }

    /// Take what is there, blocking for at most `at_most` for the first. An empty answer is a wake.
    fn poll(&self, max: usize, seen: u64, at_most: Duration) -> Option<(Vec<Delivery>, u64)> {
        let mut state = self.state.lock();
        if state.waiting.is_empty() && state.wakes <= seen && !at_most.is_zero() {
            state.takers += 1;
            state = self.filled.wait_for(state, at_most);
            state.takers -= 1;
        }
        if state.waiting.is_empty() {
            return (state.wakes > seen).then(|| (Vec::new(), state.wakes));
        }
        let count = max.min(state.waiting.len());
        let taken = state.waiting.drain(..count).collect();
        // What is left is another taker's: the one notification per delivery may have come here.
        let pass_on = !state.waiting.is_empty() && state.takers > 0;
        drop(state);
        if pass_on {
            self.filled.notify_one();
        }
        // A wake stays unanswered: the next take returns at once.
        Some((taken, seen))
    }

    pub(crate) fn take(
        &self,
        py: Python<'_>,
        max: usize,
        timeout: Option<f64>,
    ) -> PyResult<Vec<Delivery>> {
        check_pid(self.pid, "Inbox")?;
        let seen = answered(self.id);
        let found = wait_for(py, Deadline::after(timeout)?, |slice| self.poll(max, seen, slice))?;
        let Some((taken, wakes)) = found else {
            return Ok(Vec::new());
        };
        if wakes > seen {
            ANSWERED.with_borrow_mut(|all| all.insert(self.id, wakes));
        }
        Ok(taken)
    }

    /// Take one. A wake answers `None`, as the end of the time does.
    pub(crate) fn take_one(
        &self,
        py: Python<'_>,
        timeout: Option<f64>,
    ) -> PyResult<Option<Delivery>> {
        Ok(self.take(py, 1, timeout)?.pop())
    }
}

/// The deliveries of pumps that are not taken yet, in order.
#[pyclass(frozen, module = "hourglass._bridge")]
pub(crate) struct Inbox(Arc<InboxCore>);

impl Inbox {
    pub(crate) fn core(&self) -> Arc<InboxCore> {
        Arc::clone(&self.0)
    }

    pub(crate) fn fresh() -> Self {
        Self(InboxCore::new())
    }

    fn checked(&self) -> Outcome<&InboxCore> {
        check_pid(self.0.pid, "Inbox")?;
        Ok(&self.0)
    }
}

#[pymethods]
impl Inbox {
    #[new]
    fn new() -> Self {
        Self::fresh()
    }

    #[getter]
    fn pid(&self) -> u32 {
        self.0.pid
    }

    #[pyo3(signature = (max_items = 64, timeout = None))]
    fn take<'py>(
        &self,
        py: Python<'py>,
        max_items: usize,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        if max_items == 0 {
            return Err(Failure::bad_argument("max_items: must be at least 1").into());
        }
        let list = PyList::empty(py);
        for delivery in self.checked()?.take(py, max_items, timeout)? {
            list.append(delivery.into_object(py)?)?;
        }
        Ok(list)
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(self.checked()?.state.lock().waiting.len())
    }

    fn notify(&self, port: &Port, token: i64) -> PyResult<()> {
        let core = port.core()?;
        let mut state = self.checked()?.state.lock();
        if state.waiting.is_empty() || core.push(token) {
            state.watchers.push((core, token));
        }
        Ok(())
    }

    fn wake(&self) -> PyResult<()> {
        let core = self.checked()?;
        core.state.lock().wakes += 1;
        core.filled.notify_all();
        Ok(())
    }
}
