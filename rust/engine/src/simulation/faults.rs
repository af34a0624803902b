//! Which step of a store fails, and how.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::{Result, StoreError};

/// The steps at which a store can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Reading something.
    Read,
    /// Changing something, or beginning to.
    Write,
    /// Making a transaction durable.
    Commit,
}

/// The ways in which a step fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk is full.
    Full,
    /// The disk does not work.
    Io,
    /// The database has become read-only.
    ReadOnly,
}

impl Fault {
    fn error(self) -> StoreError {
        match self {
            Self::Full => StoreError::Full("a planned fault".into()),
            Self::Io => StoreError::Io("a planned fault".into()),
            Self::ReadOnly => StoreError::ReadOnly("a planned fault".into()),
        }
    }
}

/// The faults of a store: shared by the store and by the test that plans them.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    /// Everything fails like this.
    broken: Option<Fault>,
    /// The step that fails next.
    next: Option<Next>,
    crashed: bool,
    commits: u64,
    steps: u64,
}

#[derive(Debug)]
struct Next {
    step: Step,
    /// The number of these steps that succeed before.
    after: u64,
    fault: Fault,
    /// The machine stops at this step. If it is a commit, it may or may not be on the disk.
    crash: bool,
}

impl Faults {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The `nth` such step from now on fails, and only that one; 1 is the next.
    pub fn fail(&self, step: Step, nth: u64, fault: Fault) {
        let after = nth.saturating_sub(1);
        self.plan().next = Some(Next { step, after, fault, crash: false });
    }

    /// The machine stops at the `nth` such step from now on. A write is not done; a commit is done, so
    /// that whoever looks at the files decides how much of it has reached the disk. Nobody is told, and
    /// nothing works any more.
    pub fn crash(&self, step: Step, nth: u64) {
        let after = nth.saturating_sub(1);
        self.plan().next = Some(Next { step, after, fault: Fault::Io, crash: true });
    }

    /// Everything fails until [`Self::heal`].
    pub fn break_down(&self, fault: Fault) {
        self.plan().broken = Some(fault);
    }

    /// Everything works again, and nothing is planned.
    pub fn heal(&self) {
        let mut plan = self.plan();
        (plan.broken, plan.next, plan.crashed) = (None, None, false);
    }

    /// Tell whether a step that is to fail has not come yet.
    #[must_use]
    pub fn is_planned(&self) -> bool {
        self.plan().next.is_some()
    }

    /// Tell whether the planned crash has happened.
    #[must_use]
    pub fn crashed(&self) -> bool {
        self.plan().crashed
    }

    /// Transactions that were committed, for good as far as the store knows.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.plan().commits
    }

    /// Everything the store was asked to do.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.plan().steps
    }

    /// Do a step, unless it is to fail.
    pub(crate) fn attempt<T>(&self, step: Step, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let mut plan = self.plan();
        plan.steps += 1;
        if let Some(fault) = plan.broken {
            return Err(fault.error());
        }
        if let Some(next) = plan.next.take_if(|next| next.step == step && next.after == 0) {
            if next.crash {
                (plan.crashed, plan.broken) = (true, Some(next.fault));
                if step == Step::Commit {
                    act()?;
                }
            }
            return Err(next.fault.error());
        }
        if let Some(next) = plan.next.as_mut().filter(|next| next.step == step) {
            next.after -= 1;
        }
        let done = act()?;
        if step == Step::Commit {
            plan.commits += 1;
        }
        Ok(done)
    }
}
