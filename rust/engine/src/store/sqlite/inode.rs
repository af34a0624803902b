//! Telling SQLite that a forked child is another process.
//!
//! SQLite keeps a list of the files that the process has open: which locks it holds on each, and
//! the shared memory of the write-ahead log. A forked child has a copy of the list, in which the
//! parent's connections stand as if they were its own. A connection that the child opens would join
//! them: without locks, since the list says they are held, and in shared memory that the parent may
//! have deleted. SQLite finds files in the list by device and inode, as `fstat` tells them; so the
//! `fstat` it uses here tells every process a device of its own, and what was inherited is never
//! found. Both are keys only, and nothing else of SQLite looks at the device.

use std::ffi::CStr;
use std::os::raw::c_int;
use std::sync::Once;

use rusqlite::ffi;

type Fstat = unsafe extern "C" fn(c_int, *mut libc::stat) -> c_int;
type SystemCall = unsafe extern "C" fn();

const FSTAT: &CStr = c"fstat";

/// Do so from now on. Once is enough, for children too.
pub(super) fn tell_processes_apart() {
    static ONCE: Once = Once::new();
    ONCE.call_once(install);
}

#[expect(unsafe_code, reason = "SQLite has this hook in C only")]
fn install() {
    // SAFETY: the default VFS lives as long as the process. Its `fstat` slot takes a function with
    // the signature of fstat(2), which `stat_of` has; SQLite casts it back before it calls it.
    unsafe {
        let vfs = ffi::sqlite3_vfs_find(std::ptr::null());
        if let Some(vfs) = vfs.as_mut()
            && let Some(set) = vfs.xSetSystemCall
        {
            let replacement = std::mem::transmute::<Fstat, SystemCall>(stat_of);
            set(vfs, FSTAT.as_ptr(), Some(replacement));
        }
    }
}

/// `fstat`, with a device that no other process sees.
#[expect(unsafe_code, reason = "called by SQLite, with its memory")]
unsafe extern "C" fn stat_of(descriptor: c_int, result: *mut libc::stat) -> c_int {
    // SAFETY: SQLite passes a descriptor and room for the result.
    unsafe {
        let status = libc::fstat(descriptor, result);
        if status == 0
            && let Some(result) = result.as_mut()
        {
            result.st_dev = result.st_dev.wrapping_add(device_of_this_process());
        }
        status
    }
}

fn device_of_this_process() -> libc::dev_t {
    libc::dev_t::from(std::process::id()) << 32
}
