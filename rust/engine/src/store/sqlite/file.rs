//! The files of a database: that nobody else can read them, that no other engine has them, and that
//! they stay where they are.
//!
//! # Locks
//!
//! Two engines on one file would each believe its own memory. A lock on a file *beside* the database
//! (`orders.db-lock`) goes by the name: it is lost when that file is deleted, and a hard link has
//! another one. A lock on the database itself goes by the inode, whatever it is called. SQLite has
//! POSIX locks on it, with two traps:
//!
//! * the locks of a process are dropped when it closes *any* descriptor of the file. So the lock here
//!   is an `flock`, which belongs to its descriptor and on Linux does not meet POSIX locks; the
//!   descriptor is closed after SQLite's; and the lock beside the database is tried first, so that a
//!   second engine of this process is refused before it opens, and closes, the database;
//! * whatever else of this process opens and closes the file (a backup, Python's own `sqlite3`) drops
//!   them all the same. Another program may then take itself for the only one, and delete the log when
//!   it leaves. That is noticed like any other loss: see below.
//!
//! Elsewhere than on Linux an `flock` meets POSIX locks, and the lock beside the database has to do:
//! there it is one of the files that must stay where they are.
//!
//! # Loss
//!
//! A file that is deleted, moved or replaced can still be written, and all of it is gone at the next
//! open. So before anybody is answered, device, inode and size of the database, and of what SQLite
//! keeps beside it, are compared with what was opened, before a transaction and after it: one `lstat`
//! each. The engine shrinks neither the database nor its log, but another program may: it may vacuum the
//! one, and empty the other into the database. SQLite knows whether that is what happened.

use std::fs::{File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{Error, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::EngineError;
use crate::store::{Result, StoreError};

/// Payloads are nobody else's business.
const MODE: u32 = 0o600;
const HEADER: &[u8] = b"SQLite format 3\0";

/// The files of a database that is open and locked.
pub(super) struct DatabaseFile {
    path: PathBuf,
    watched: Vec<Watched>,
    descriptors: LockedFile,
}

/// The descriptors that hold the locks; none once they were let go.
///
/// A forked child inherits them, and with them a share of the locks: until the child has closed its
/// copies, the file stays locked although the engine in the parent has ended.
#[derive(Clone)]
pub(crate) struct LockedFile(Arc<Mutex<Vec<File>>>);

/// A file that has to stay where it is.
struct Watched {
    path: PathBuf,
    device: u64,
    inode: u64,
    size: u64,
    /// Tells a file that another program made shorter from one that was cut.
    may_shrink: fn(&Connection, u64) -> bool,
}

impl LockedFile {
    /// In the child only. Closing a copy of a descriptor does not unlock the file.
    pub(crate) fn leave_to_parent(&self) {
        // Held only while the engine closes; a thread that does is not there in the child.
        if let Ok(mut files) = self.0.try_lock() {
            files.clear();
        }
    }
}

impl Drop for DatabaseFile {
    fn drop(&mut self) {
        let mut files = self.descriptors.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The note names nobody any more. Whoever opens the file next writes its own.
        if let Some(Err(error)) = files.last().map(|lock| lock.set_len(0)) {
            tracing::debug!(%error, "the lock's note could not be removed");
        }
        files.clear();
    }
}

impl DatabaseFile {
    /// Make the file, if it is not there, and lock it.
    pub(super) fn open(path: &Path) -> std::result::Result<Self, EngineError> {
        refuse_what_is_no_file(path)?;
        let path = resolved(path).map_err(|error| refused(path, &error))?;
        let found = lock_beside(&path, false)?;
        let (database, is_new) = open_database(&path).map_err(|error| refused(&path, &error))?;
        if cfg!(target_os = "linux") {
            try_lock(&database, &path, || None)?;
        }
        refuse_foreign(&database, &path)?;
        let mut lock = match found {
            Some(lock) => lock,
            None => lock_beside(&path, true)?.ok_or_else(|| in_use(&path, None))?,
        };
        leave_note(&mut lock).map_err(|error| refused(&path, &error))?;
        let mut file = Self {
            watched: Vec::new(),
            descriptors: LockedFile(Arc::new(Mutex::new(vec![database, lock]))),
            path,
        };
        file.watch("", ends_with_a_page).map_err(|error| refused(&file.path, &error))?;
        if cfg!(not(target_os = "linux")) {
            file.watch("-lock", |_, _| true).map_err(|error| refused(&file.path, &error))?;
        }
        if !is_new {
            file.warn_if_open_to_others();
        }
        Ok(file)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn descriptors(&self) -> LockedFile {
        self.descriptors.clone()
    }

    /// SQLite has made its own files.
    pub(super) fn watch_log(&mut self) -> std::result::Result<(), EngineError> {
        self.watch("-wal", is_in_the_database)
            .and_then(|()| self.watch("-shm", |_, _| true))
            .map_err(|error| refused(&self.path, &error))
    }

    fn watch(
        &mut self,
        suffix: &str,
        may_shrink: fn(&Connection, u64) -> bool,
    ) -> std::io::Result<()> {
        let path = beside(&self.path, suffix);
        let found = path.symlink_metadata()?;
        let (device, inode) = (found.dev(), found.ino());
        self.watched.push(Watched { path, device, inode, size: found.len(), may_shrink });
        Ok(())
    }

    /// Compare every file with what was opened.
    pub(super) fn verify(&mut self, connection: &Connection) -> Result<()> {
        for file in &mut self.watched {
            let size = file.size_now()?;
            if size < file.size && !(file.may_shrink)(connection, size) {
                let (path, from) = (file.path.display(), file.size);
                let how = format!("{path} was cut from {from} to {size} bytes while it was open");
                return Err(StoreError::Lost(how));
            }
            file.size = size;
        }
        Ok(())
    }

    fn warn_if_open_to_others(&self) {
        let Ok(found) = self.path.metadata() else { return };
        let mode = found.mode() & 0o777;
        if mode & !MODE != 0 {
            let path = self.path.display();
            tracing::warn!(
                "{path} has the mode {mode:03o}, so that others can get at what workflows were \
                 given: run chmod 600 {path} {path}-*"
            );
        }
    }
}

impl Watched {
    fn size_now(&self) -> Result<u64> {
        let lost = |how| StoreError::Lost(format!("{} {how}", self.path.display()));
        match self.path.symlink_metadata() {
            Ok(found) if (found.dev(), found.ino()) == (self.device, self.inode) => Ok(found.len()),
            Ok(_) => Err(lost("was replaced while it was open")),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Err(lost("was deleted or moved while it was open"))
            }
            Err(error) => Err(StoreError::Io(format!("{}: {error}", self.path.display()))),
        }
    }
}

/// A database that was vacuumed ends with its last page.
fn ends_with_a_page(connection: &Connection, size: u64) -> bool {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let sizes = pragma("page_count").and_then(|pages| Ok(pages * pragma("page_size")?));
    sizes.is_ok_and(|expected| u64::try_from(expected).is_ok_and(|expected| expected == size))
}

/// A log that was cut can't be copied into the database; one that was emptied is there already.
fn is_in_the_database(connection: &Connection, _: u64) -> bool {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).is_ok()
}

/// A file beside the database.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Opening a FIFO waits for its other end, and opening a device may do anything.
fn refuse_what_is_no_file(path: &Path) -> std::result::Result<(), EngineError> {
    let found = match path.metadata() {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused(path, &error)),
    };
    let kind = found.file_type();
    let what = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => "it is a directory",
        () if kind.is_fifo() => "it is a FIFO",
        () if kind.is_socket() => "it is a socket",
        () => "it is a device",
    };
    Err(EngineError::NotOurs { path: path.into(), detail: what.into() })
}

/// The path without symbolic links, as SQLite names the files beside it.
fn resolved(path: &Path) -> std::io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        found => return found,
    }
    if let Ok(target) = path.read_link() {
        return resolved(&path.parent().unwrap_or(Path::new("")).join(target));
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new(".")).canonicalize()?;
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    Ok(parent.join(name))
}

/// Open the database; tells whether it was made.
fn open_database(path: &Path) -> std::io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    // Not to wait, should it have become a FIFO.
    options.read(true).write(true).mode(MODE).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            file.set_permissions(Permissions::from_mode(MODE))?; // whatever the umask says
            Ok((file, true))
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok((options.open(path)?, false)),
        Err(error) => Err(error),
    }
}

/// Opening a database in WAL mode writes beside it: is it a database at all?
fn refuse_foreign(database: &File, path: &Path) -> std::result::Result<(), EngineError> {
    let mut header = [0; HEADER.len()];
    let length = database.metadata().map_err(|error| refused(path, &error))?.len();
    if length == 0 {
        return Ok(());
    }
    match database.read_exact_at(&mut header, 0) {
        Ok(()) if header == HEADER => Ok(()),
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(refused(path, &error)),
        _ => {
            let detail = "it is not an SQLite database".into();
            Err(EngineError::NotOurs { path: path.into(), detail })
        }
    }
}

/// Lock the file beside the database. `None`: it is not there, and was not to be made.
fn lock_beside(path: &Path, create: bool) -> std::result::Result<Option<File>, EngineError> {
    let name = beside(path, "-lock");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(create).mode(MODE).custom_flags(libc::O_NOFOLLOW);
    loop {
        let file = match options.open(&name) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound && !create => return Ok(None),
            Err(error) => return Err(refused(&name, &error)),
        };
        try_lock(&file, path, || noted_holder(&file))?;
        // Somebody may have deleted it between open and lock: then the lock is worth nothing.
        let same = |named: Metadata| file.metadata().is_ok_and(|ours| named.ino() == ours.ino());
        if name.symlink_metadata().is_ok_and(same) {
            return Ok(Some(file));
        }
    }
}

fn try_lock(
    file: &File,
    path: &Path,
    holder: impl FnOnce() -> Option<u32>,
) -> std::result::Result<(), EngineError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(in_use(path, holder())),
        Err(TryLockError::Error(error)) => Err(refused(path, &error)),
    }
}

/// Say who has the lock: the process, and when it was started.
fn leave_note(lock: &mut File) -> std::io::Result<()> {
    let pid = std::process::id();
    let note = format!("{pid} {}\n", start_of(pid).unwrap_or_default());
    lock.set_len(0)?;
    lock.rewind()?;
    lock.write_all(note.as_bytes())
}

/// Whom the note names, unless it is one that was left behind: that process is gone, or its number
/// is another's.
fn noted_holder(mut lock: &File) -> Option<u32> {
    let mut note = String::new();
    lock.read_to_string(&mut note).ok()?;
    let (pid, start) = note.trim_end().split_once(' ')?;
    let pid = pid.parse().ok()?;
    (start_of(pid).unwrap_or_default() == start).then_some(pid)
}

/// When a process was started, in a unit of the system's; `None` where the system does not say.
fn start_of(pid: u32) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program may hold anything; it ends with the last parenthesis.
    let (_, fields) = status.rsplit_once(") ")?;
    fields.split(' ').nth(19).map(str::to_owned)
}

fn in_use(path: &Path, holder: Option<u32>) -> EngineError {
    EngineError::InUse { path: path.into(), holder }
}

fn refused(path: &Path, error: &Error) -> EngineError {
    let (path, detail) = (path.to_owned(), error.to_string());
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            EngineError::ReadOnly { path, detail }
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            EngineError::Full { path, detail }
        }
        _ => EngineError::Storage { path, detail },
    }
}
