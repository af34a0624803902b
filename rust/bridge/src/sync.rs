//! Locks and conditions of the standard library, with the manners this crate wants.
//!
//! The standard library's own, because a wait in them leaves no trace outside the waiting thread:
//! a process may fork while its threads wait (see `fork.rs`). A panic while a lock is held does not
//! poison it: what is behind our locks is whole between any two statements.

use std::{
    sync::{MutexGuard, PoisonError, TryLockError},
    time::Duration,
};

/// A mutex that can't be poisoned.
#[derive(Default)]
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lock it, unless it is held: by a thread that a fork has left behind, perhaps.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A condition to wait for.
#[derive(Default)]
pub(crate) struct Condvar(std::sync::Condvar);

impl Condvar {
    pub(crate) const fn new() -> Self {
        Self(std::sync::Condvar::new())
    }

    /// Wait for a notification, for at most `at_most`. Wakes for no reason are allowed.
    pub(crate) fn wait_for<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        at_most: Duration,
    ) -> MutexGuard<'a, T> {
        let (guard, _) =
            self.0.wait_timeout(guard, at_most).unwrap_or_else(PoisonError::into_inner);
        guard
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}
