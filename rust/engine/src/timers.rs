//! What happens by the passing of time.
//!
//! All durable timers are rows in order of time. In memory is a window: the first of them, so that a
//! million sleeping workflows cost rows and not memory. A timer behind the window's end stays in the
//! store until the window is used up. Timeouts of workflow tasks are in memory only, like the fact
//! that a worker has them.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use crate::Timestamp;
use crate::ids::{EventId, QueryId, RunKey};
use crate::store::{Result, Store, TimerRow};

/// How many timers a window is filled with; at twice as many it is cut.
const WINDOW: usize = 4096;

/// What a stored timer is for. The numbers are stored.
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
    /// The worker that has the run in its cache did not fetch it; names the scheduled event.
    StickyScheduleToStart(RunKey, EventId),
    /// The worker that has the run in its cache did not answer a query.
    StickyQuery(QueryId),
}

/// The window, and the timers that are in memory only.
#[derive(Default)]
pub(crate) struct Timers {
    window: BTreeSet<TimerRow>,
    /// The last timer of the window; later ones are only stored. `None`: there are none.
    horizon: Option<TimerRow>,
    tasks: BinaryHeap<Reverse<(Timestamp, TaskTimer)>>,
}

impl Timers {
    /// Read the window anew.
    pub(crate) fn load(&mut self, store: &mut dyn Store) -> Result<()> {
        let first = store.first_timers(WINDOW)?;
        self.horizon = if first.len() < WINDOW { None } else { first.last().copied() };
        self.window = first.into_iter().collect();
        Ok(())
    }

    /// A stored timer was armed, and committed.
    pub(crate) fn arm(&mut self, timer: TimerRow) {
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
    }

    /// A stored timer was disarmed, and committed.
    pub(crate) fn disarm(&mut self, timer: TimerRow) {
        self.window.remove(&timer);
    }

    /// Arm a timer that a restart may forget.
    pub(crate) fn arm_task(&mut self, due: Timestamp, timer: TaskTimer) {
        self.tasks.push(Reverse((due, timer)));
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let stored = self.window.first().map(|timer| timer.due);
        let task = self.tasks.peek().map(|Reverse((due, _))| *due);
        stored.into_iter().chain(task).min()
    }

    /// The stored timers that are due, at most `limit`, still armed.
    pub(crate) fn due(&self, now: Timestamp, limit: usize) -> Vec<TimerRow> {
        self.window.iter().take_while(|timer| timer.due <= now).take(limit).copied().collect()
    }

    /// Take a due timer of a workflow task.
    pub(crate) fn pop_task(&mut self, now: Timestamp) -> Option<TaskTimer> {
        let Reverse((due, _)) = self.tasks.peek()?;
        if *due > now {
            return None;
        }
        self.tasks.pop().map(|Reverse((_, timer))| timer)
    }

    /// The window is used up while more is stored.
    pub(crate) fn needs_load(&self) -> bool {
        self.window.is_empty() && self.horizon.is_some()
    }
}
