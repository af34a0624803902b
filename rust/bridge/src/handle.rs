//! Handles know the process they belong to and the life of the runtime they came from.
//!
//! After `fork` the child has a copy of every handle, but none of the threads behind them, and any
//! lock may be held for ever by a thread that is not there. So a handle is checked against the
//! process id before anything else is touched, and what is native in it is leaked, never dropped.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use crate::error::{Failure, Origin, Outcome};

/// The process and the runtime's life that a handle belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Stamp {
    pid: u32,
    epoch: u64,
    open: Arc<AtomicBool>,
}

/// The number of runtimes this process had, with the process id in the upper half: a forked child
/// counts from one again.
static EPOCHS: AtomicU64 = AtomicU64::new(0);

fn next_epoch(pid: u32) -> u64 {
    let high = u64::from(pid) << 32;
    let advance = |seen: u64| {
        if seen & !0xffff_ffff == high { seen + 1 } else { high | 1 }
    };
    let seen = EPOCHS.fetch_update(Ordering::AcqRel, Ordering::Acquire, |seen| Some(advance(seen)));
    advance(seen.unwrap_or_else(|seen| seen)) & 0xffff_ffff
}

impl Stamp {
    /// The stamp of a new runtime: the next epoch of this process.
    pub(crate) fn new() -> Self {
        let pid = std::process::id();
        Self { pid, epoch: next_epoch(pid), open: Arc::new(AtomicBool::new(true)) }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Mark every handle with this stamp as stale. True for the first caller.
    pub(crate) fn close(&self) -> bool {
        self.open.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Refuse the use of `what` in another process or after its runtime was closed.
    pub(crate) fn check(&self, what: &str) -> Outcome<()> {
        self.check_process(what)?;
        if self.is_open() {
            return Ok(());
        }
        Err(self.stale(what))
    }

    /// Refuse the use of `what` in another process.
    pub(crate) fn check_process(&self, what: &str) -> Outcome<()> {
        check_origin(self.origin(), what)
    }

    pub(crate) fn stale(&self, what: &str) -> Failure {
        let epoch = self.epoch;
        let message = format!("{what} of epoch {epoch}: its runtime was closed");
        Failure::stale(message, self.origin())
    }

    fn origin(&self) -> Origin {
        Origin { pid: self.pid, epoch: Some(self.epoch) }
    }
}

/// Refuse the use of `what`, made by process `pid`, in any other process.
pub(crate) fn check_pid(pid: u32, what: &str) -> Outcome<()> {
    check_origin(Origin { pid, epoch: None }, what)
}

fn check_origin(origin: Origin, what: &str) -> Outcome<()> {
    let (pid, here) = (origin.pid, std::process::id());
    if here == pid {
        return Ok(());
    }
    let message =
        format!("{what} of process {pid} can't be used in process {here}; make a new one");
    Err(Failure::stale(message, origin))
}

/// Something native that must not be dropped in a forked child: it is leaked there.
#[derive(Debug)]
pub(crate) struct Owned<T> {
    pid: u32,
    inner: Option<T>,
}

impl<T> Owned<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self { pid: std::process::id(), inner: Some(inner) }
    }

    /// The thing; absent only while it is being dropped.
    pub(crate) fn get(&self) -> Outcome<&T> {
        self.inner
            .as_ref()
            .ok_or_else(|| Failure::internal("a native handle was used while it was dropped"))
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if self.pid != std::process::id()
            && let Some(inner) = self.inner.take()
        {
            std::mem::forget(inner);
        }
    }
}
