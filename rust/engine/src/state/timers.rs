//! Timers: durable ones, by a window over the store, and those in memory only.
//!
//! All durable timers are rows in order of time. In memory is a window: the first of them, so that a
//! million sleeping workflows cost rows and not memory. A timer behind the window's end stays in the
//! store until the window is used up. Timeouts of workflow tasks are in memory only, like the fact
//! that a worker has them.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Duration;

use crate::Timestamp;
use crate::ids::{QueryId, RunKey};
use crate::state::run::Run;
use crate::store::{Result, Store, TimerRow};

/// The size of a filled window; at twice that it is cut.
const WINDOW: usize = 4096;

/// The kinds of stored timers. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub(crate) enum TimerKind {
    /// A timer of the workflow; the subject is its started event.
    User = 1,
    /// The next timeout or attempt of an activity; the subject is its scheduled event.
    Activity = 2,
    /// The run or its chain is out of time.
    RunTimeout = 3,
    /// The first workflow task may be scheduled.
    Backoff = 4,
}

impl TimerKind {
    pub(crate) const fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::User),
            2 => Some(Self::Activity),
            3 => Some(Self::RunTimeout),
            4 => Some(Self::Backoff),
            _ => None,
        }
    }
}

/// A timeout of a workflow task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TaskTimer {
    /// The worker has had it for too long; names the lease.
    StartToClose(RunKey, [u8; 16]),
    /// The worker that has the run in its cache did not fetch it; names the entry in its queue, which
    /// waits there whatever becomes of the run meanwhile.
    StickyScheduleToStart(RunKey, u64),
    /// A speculative task, scheduled at that time, was not fetched.
    SpeculativeScheduleToStart(RunKey, Timestamp),
    /// The worker that has the run in its cache did not answer a query.
    StickyQuery(QueryId),
    /// A caller sleeps in workflow time; names the sleeper.
    Sleep(u64),
}

impl TaskTimer {
    pub(crate) const fn run(self) -> Option<RunKey> {
        match self {
            Self::StartToClose(run, _)
            | Self::StickyScheduleToStart(run, _)
            | Self::SpeculativeScheduleToStart(run, _) => Some(run),
            Self::StickyQuery(_) | Self::Sleep(_) => None,
        }
    }

    pub(crate) fn is_of(self, run: &Run) -> bool {
        let volatile = &run.volatile;
        match self {
            Self::StartToClose(_, id) => volatile.lease.as_ref().is_some_and(|l| l.id == id),
            Self::StickyScheduleToStart(_, dispatch) => {
                volatile.lease.is_none()
                    && volatile.dispatch == dispatch
                    && run.workflow_task().is_some()
            }
            Self::SpeculativeScheduleToStart(_, scheduled) => {
                let speculative = volatile.speculative.as_ref();
                volatile.lease.is_none()
                    && speculative.is_some_and(|s| s.task.scheduled_time == scheduled.0)
            }
            Self::StickyQuery(_) | Self::Sleep(_) => true,
        }
    }
}

/// The window, and the timers that are in memory only.
#[derive(Default)]
pub(crate) struct Timers {
    /// Invariant: at most twice `WINDOW` timers, the first of those stored.
    window: BTreeSet<TimerRow>,
    /// The last timer of the window; later ones are only stored. `None`: there are none.
    /// Invariant: nothing in the window is behind it.
    horizon: Option<TimerRow>,
    tasks: BinaryHeap<Reverse<(Timestamp, TaskTimer)>>,
}

impl Timers {
    /// Read the window anew.
    pub(crate) fn load(&mut self, store: &mut dyn Store) -> Result<()> {
        let first = store.first_timers(WINDOW)?;
        self.horizon = if first.len() < WINDOW { None } else { first.last().copied() };
        self.window = first.into_iter().collect();
        debug_assert!(self.window.len() <= WINDOW, "the store gives no more than was asked for");
        Ok(())
    }

    /// A stored timer was armed, and committed.
    pub(crate) fn insert(&mut self, timer: TimerRow) {
        // In the window it would fire before those between it and the horizon, which are only stored.
        if self.horizon.is_some_and(|horizon| timer > horizon) {
            return;
        }
        self.window.insert(timer);
        if self.window.len() > 2 * WINDOW {
            let end = self.window.iter().nth(WINDOW).copied();
            if let Some(end) = end {
                self.window.split_off(&end);
                self.horizon = self.window.last().copied();
            }
        }
        debug_assert!(self.window.len() <= 2 * WINDOW, "the window is bounded");
        let last = self.window.last();
        debug_assert!(self.horizon.is_none_or(|end| last <= Some(&end)), "it ends at the horizon");
    }

    /// A stored timer was disarmed, and committed.
    pub(crate) fn remove(&mut self, timer: TimerRow) {
        self.window.remove(&timer);
    }

    /// Arm a timer that a restart may forget.
    pub(crate) fn arm_task(&mut self, due: Timestamp, timer: TaskTimer) {
        self.tasks.push(Reverse((due, timer)));
    }

    /// Tell whether a timer of a workflow task is armed.
    #[cfg(feature = "simulation")]
    pub(crate) fn has_task(&self, timer: TaskTimer) -> bool {
        self.tasks.iter().any(|Reverse((_, other))| *other == timer)
    }

    /// The time until the next timer is due: stored ones go by workflow time, the others by steady time.
    pub(crate) fn next(&self, now: Timestamp, steady: Timestamp) -> Option<Duration> {
        let stored = self.window.first().map(|timer| timer.due.since(now));
        let task = self.tasks.peek().map(|Reverse((due, _))| due.since(steady));
        stored.into_iter().chain(task).min()
    }

    /// Tell whether there are stored ones.
    pub(crate) fn has_stored(&self) -> bool {
        !self.window.is_empty()
    }

    /// The stored timers that are due, at most `limit`, still armed.
    pub(crate) fn due(&self, now: Timestamp, limit: usize) -> Vec<TimerRow> {
        self.window.iter().take_while(|timer| timer.due <= now).take(limit).copied().collect()
    }

    /// Take a due timer of a workflow task.
    pub(crate) fn pop_task(&mut self, steady: Timestamp) -> Option<TaskTimer> {
        let Reverse((due, _)) = self.tasks.peek()?;
        if *due > steady {
            return None;
        }
        self.tasks.pop().map(|Reverse((_, timer))| timer)
    }

    /// Take the first timer of a workflow task if it has been due for so long.
    pub(crate) fn pop_task_due_for(
        &mut self,
        late: Duration,
        steady: Timestamp,
    ) -> Option<TaskTimer> {
        let late = i64::try_from(late.as_nanos()).unwrap_or(i64::MAX);
        self.pop_task(Timestamp(steady.0.saturating_sub(late)))
    }

    /// The first timer of a workflow task.
    pub(crate) fn first_task(&self) -> Option<TaskTimer> {
        self.tasks.peek().map(|Reverse((_, timer))| *timer)
    }

    /// Nothing would come of the first timer of a workflow task.
    pub(crate) fn drop_first_task(&mut self) {
        self.tasks.pop();
    }

    /// The window is used up while more is stored.
    pub(crate) fn needs_load(&self) -> bool {
        self.window.is_empty() && self.horizon.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::SqliteStore;

    fn timer(due: i64) -> TimerRow {
        TimerRow { due: Timestamp(due), run: RunKey(1), kind: TimerKind::User as i64, subject: due }
    }

    /// Fire everything in order, as the engine's loop does, and give the times.
    fn fire_all(timers: &mut Timers, store: &mut dyn Store) -> Vec<i64> {
        let mut fired = Vec::new();
        while timers.has_stored() {
            for timer in timers.due(Timestamp(i64::MAX), 100) {
                store.disarm(timer).ok();
                timers.remove(timer);
                fired.push(timer.due.0);
            }
            if timers.needs_load() {
                timers.load(store).ok();
            }
        }
        fired
    }

    #[test]
    fn more_timers_than_the_window_holds_fire_in_order_and_once()
    -> std::result::Result<(), Box<dyn std::error::Error>> {
        let mut store = SqliteStore::memory()?;
        let count = i64::try_from(3 * WINDOW)?;
        (1..=count).try_for_each(|due| store.arm(timer(due)))?;
        let mut timers = Timers::default();
        timers.load(&mut store)?;
        assert_eq!(timers.window.len(), WINDOW);
        assert_eq!(fire_all(&mut timers, &mut store), (1..=count).collect::<Vec<_>>());
        Ok(())
    }

    #[test]
    fn timers_armed_while_it_runs_leave_the_window_when_it_grows_too_large()
    -> std::result::Result<(), Box<dyn std::error::Error>> {
        let mut store = SqliteStore::memory()?;
        let count = i64::try_from(5 * WINDOW)?;
        let mut timers = Timers::default();
        for due in (1..=count).rev() {
            store.arm(timer(due))?;
            timers.insert(timer(due));
        }
        assert!(timers.window.len() <= 2 * WINDOW);
        assert_eq!(fire_all(&mut timers, &mut store), (1..=count).collect::<Vec<_>>());
        Ok(())
    }
}
