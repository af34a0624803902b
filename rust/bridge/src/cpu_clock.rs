//! The CPU time of one thread, read by another.

#![expect(unsafe_code, reason = "the system's calls for this have no safe wrapper")]

use std::time::Duration;

#[cfg(not(target_vendor = "apple"))]
mod system {
    use super::Duration;

    /// A clock that runs while its thread does.
    pub(crate) struct CpuClock(libc::clockid_t);

    impl CpuClock {
        /// The clock of the calling thread.
        pub(crate) fn of_this_thread() -> Option<Self> {
            let mut clock = 0;
            // SAFETY: the calling thread exists, and the pointer is to a live local.
            let status =
                unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut clock) };
            (status == 0).then_some(Self(clock))
        }

        /// Read the time that the thread has run; `None` when it has ended.
        pub(crate) fn read(&self) -> Option<Duration> {
            // SAFETY: a `timespec` is plain numbers, and zero is one.
            let mut time: libc::timespec = unsafe { std::mem::zeroed() };
            // SAFETY: the pointer is to a live local; a clock that is gone is an error.
            let status = unsafe { libc::clock_gettime(self.0, &raw mut time) };
            if status != 0 {
                return None;
            }
            let seconds = u64::try_from(time.tv_sec).ok()?;
            Some(Duration::new(seconds, u32::try_from(time.tv_nsec).ok()?))
        }
    }
}

#[cfg(target_vendor = "apple")]
mod system {
    use super::Duration;

    /// A clock that runs while its thread does. There is no clock id for it here: the kernel is
    /// asked about the thread, by its port.
    pub(crate) struct CpuClock(libc::mach_port_t);

    impl CpuClock {
        /// The clock of the calling thread.
        #[allow(clippy::unnecessary_wraps)] // it can fail elsewhere
        pub(crate) fn of_this_thread() -> Option<Self> {
            // SAFETY: the calling thread exists.
            Some(Self(unsafe { libc::pthread_mach_thread_np(libc::pthread_self()) }))
        }

        /// Read the time that the thread has run; `None` when it has ended.
        pub(crate) fn read(&self) -> Option<Duration> {
            let flavor = libc::thread_flavor_t::try_from(libc::THREAD_BASIC_INFO).ok()?;
            let mut count = libc::THREAD_BASIC_INFO_COUNT;
            // SAFETY: the structure is plain numbers, and zero is one.
            let mut info: libc::thread_basic_info = unsafe { std::mem::zeroed() };
            // SAFETY: `count` says how much room there is; a thread that is gone is an error.
            let status = unsafe {
                libc::thread_info(self.0, flavor, (&raw mut info).cast(), &raw mut count)
            };
            if status != libc::KERN_SUCCESS {
                return None;
            }
            Some(duration(info.user_time)? + duration(info.system_time)?)
        }
    }

    fn duration(time: libc::time_value_t) -> Option<Duration> {
        let seconds = Duration::from_secs(u64::try_from(time.seconds).ok()?);
        Some(seconds + Duration::from_micros(u64::try_from(time.microseconds).ok()?))
    }
}

pub(crate) use system::CpuClock;
