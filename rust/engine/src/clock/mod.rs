//! Time and randomness, injected. Nothing else in the crate asks the system for either.

pub(crate) mod skipping;
#[cfg(target_os = "linux")]
mod watch;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A moment of workflow time: nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// `self + duration`, at the end of time when that overflows.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)))
    }

    /// The duration since `earlier`; zero when that is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Where time comes from.
///
/// *Workflow time* stamps events and drives timers and timeouts, and a test may skip through it.
/// *Wall time* only ends long polls and tells whether a sticky queue is still polled: a caller waits
/// in real seconds whatever workflow time does.
pub trait Clock: Send + Sync + 'static {
    /// Workflow time.
    fn now(&self) -> Timestamp;
    /// Wall time.
    fn wall(&self) -> Instant;
    /// Time that only passes, from any origin, at the pace of workflow time: tells how long a worker
    /// has had something. What a test skips passes here too; what somebody sets the clock by does not.
    fn steady(&self) -> Timestamp {
        self.now()
    }
    /// Have `told` called after workflow time has jumped for everybody, because somebody set the clock
    /// or the machine slept; no wait ends by itself then. Lasts as long as what is returned. `None`: it
    /// can't be told, and who waits reads the clock every few seconds.
    fn watch(&self, told: Box<dyn Fn() + Send>) -> Option<Box<dyn Send>> {
        drop(told);
        None
    }
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }

    #[allow(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
    fn wall(&self) -> Instant {
        Instant::now()
    }

    fn steady(&self) -> Timestamp {
        static ORIGIN: LazyLock<Instant> = LazyLock::new(|| SystemClock.wall());
        Timestamp::default().after(self.wall().saturating_duration_since(*ORIGIN))
    }

    // Other systems tell only programs with an event loop of their kind, or nobody.
    #[cfg(target_os = "linux")]
    fn watch(&self, told: Box<dyn Fn() + Send>) -> Option<Box<dyn Send>> {
        match crate::clock::watch::ClockWatch::start(told) {
            Ok(watch) => Some(Box::new(watch)),
            Err(error) => {
                tracing::warn!(%error, "the clock can't be watched, so it is read again and again");
                None
            }
        }
    }
}

/// Where randomness comes from.
pub trait Entropy: Send + Sync + 'static {
    /// Sixteen random bytes.
    fn bytes(&self) -> [u8; 16];
}

/// The system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
    fn bytes(&self) -> [u8; 16] {
        uuid::Uuid::new_v4().into_bytes()
    }
}

/// Randomness that repeats: the same seed gives the same bytes, for tests.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// Start from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn next(&self) -> u64 {
        // SplitMix64: every state gives a different, well mixed output.
        let step = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self.0.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Entropy for SeededEntropy {
    fn bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.next().to_be_bytes());
        bytes[8..].copy_from_slice(&self.next().to_be_bytes());
        bytes
    }
}
