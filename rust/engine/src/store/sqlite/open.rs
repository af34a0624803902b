//! Opening a database: whose it is, and which format it has.

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::SqliteStore;
use super::file::DatabaseFile;
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

impl SqliteStore {
    /// A database in memory.
    pub(crate) fn memory() -> Result<Self, EngineError> {
        let path = PathBuf::from(":memory:");
        let connection = Connection::open_in_memory().map_err(|error| storage(&path, &error))?;
        Self::prepare(connection, None, &path, Synchronous::Normal)
    }

    /// The database in a file, made when it is not there.
    pub(crate) fn open(path: &Path, synchronous: Synchronous) -> Result<Self, EngineError> {
        let file = DatabaseFile::open(path)?;
        let path = file.path().to_owned();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        super::inode::tell_processes_apart();
        let connection =
            Connection::open_with_flags(&path, flags).map_err(|error| storage(&path, &error))?;
        Self::prepare(connection, Some(file), &path, synchronous)
    }

    fn prepare(
        mut connection: Connection,
        mut file: Option<DatabaseFile>,
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
        if let Some(file) = &mut file {
            file.watch_log()?;
        }
        Ok(Self { connection, in_transaction: false, is_lost: false, file })
    }
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
        Some(ErrorCode::DiskFull) => EngineError::Full { path, detail },
        Some(ErrorCode::NotADatabase) => EngineError::NotOurs { path, detail },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            EngineError::InUse { path, holder: None }
        }
        _ => EngineError::Storage { path, detail },
    }
}
