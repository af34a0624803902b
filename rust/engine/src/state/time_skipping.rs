//! The counter of time skipping, and callers that sleep.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::Clock;
use crate::clock::skipping::SkippingClock;
use crate::ids::RunKey;
use crate::state::reply::Responder;
use crate::state::task_queues::Ticket;

/// A call that waits for workflow time to come.
pub(crate) struct Sleeper {
    /// `None`: the caller's own time was over first.
    pub(crate) waiting: Option<(Responder, Ticket)>,
    /// The sleeper released the counter for the time of its sleep.
    pub(crate) relocks: bool,
}

/// The clock, the counter, and who sleeps.
pub(crate) struct TimeSkipping {
    pub(crate) clock: Arc<SkippingClock>,
    /// The test's share of the counter.
    pub(crate) locks: i64,
    /// The engine's share: the work in flight of each run that has any, and its sum.
    pub(crate) in_flight: HashMap<RunKey, i64>,
    /// Invariant: the sum of `in_flight`.
    pub(crate) busy: i64,
    /// Runs whose workflow task a worker has.
    pub(crate) leased: HashSet<RunKey>,
    pub(crate) sleepers: HashMap<u64, Sleeper>,
    pub(crate) last_sleeper: u64,
}

impl TimeSkipping {
    /// Time is locked at first.
    pub(crate) fn over(base: Arc<dyn Clock>) -> Self {
        Self {
            clock: Arc::new(SkippingClock { base, skipped: AtomicI64::new(0) }),
            locks: 1,
            in_flight: HashMap::new(),
            busy: 0,
            leased: HashSet::new(),
            sleepers: HashMap::new(),
            last_sleeper: 0,
        }
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::<SkippingClock>::clone(&self.clock)
    }

    pub(crate) fn jump(&self, by: Duration) {
        let by = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
        self.clock.skipped.fetch_add(by, Ordering::Relaxed);
    }

    pub(crate) fn set_in_flight(&mut self, run: RunKey, work: i64) {
        let before =
            if work == 0 { self.in_flight.remove(&run) } else { self.in_flight.insert(run, work) };
        self.busy += work - before.unwrap_or(0);
        debug_assert!(work >= 0, "work is counted");
        debug_assert_eq!(self.busy, self.in_flight.values().sum::<i64>(), "the sum is of all runs");
    }

    pub(crate) fn drain(&mut self) -> Vec<Responder> {
        let waiting = self.sleepers.drain().filter_map(|(_, sleeper)| sleeper.waiting);
        waiting.map(|(responder, _)| responder).collect()
    }
}
