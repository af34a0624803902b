//! `Port`: tokens for an event loop, behind a descriptor that is readable while there are any.
//!
//! The pipe holds one byte while the queue is not empty and none while it is; both change under
//! the lock. So writing never blocks, reading never blocks, and a burst costs one system call.

use std::{
    collections::VecDeque,
    io::{PipeReader, PipeWriter, Read, Write},
    os::fd::AsRawFd,
    sync::Arc,
    time::Duration,
};

use pyo3::prelude::*;

use crate::{
    error::{Failure, Kind, Outcome},
    handle::check_pid,
    sync::{Condvar, Mutex},
    waiting::{Deadline, wait_for},
};

struct Pipe {
    reader: PipeReader,
    writer: PipeWriter,
}

struct State {
    tokens: VecDeque<i64>,
    /// `None` once closed.
    pipe: Option<Pipe>,
}

/// The native side of a port: what operations and inboxes write to.
pub(crate) struct PortCore {
    pid: u32,
    state: Mutex<State>,
    filled: Condvar,
}

fn closed() -> Failure {
    Failure::new(Kind::Shutdown, "the port is closed")
}

fn broken(error: &std::io::Error) -> Failure {
    Failure::internal(format!("the pipe of a port: {error}"))
}

impl PortCore {
    fn open() -> Outcome<Arc<Self>> {
        let (reader, writer) = std::io::pipe().map_err(|error| broken(&error))?;
        Ok(Arc::new(Self {
            pid: std::process::id(),
            state: Mutex::new(State {
                tokens: VecDeque::new(),
                pipe: Some(Pipe { reader, writer }),
            }),
            filled: Condvar::new(),
        }))
    }

    /// Queue a token. False once the port is closed: the writer may forget it.
    pub(crate) fn push(&self, token: i64) -> bool {
        let mut state = self.state.lock();
        let empty = state.tokens.is_empty();
        let Some(pipe) = state.pipe.as_mut() else {
            return false;
        };
        // A failed write is a closed read end, which only `close` closes.
        if empty && pipe.writer.write_all(&[1]).is_err() {
            return false;
        }
        state.tokens.push_back(token);
        drop(state);
        self.filled.notify_all();
        true
    }

    fn take(state: &mut State) -> Outcome<Vec<i64>> {
        let pipe = state.pipe.as_mut().ok_or_else(closed)?;
        if !state.tokens.is_empty() {
            let mut byte = [0];
            pipe.reader.read_exact(&mut byte).map_err(|error| broken(&error))?;
        }
        Ok(state.tokens.drain(..).collect())
    }

    fn poll(&self, at_most: Duration) -> Option<Outcome<Vec<i64>>> {
        let mut state = self.state.lock();
        if state.tokens.is_empty() && state.pipe.is_some() && !at_most.is_zero() {
            state = self.filled.wait_for(state, at_most);
        }
        (state.pipe.is_none() || !state.tokens.is_empty()).then(|| Self::take(&mut state))
    }
}

/// Wakes an event loop.
#[pyclass(frozen, module = "hourglass._bridge")]
pub(crate) struct Port(Arc<PortCore>);

impl Port {
    /// The port for operations and inboxes of this very process: the pipe is the parent's too.
    pub(crate) fn core(&self) -> Outcome<Arc<PortCore>> {
        check_pid(self.0.pid, "Port")?;
        Ok(Arc::clone(&self.0))
    }

    fn checked(&self) -> Outcome<&PortCore> {
        check_pid(self.0.pid, "Port")?;
        Ok(&self.0)
    }
}

#[pymethods]
impl Port {
    #[new]
    fn new() -> PyResult<Self> {
        Ok(Self(PortCore::open()?))
    }

    #[getter]
    fn pid(&self) -> u32 {
        self.0.pid
    }

    fn fileno(&self) -> PyResult<i32> {
        let state = self.checked()?.state.lock();
        let pipe = state.pipe.as_ref().ok_or_else(closed)?;
        Ok(pipe.reader.as_raw_fd())
    }

    fn drain(&self) -> PyResult<Vec<i64>> {
        Ok(PortCore::take(&mut self.checked()?.state.lock())?)
    }

    #[pyo3(signature = (timeout = None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Vec<i64>> {
        let core = self.checked()?;
        let found = wait_for(py, Deadline::after(timeout)?, |slice| core.poll(slice))?;
        Ok(found.unwrap_or_else(|| Ok(Vec::new()))?)
    }

    /// Idempotent, and harmless in a forked child: only its copy of the descriptor is closed.
    fn close(&self) {
        if check_pid(self.0.pid, "Port").is_err() {
            return;
        }
        let mut state = self.0.state.lock();
        state.pipe = None;
        state.tokens.clear();
        drop(state);
        self.0.filled.notify_all();
    }
}
