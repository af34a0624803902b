//! Mutations: bugs on purpose, to show that the simulation finds bugs.
//!
//! Each is a mistake that one is likely to make. Without the feature `simulation` there are none.

/// A bug on purpose.
#[cfg_attr(not(feature = "simulation"), allow(unreachable_pub, reason = "named in simulation"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// Events that were buffered during a workflow task are followed by no other task.
    LostWake,
    /// An activity that completes while a workflow task is being worked on stays pending.
    DoubleCompletion,
    /// Callers are answered before the commit.
    PrecommitReply,
    /// A child that ends while its parent is being worked on is forgotten, and its parent is not told.
    UntoldParent,
    /// Callers that wait for an update are forgotten when its run closes.
    ForgottenWaiter,
    /// Activities that are paused are given to workers.
    PausedActivity,
    /// Activities are handed out before the commit, as workflow tasks are.
    PrecommitActivity,
    /// A workflow task that was handed out of a transaction stays with its worker when that one fails.
    KeptLease,
    /// A run that goes back in its history has no timers.
    ForgottenTimer,
    /// The history of a run that is deleted stays.
    KeptHistory,
}

#[cfg(feature = "simulation")]
thread_local! {
    static ACTIVE: std::cell::Cell<Option<Mutation>> = const { std::cell::Cell::new(None) };
}

/// Give the engines that this thread turns by hand a mutation, or none.
#[cfg(feature = "simulation")]
pub fn activate(mutation: Option<Mutation>) {
    ACTIVE.set(mutation);
}

/// Tell whether a mutation is active on this thread.
#[cfg(feature = "simulation")]
pub(crate) fn is_active(mutation: Mutation) -> bool {
    ACTIVE.get() == Some(mutation)
}

/// Tell that no mutation is active: there are none without the simulation.
#[cfg(not(feature = "simulation"))]
pub(crate) const fn is_active(_mutation: Mutation) -> bool {
    false
}
