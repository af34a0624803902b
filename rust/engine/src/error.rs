//! Why an engine can't be opened. Each variant names the database and says what to do.

use std::path::PathBuf;

/// Why [`Engine::open`](crate::Engine::open) failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The file is something else: another application's database, or no database at all.
    #[error(
        "{} is not an Hourglass database ({detail}); give another path, or move that file away",
        path.display()
    )]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// The content found instead.
        detail: String,
    },
    /// The file was written by a newer version of Hourglass.
    #[error(
        "{} has format {found}, and this version of Hourglass reads formats up to {supported}; \
         upgrade hourglass-sdk",
        path.display()
    )]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// The format in the file.
        found: i64,
        /// The newest format known here.
        supported: i64,
    },
    /// The file or its directory can't be written.
    #[error(
        "{} can't be written ({detail}); check the permissions of the file and of its directory",
        path.display()
    )]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// The system's message.
        detail: String,
    },
    /// There is no room for it.
    #[error(
        "{} can't be opened: the disk or the quota is full ({detail}); free some space",
        path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// Another engine, of this or of another process, has the file.
    #[error(
        "{} is in use by {}; close that engine, or use it from there",
        path.display(),
        holder.map_or_else(|| "another engine".to_owned(), |pid| format!("the process {pid}"))
    )]
    InUse {
        /// The file.
        path: PathBuf,
        /// The process that has it, where it could be told.
        holder: Option<u32>,
    },
    /// The database can't be read or written for another reason: damage, an I/O error.
    #[error("{} can't be opened: {detail}", path.display())]
    Storage {
        /// The file.
        path: PathBuf,
        /// The message of SQLite or of the system.
        detail: String,
    },
    /// Time skipping was asked for on a file.
    #[error("{} can't skip time: only an engine in memory can", path.display())]
    TimeSkippingOnFile {
        /// The file.
        path: PathBuf,
    },
    /// The engine's thread could not be started.
    #[error("the engine's thread could not be started: {0}")]
    Thread(#[source] std::io::Error),
}
