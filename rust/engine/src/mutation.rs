//! Bugs on purpose: whoever says that a simulation finds bugs shows it these.
//!
//! Each is a mistake that one is likely to make. Without the feature `simulation` there are none.

/// A bug that can be planted.
#[cfg_attr(not(feature = "simulation"), allow(unreachable_pub, reason = "named in simulation"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Events that were held back during a workflow task are followed by no other task.
    LostWake,
    /// An activity that completes while a workflow task is being worked on stays pending.
    DoubleCompletion,
    /// Callers are answered before the commit.
    EarlyReply,
    /// A child that ends while its parent is being worked on is forgotten, and its parent is not told.
    UntoldParent,
    /// Callers that wait for an update are forgotten when its run closes.
    ForgottenWaiter,
    /// Activities that are paused are given to workers.
    PausedActivity,
    /// Activities are handed out before the commit, as workflow tasks are.
    EarlyActivity,
    /// A workflow task that was handed out of a transaction stays with its worker when that one fails.
    KeptLease,
    /// A run that goes back in its history has no timers.
    ForgottenTimer,
    /// The history of a run that is deleted stays.
    KeptHistory,
}

#[cfg(feature = "simulation")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Give the engines that this thread turns by hand a bug, or none.
#[cfg(feature = "simulation")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Tell whether this bug is planted here.
#[cfg(feature = "simulation")]
pub(crate) fn planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Tell that no bug is active: there are none without the simulation.
#[cfg(not(feature = "simulation"))]
pub(crate) const fn planted(_bug: Bug) -> bool {
    false
}
