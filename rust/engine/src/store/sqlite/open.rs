//! Opening a database: whose it is, which format it has, and that nobody else has it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::SqliteStore;
use crate::{EngineError, Synchronous};

/// Marks a file as ours: the letters `HrGl`.
const APPLICATION_ID: i64 = 0x4872_476c;
/// Each takes the format from its index to the next.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/001.sql"),
    include_str!("../../../migrations/002.sql"),
    include_str!("../../../migrations/003.sql"),
    include_str!("../../../migrations/004.sql"),
    include_str!("../../../migrations/005.sql"),
    include_str!("../../../migrations/006.sql"),
    include_str!("../../../migrations/007.sql"),
];

/// A lock on a file beside the database, which holds the process id of whoever has it. It is not on
/// the database itself: closing any descriptor of that would drop SQLite's own locks.
pub(super) struct FileLock(LockedFile);

/// The descriptor that holds the lock; `None` once it was let go.
///
/// A forked child inherits it, and with it a share of the lock: until the child has closed its copy,
/// the file stays locked although the engine in the parent has ended.
#[derive(Clone)]
pub(crate) struct LockedFile(Arc<Mutex<Option<File>>>);

impl FileLock {
    pub(super) fn file(&self) -> LockedFile {
        self.0.clone()
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        drop(self.0.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl LockedFile {
    /// In the child only. Closing a copy of the descriptor does not unlock the file.
    pub(crate) fn leave_to_parent(&self) {
        // Held only while the engine closes; a thread that does is not there in the child.
        if let Ok(mut file) = self.0.try_lock() {
            drop(file.take());
        }
    }
}

impl SqliteStore {
    /// A database in memory.
    pub(crate) fn memory() -> Result<Self, EngineError> {
        let path = PathBuf::from(":memory:");
        let connection = Connection::open_in_memory().map_err(|error| storage(&path, &error))?;
        Self::prepare(connection, None, &path, Synchronous::Normal)
    }

    /// The database in a file, made when it is not there.
    pub(crate) fn open(path: &Path, synchronous: Synchronous) -> Result<Self, EngineError> {
        refuse_foreign(path)?;
        let lock = lock(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        super::inode::tell_processes_apart();
        let connection =
            Connection::open_with_flags(path, flags).map_err(|error| storage(path, &error))?;
        Self::prepare(connection, Some(lock), path, synchronous)
    }

    fn prepare(
        mut connection: Connection,
        lock: Option<FileLock>,
        path: &Path,
        synchronous: Synchronous,
    ) -> Result<Self, EngineError> {
        let failed = |error: rusqlite::Error| storage(path, &error);
        connection.set_prepared_statement_cache_capacity(256);
        // Plans don't depend on bound values: without this, statements are parsed again and again.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(failed)?;
        check_format(&connection, path)?;
        let level = match synchronous {
            Synchronous::Full => "FULL",
            Synchronous::Normal => "NORMAL",
        };
        connection
            .execute_batch(&format!(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = {level}; PRAGMA cache_size = -65536;
                 PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000;"
            ))
            .map_err(failed)?;
        migrate(&mut connection).map_err(failed)?;
        Ok(Self { connection, in_transaction: false, lock })
    }
}

/// Before SQLite touches a file (opening one in WAL mode writes beside it): is it a database at all?
fn refuse_foreign(path: &Path) -> Result<(), EngineError> {
    let mut header = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(16).read_to_end(&mut header).map_err(|error| {
            EngineError::Storage { path: path.into(), detail: error.to_string() }
        })?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(denied_or(path, &error)),
    };
    if header.is_empty() || header == b"SQLite format 3\0" {
        return Ok(());
    }
    Err(EngineError::NotOurs { path: path.into(), detail: "not an SQLite database".into() })
}

fn denied_or(path: &Path, error: &std::io::Error) -> EngineError {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    let detail = error.to_string();
    if matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem) {
        EngineError::ReadOnly { path: path.into(), detail }
    } else {
        EngineError::Storage { path: path.into(), detail }
    }
}

fn lock(path: &Path) -> Result<FileLock, EngineError> {
    // Refuse a read-only database before leaving a lock file beside it.
    match OpenOptions::new().append(true).open(path) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(denied_or(path, &error)),
    }
    let mut name = path.as_os_str().to_owned();
    name.push("-lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(PathBuf::from(name))
        .map_err(|error| denied_or(path, &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let holder = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            return Err(EngineError::InUse { path: path.into(), holder });
        }
        Err(TryLockError::Error(error)) => return Err(denied_or(path, &error)),
    }
    let note = format!("{}\n", std::process::id());
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(note.as_bytes()))
        .map_err(|error| denied_or(path, &error))?;
    Ok(FileLock(LockedFile(Arc::new(Mutex::new(Some(file))))))
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}

fn check_format(connection: &Connection, path: &Path) -> Result<(), EngineError> {
    let failed = |error: rusqlite::Error| storage(path, &error);
    let application = pragma(connection, "application_id").map_err(failed)?;
    let found = pragma(connection, "user_version").map_err(failed)?;
    let tables = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
        .map_err(failed)?;
    if application != APPLICATION_ID && (application != 0 || found != 0 || tables != 0) {
        let detail = format!("an SQLite database of another application, id {application:#x}");
        return Err(EngineError::NotOurs { path: path.into(), detail });
    }
    let supported = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > supported {
        return Err(EngineError::NewerFormat { path: path.into(), found, supported });
    }
    Ok(())
}

fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let found = usize::try_from(pragma(connection, "user_version")?).unwrap_or(0);
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(found) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(migration)?;
        transaction.execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {};",
            index + 1
        ))?;
        transaction.commit()?;
    }
    Ok(())
}

fn storage(path: &Path, error: &rusqlite::Error) -> EngineError {
    let detail = error.to_string();
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            EngineError::ReadOnly { path, detail }
        }
        Some(ErrorCode::NotADatabase) => EngineError::NotOurs { path, detail },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            EngineError::InUse { path, holder: None }
        }
        _ => EngineError::Storage { path, detail },
    }
}
