//! The files, as a crash leaves them, and as an auditor reads them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use prost::Message;
use rusqlite::{Connection, OptionalExtension, params};
use temporalio_protos::temporal::api::history::v1::HistoryEvent;

/// As many events a run has at most: the engine's layout of ids.
const EVENT_ID_BITS: u32 = 22;

pub(crate) struct Disk {
    _directory: tempfile::TempDir,
    path: PathBuf,
    reader: Option<Connection>,
}

/// A row of `runs`.
#[derive(Clone, Debug)]
pub(crate) struct RunRow {
    pub(crate) key: i64,
    pub(crate) run_id: String,
    pub(crate) workflow_id: String,
    pub(crate) status: i32,
    pub(crate) has_task: bool,
    /// Of an activity without a workflow, whose id is the workflow id.
    pub(crate) alone: bool,
}

/// What is kept of an activity, as far as invariants speak of it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Activity {
    #[prost(int32, tag = "5")]
    state: i32,
    #[prost(string, tag = "22")]
    pub(crate) worker: String,
    #[prost(bytes = "vec", optional, tag = "24")]
    paused: Option<Vec<u8>>,
}

impl Activity {
    /// A worker has it.
    pub(crate) const fn is_started(&self) -> bool {
        self.state == 1
    }

    pub(crate) const fn is_paused(&self) -> bool {
        self.paused.is_some()
    }
}

/// The files at one moment.
pub(crate) struct Image {
    database: Vec<u8>,
    log: Vec<u8>,
}

impl Disk {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("engine.db");
        Self { _directory: directory, path, reader: None }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn log_path(&self) -> PathBuf {
        self.path.with_extension("db-wal")
    }

    /// Begin to read, with an empty log: from here on it only grows.
    pub(crate) fn attach(&mut self) {
        let reader = Connection::open(&self.path).unwrap();
        reader.set_prepared_statement_cache_capacity(64);
        reader.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        self.reader = Some(reader);
    }

    pub(crate) fn detach(&mut self) {
        self.reader = None;
    }

    /// How much of the write-ahead log there is.
    pub(crate) fn log_length(&self) -> u64 {
        std::fs::metadata(self.log_path()).map_or(0, |metadata| metadata.len())
    }

    pub(crate) fn image(&self) -> Image {
        Image {
            database: std::fs::read(&self.path).unwrap(),
            log: std::fs::read(self.log_path()).unwrap_or_default(),
        }
    }

    /// Make the files what they were, with the log cut at `length`, and a torn sector behind it.
    pub(crate) fn restore(&self, mut image: Image, length: u64, torn: u64) {
        let cut = usize::try_from(length).unwrap().min(image.log.len());
        let end = (cut + usize::try_from(torn).unwrap()).min(image.log.len());
        image.log.truncate(end);
        for byte in &mut image.log[cut..] {
            *byte ^= 0xa5;
        }
        std::fs::remove_file(self.path.with_extension("db-shm")).ok();
        std::fs::write(&self.path, image.database).unwrap();
        std::fs::write(self.log_path(), image.log).unwrap();
    }

    pub(crate) fn reader(&self) -> &Connection {
        self.reader.as_ref().unwrap()
    }

    pub(crate) fn runs(&self) -> Vec<RunRow> {
        let mut statement = self
            .reader()
            .prepare_cached(
                "SELECT run_key, run_id, workflow_id, status, has_task, kind FROM runs ORDER BY run_key",
            )
            .unwrap();
        let rows = statement.query_map([], |row| {
            Ok(RunRow {
                key: row.get(0)?,
                run_id: uuid::Uuid::from_bytes(row.get(1)?).hyphenated().to_string(),
                workflow_id: row.get(2)?,
                status: row.get(3)?,
                has_task: row.get(4)?,
                alone: row.get(5)?,
            })
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// The events of a run from `first` on, which begins a row.
    pub(crate) fn events(&self, run: i64, first: i64) -> Vec<HistoryEvent> {
        let encoded = self.encoded_events(run, first).into_iter();
        encoded.map(|bytes| HistoryEvent::decode(bytes.as_slice()).unwrap()).collect()
    }

    /// The same, byte for byte: an event with a map in it has no other encoding that is its own.
    pub(crate) fn encoded_events(&self, run: i64, first: i64) -> Vec<Vec<u8>> {
        #[derive(Clone, PartialEq, Message)]
        struct Encoded {
            #[prost(bytes = "vec", repeated, tag = "1")]
            events: Vec<Vec<u8>>,
        }
        let (from, end) = ((run << EVENT_ID_BITS) | first, (run + 1) << EVENT_ID_BITS);
        let mut statement = self
            .reader()
            .prepare_cached("SELECT events FROM history WHERE id >= ?1 AND id < ?2 ORDER BY id")
            .unwrap();
        let rows = statement.query_map(params![from, end], |row| row.get::<_, Vec<u8>>(0));
        rows.unwrap()
            .flat_map(|bytes| Encoded::decode(bytes.unwrap().as_slice()).unwrap().events)
            .collect()
    }

    /// All events of the run with this id, as others than the engine see them. `None`: nobody looks.
    pub(crate) fn written(&self, run_id: &str) -> Option<Vec<HistoryEvent>> {
        let run_id = uuid::Uuid::parse_str(run_id).unwrap();
        let mut statement = self
            .reader
            .as_ref()?
            .prepare_cached("SELECT run_key FROM runs WHERE run_id = ?1")
            .unwrap();
        let key = statement.query_row([run_id.as_bytes()], |row| row.get(0)).optional().unwrap();
        Some(key.map(|key| self.events(key, 1)).unwrap_or_default())
    }

    /// Events that are held back.
    pub(crate) fn buffered(&self, run: i64) -> Vec<HistoryEvent> {
        let mut statement = self
            .reader()
            .prepare_cached(
                "SELECT event FROM buffered_events WHERE run_key = ?1 ORDER BY sequence",
            )
            .unwrap();
        let rows = statement.query_map([run], |row| row.get::<_, Vec<u8>>(0));
        rows.unwrap()
            .map(|bytes| HistoryEvent::decode(bytes.unwrap().as_slice()).unwrap())
            .collect()
    }

    /// Activities, by run and scheduled event.
    pub(crate) fn activities(&self) -> BTreeMap<(i64, i64), Activity> {
        let mut statement = self
            .reader()
            .prepare_cached("SELECT run_key, scheduled_event_id, data FROM activities")
            .unwrap();
        let rows = statement.query_map([], |row| {
            let data: Vec<u8> = row.get(2)?;
            Ok(((row.get(0)?, row.get(1)?), Activity::decode(data.as_slice()).unwrap_or_default()))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// The pairs of numbers that a query gives.
    pub(crate) fn pairs(&self, sql: &str) -> Vec<(i64, i64)> {
        let mut statement = self.reader().prepare_cached(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.unwrap().map(Result::unwrap).collect()
    }
}
