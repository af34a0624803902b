//! Timers that are in memory only: whether one is still of use, and firing it.

use crate::ids::RunKey;
use crate::machine::{speculative, workflow_task};
use crate::state::timers::TaskTimer;
use crate::transaction::context::{CallError, Context};

impl Context {
    /// Tell whether anything would come of the timer. Only a run in memory can have a lease, a sticky queue
    /// or a speculative task.
    pub(crate) fn is_live(&self, timer: TaskTimer) -> bool {
        match timer {
            TaskTimer::StickyQuery(id) => self.queries.is_asked(id),
            TaskTimer::Sleep(_) => true,
            _ => {
                timer.run().and_then(|key| self.runs.get(&key)).is_some_and(|run| timer.is_of(run))
            }
        }
    }

    /// The worker that has the run's workflow task reads another page of the history: it is at work, and
    /// its time begins anew. A replay that takes longer than a workflow task may would otherwise be
    /// begun from nothing, again and again.
    pub(crate) fn extend_lease(&mut self, key: RunKey) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        if let Some(lease) = &mut run.volatile.lease {
            let limit = workflow_task::start_to_close(run.row.record.task_timeout, lease.attempt);
            lease.ends = self.env.steady.after(limit);
        }
    }

    /// A timer is due that is in memory only.
    pub(crate) fn fire_task(&mut self, timer: TaskTimer) -> Result<(), CallError> {
        match timer {
            TaskTimer::StickyQuery(id) => return self.query_timed_out(id),
            TaskTimer::Sleep(id) => {
                self.wake(id);
                return Ok(());
            }
            TaskTimer::StartToClose(key, _) if self.is_live(timer) => {
                let lease = self.runs.get(&key).and_then(|run| run.volatile.lease.as_ref());
                if let Some(ends) = lease.map(|lease| lease.ends).filter(|at| *at > self.env.steady)
                {
                    self.timers.arm_task(ends, timer);
                    return Ok(());
                }
            }
            _ => {}
        }
        let Some(key) = timer.run().filter(|_| self.is_live(timer)) else { return Ok(()) };
        let Some((run, env)) = self.open_run(key)? else { return Ok(()) };
        match timer {
            TaskTimer::StartToClose(..) => {
                workflow_task::end(run, env, workflow_task::Ended::TimedOut);
            }
            TaskTimer::StickyScheduleToStart(..) => workflow_task::unclaimed(run, env),
            TaskTimer::SpeculativeScheduleToStart(_, scheduled) => {
                speculative::timed_out(run, env, scheduled);
            }
            TaskTimer::StickyQuery(_) | TaskTimer::Sleep(_) => {}
        }
        Ok(())
    }
}
