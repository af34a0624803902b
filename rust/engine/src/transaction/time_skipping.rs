//! Time skipping, for tests of workflows: where nothing is going on, time jumps to the next timer.
//!
//! One counter decides. Who wants time to pass as it does everywhere holds it: a test, by the calls of
//! the test service, and the engine itself while work is in flight: a workflow task from its scheduling
//! to its end, an activity from its scheduling to the end of the attempt, a query until it is answered.
//! While the counter is positive, time goes at the wall's pace. At zero it jumps to the earliest timer,
//! which fires alone: what it sets off holds the counter before the next jump is considered. Without a
//! timer there is nowhere to jump to, and time goes at the wall's pace too.
//!
//! Whatever the counter says, time does not skip while a worker has a workflow task: that takes moments,
//! and a worker that is there should not lose it to a jump over the task's timeout.
//!
//! The counter must be *one*: an activity that holds it may sleep on the test service, which lets go of
//! it, and its own heartbeat timeout then fires. So the test's share alone may be negative.

use std::time::Duration;

use prost::Message;

use crate::ids::RunKey;
use crate::proto::testservice::SleepResponse;
use crate::state::reply::{Reply, Responder};
use crate::state::run::Run;
use crate::state::task_queues::ParkedAt;
use crate::state::time_skipping::Sleeper;
use crate::state::timers::TaskTimer;
use crate::store::record::ActivityState;
use crate::transaction::context::Context;
use crate::{Code, RpcStatus, Timestamp};

/// A sleeper that names no limit is there for ever.
const FOREVER: Duration = Duration::from_hours(24 * 365 * 10);

/// Count the tasks of a run that workers have, or are to have now.
fn work_in_flight(run: &Run) -> i64 {
    if !run.is_open() {
        return 0;
    }
    let activities = run.activities.values();
    let with_workers =
        activities.filter(|a| a.is_ready() || a.state() == ActivityState::Started).count();
    i64::from(run.workflow_task().is_some()) + i64::try_from(with_workers).unwrap_or(i64::MAX)
}

impl Context {
    fn counter(&self) -> Option<i64> {
        let skipping = self.time_skipping.as_ref()?;
        let queries = i64::try_from(self.queries.len()).unwrap_or(i64::MAX);
        Some(skipping.locks + skipping.busy + queries)
    }

    /// Hold the counter once more.
    pub(crate) fn lock_time(&mut self) {
        if let Some(skipping) = &mut self.time_skipping {
            skipping.locks += 1;
        }
    }

    /// Let go of the counter once.
    pub(crate) fn unlock_time(&mut self) -> Result<(), RpcStatus> {
        let is_held = self.counter().is_some_and(|counter| counter > 0);
        let Some(skipping) = self.time_skipping.as_mut().filter(|_| is_held) else {
            let message = "Unbalanced lock and unlock calls";
            return Err(RpcStatus::new(Code::FailedPrecondition, message));
        };
        skipping.locks -= 1;
        Ok(())
    }

    /// The caller waits until `due`. With `relocks` it has let go of the counter until then.
    pub(crate) fn sleep_until(&mut self, due: Timestamp, relocks: bool) {
        let responder = self.caller.responder.take();
        let expires = self.expiry(FOREVER);
        let Some(skipping) = &mut self.time_skipping else { return };
        skipping.last_sleeper += 1;
        let id = skipping.last_sleeper;
        let waiting = responder
            .map(|responder| (responder, self.matching.park(expires, ParkedAt::Sleep(id))));
        skipping.sleepers.insert(id, Sleeper { waiting, relocks });
        let due = self.env.steady.after(due.since(self.env.now));
        self.env.task_timers.push((due, TaskTimer::Sleep(id)));
    }

    /// Time has come.
    pub(crate) fn wake(&mut self, id: u64) {
        let Some(skipping) = &mut self.time_skipping else { return };
        let Some(sleeper) = skipping.sleepers.remove(&id) else { return };
        skipping.locks += i64::from(sleeper.relocks);
        if let Some((responder, ticket)) = sleeper.waiting {
            self.matching.unpark(ticket);
            self.reply(responder, Reply::new(Ok(SleepResponse {}.encode_to_vec().into())));
        }
    }

    /// The caller's own time is over; what it promised to lock again is locked when time comes.
    pub(crate) fn expired_sleep(&mut self, id: u64) -> Option<Responder> {
        let sleeper = self.time_skipping.as_mut()?.sleepers.get_mut(&id)?;
        sleeper.waiting.take().map(|(responder, _)| responder)
    }

    /// Count a run's work in flight anew.
    pub(crate) fn count_in_flight(&mut self, run: RunKey) {
        let Some(skipping) = &mut self.time_skipping else { return };
        let state = self.runs.get(&run);
        skipping.set_in_flight(run, state.map_or(0, work_in_flight));
        if state.is_some_and(|run| run.is_open() && run.volatile.lease.is_some()) {
            skipping.leased.insert(run);
        } else {
            skipping.leased.remove(&run);
        }
    }

    /// Tell whether nothing holds time, and there is a timer, though it may be of no use any more.
    pub(crate) fn may_skip(&self) -> bool {
        let is_leased = self.time_skipping.as_ref().is_some_and(|s| !s.leased.is_empty());
        self.counter().is_some_and(|counter| counter <= 0 && !is_leased)
            && self.next_timer().is_some()
    }

    /// Tell whether nothing holds time and there is a timer to jump to. Timers that are of no use any
    /// more are dropped: time does not stop at them.
    pub(crate) fn can_skip(&mut self) -> bool {
        if !self.may_skip() {
            return false;
        }
        while let Some(timer) = self.timers.first_task().filter(|timer| !self.is_live(*timer)) {
            tracing::trace!(?timer, "dropped");
            self.timers.drop_first_task();
        }
        self.next_timer().is_some()
    }

    /// The time until the first timer.
    fn next_timer(&self) -> Option<Duration> {
        self.timers.next(self.env.clock.now(), self.env.clock.steady())
    }

    /// Jump to the first timer.
    pub(crate) fn skip(&self) {
        if let (Some(skipping), Some(wait)) = (&self.time_skipping, self.next_timer()) {
            skipping.jump(wait);
        }
    }
}
