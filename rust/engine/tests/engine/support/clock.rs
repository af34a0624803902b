//! Time that stands still until a test moves it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hourglass_engine::{Clock, Timestamp};

/// The moment every test begins: 2023-11-14T22:13:20Z.
pub(crate) const START: Timestamp = Timestamp(1_700_000_000_000_000_000);

/// Workflow time and wall time, both still until moved.
pub(crate) struct VirtualClock {
    origin: Instant,
    moved: Mutex<Moved>,
    /// Who is told when it is set.
    watching: Arc<Mutex<Vec<Told>>>,
    /// Nobody is told, as on systems that can't tell.
    is_silent: bool,
}

type Told = Box<dyn Fn() + Send>;

#[derive(Clone, Copy, Default)]
struct Moved {
    workflow: Duration,
    wall: Duration,
    /// How far the system's clock was set, forward or back, in nanoseconds.
    set: i64,
}

impl VirtualClock {
    #[allow(clippy::disallowed_methods, reason = "wall time needs an origin, any will do")]
    pub(crate) fn new() -> Self {
        Self {
            origin: Instant::now(),
            moved: Mutex::default(),
            watching: Arc::default(),
            is_silent: false,
        }
    }

    /// One that can't tell when it is set.
    pub(crate) fn silent() -> Self {
        Self { is_silent: true, ..Self::new() }
    }

    /// How many are told when it is set.
    pub(crate) fn watchers(&self) -> usize {
        self.watching.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn moved(&self) -> Moved {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Move both times, as the world does.
    pub(crate) fn advance(&self, by: Duration) {
        let mut moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        moved.workflow += by;
        moved.wall += by;
    }

    /// Move wall time alone: long polls expire, timers don't fire.
    pub(crate) fn advance_wall(&self, by: Duration) {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner).wall += by;
    }

    /// Set the system's clock forward or back: workflow time jumps, nobody waits longer for it.
    pub(crate) fn set_by(&self, seconds: i64) {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner).set += seconds * 1_000_000_000;
        for told in self.watching.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            told();
        }
    }
}

/// The engine's end of being told.
struct Watch(Arc<Mutex<Vec<Told>>>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let moved = self.moved();
        Timestamp(START.after(moved.workflow).0 + moved.set)
    }

    fn wall(&self) -> Instant {
        self.origin + self.moved().wall
    }

    fn steady(&self) -> Timestamp {
        START.after(self.moved().workflow)
    }

    fn watch(&self, told: Told) -> Option<Box<dyn Send>> {
        if self.is_silent {
            return None;
        }
        self.watching.lock().unwrap_or_else(PoisonError::into_inner).push(told);
        Some(Box::new(Watch(Arc::clone(&self.watching))))
    }
}
