//! A clock that can jump.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use crate::{Clock, Timestamp};

/// Another clock, with jumps: its wall time stays as it is.
pub(crate) struct SkippingClock {
    pub(crate) base: Arc<dyn Clock>,
    pub(crate) skipped: AtomicI64,
}

impl Clock for SkippingClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.base.now().0.saturating_add(self.skipped.load(Ordering::Relaxed)))
    }

    fn wall(&self) -> Instant {
        self.base.wall()
    }

    fn steady(&self) -> Timestamp {
        Timestamp(self.base.steady().0.saturating_add(self.skipped.load(Ordering::Relaxed)))
    }

    fn watch(&self, told: Box<dyn Fn() + Send>) -> Option<Box<dyn Send>> {
        self.base.watch(told)
    }
}
