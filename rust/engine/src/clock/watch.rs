//! Being told when the system's clock was set, or when the machine has slept.
//!
//! The kernel cancels a timer of the real-time clock when that clock jumps, if it was asked to; waking
//! up from sleep is such a jump, because the clocks that waits go by stood still meanwhile. So a thread
//! waits for a timer that is never due, and costs nothing until the clock jumps.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rustix::io::{Errno, read, retry_on_intr};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// Room for the little that the thread does.
const STACK: usize = 64 << 10;

/// The thread, which ends with this.
pub(crate) struct ClockWatch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    timer: OwnedFd,
    is_over: AtomicBool,
}

impl ClockWatch {
    /// Call `told` whenever the clock has jumped. Fails where the system has no such timers.
    pub(crate) fn start(told: Box<dyn Fn() + Send>) -> std::io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::CLOEXEC)?;
        let shared = Arc::new(Shared { timer, is_over: AtomicBool::new(false) });
        shared.arm(i64::MAX)?;
        let thread = std::thread::Builder::new()
            .name("hourglass-clock".into())
            .stack_size(STACK)
            .spawn({
            let shared = Arc::clone(&shared);
            move || shared.watch(told.as_ref(), || shared.wait())
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }
}

impl Shared {
    /// Due that many seconds after 1970 and a bit, or when the clock jumps.
    fn arm(&self, seconds: i64) -> Result<(), Errno> {
        let never_again = Timespec { tv_sec: 0, tv_nsec: 0 };
        let due = Timespec { tv_sec: seconds, tv_nsec: 1 };
        let timer = Itimerspec { it_interval: never_again, it_value: due };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        match timerfd_settime(&self.timer, flags, &timer) {
            // It jumped since the last time; the timer is armed all the same.
            Ok(_) | Err(Errno::CANCELED) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Until it is due, which is an error if the clock jumped.
    fn wait(&self) -> Result<(), Errno> {
        let mut expirations = [0_u8; 8];
        retry_on_intr(|| read(&self.timer, &mut expirations)).map(drop)
    }

    fn watch(&self, told: &dyn Fn(), wait: impl Fn() -> Result<(), Errno>) {
        while !self.is_over.load(Ordering::SeqCst) {
            match wait() {
                Err(Errno::CANCELED) => {}
                Ok(()) => continue, // it is over, and this is how the thread learns of it
                Err(error) => return tracing::error!(%error, "the clock can't be watched"),
            }
            // First for the next time: who is told now reads what the clock says after this.
            if let Err(error) = self.arm(i64::MAX) {
                return tracing::error!(%error, "the clock can't be watched");
            }
            told();
        }
    }
}

impl Drop for ClockWatch {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // In the past, so due at once.
        if let Err(error) = self.shared.arm(0) {
            return tracing::error!(%error, "the thread that watches the clock is left behind");
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that watches the clock panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_watch_that_ends_takes_its_thread_along_and_says_nothing() -> std::io::Result<()> {
        let (sender, receiver) = std::sync::mpsc::channel();
        drop(ClockWatch::start(Box::new(move || sender.send(()).unwrap_or_default()))?);
        assert_eq!(receiver.recv(), Err(std::sync::mpsc::RecvError), "the sender went with it");
        Ok(())
    }

    #[test]
    fn every_jump_is_told_of_after_the_timer_is_armed_for_the_next() -> std::io::Result<()> {
        let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::CLOEXEC)?;
        let shared = Shared { timer, is_over: AtomicBool::new(false) };
        let (jumps, told) = (Cell::new(0), Cell::new(0));
        let jump = || {
            if jumps.replace(jumps.get() + 1) < 3 {
                return Err(Errno::CANCELED);
            }
            shared.is_over.store(true, Ordering::SeqCst);
            Ok(())
        };
        let tell = || {
            let armed = rustix::time::timerfd_gettime(&shared.timer).map(|timer| timer.it_value);
            assert!(armed.is_ok_and(|left| left.tv_sec > 0));
            shared.arm(0).ok(); // the next one must arm it again
            told.set(told.get() + 1);
        };
        shared.watch(&tell, jump);
        assert_eq!(told.get(), 3);
        Ok(())
    }
}
