//! Blocking the way Python allows it: detached from the interpreter, and in slices, so that a
//! signal handler of the main thread runs within a tenth of a second.

use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::error::{Failure, Outcome};

const SLICE: Duration = Duration::from_millis(100);

/// When a wait ends at the latest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// `timeout` in seconds; `None` waits for ever, and so does anything beyond a century.
    pub(crate) fn after(timeout: Option<f64>) -> Outcome<Self> {
        let Some(seconds) = timeout else {
            return Ok(Self(None));
        };
        if seconds.is_nan() || seconds < 0.0 {
            return Err(Failure::bad_argument(format!(
                "timeout: {seconds} is not a number of seconds"
            )));
        }
        let end = Duration::try_from_secs_f64(seconds)
            .ok()
            .and_then(|duration| Instant::now().checked_add(duration));
        Ok(Self(end))
    }

    fn slice(self) -> Option<Duration> {
        let Some(end) = self.0 else {
            return Some(SLICE);
        };
        let left = end.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| left.min(SLICE))
    }
}

/// Ask `poll` again and again, detached, with how long it may block; `None` when the time is over.
/// `poll` is asked at least once, without blocking.
pub(crate) fn wait_for<T: Send>(
    py: Python<'_>,
    deadline: Deadline,
    poll: impl Fn(Duration) -> Option<T> + Sync,
) -> PyResult<Option<T>> {
    if let Some(found) = poll(Duration::ZERO) {
        return Ok(Some(found));
    }
    while let Some(slice) = deadline.slice() {
        if let Some(found) = py.detach(|| poll(slice)) {
            return Ok(Some(found));
        }
        py.check_signals()?;
    }
    Ok(None)
}
