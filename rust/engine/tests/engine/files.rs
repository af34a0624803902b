//! The files of a database: who may read them, who has them, and that they stay where they are.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use hourglass_engine::{Code, DATABASE_FAILURE, Engine, EngineError, EngineOptions, RpcStatus};

use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::workflowservice::v1::DeleteWorkflowExecutionRequest;

use crate::faults::database;
use crate::support::Server;
use crate::support::command::complete;
use crate::support::logs;

fn open(path: &Path) -> Result<Engine, EngineError> {
    Engine::open(EngineOptions { path: Some(path.to_owned()), ..EngineOptions::default() })
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn execution(id: &str) -> WorkflowExecution {
    WorkflowExecution { workflow_id: id.into(), run_id: String::new() }
}

// --- who may read them ---------------------------------------------------------------------------

#[tokio::test]
async fn a_new_database_and_all_that_lies_beside_it_is_for_its_owner_alone() {
    let (_directory, path) = database();
    logs::keep();
    let engine = open(&path).unwrap();
    for suffix in ["", "-wal", "-shm", "-lock"] {
        assert_eq!(mode(&beside(&path, suffix)), 0o600, "{suffix}");
    }
    engine.close();
    open(&path).unwrap().close();
    assert_eq!(logs::about(path.to_str().unwrap()), [""; 0]);
}

#[tokio::test]
async fn a_database_that_others_can_read_is_opened_with_a_warning_that_says_what_to_do() {
    let (_directory, path) = database();
    open(&path).unwrap().close();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    logs::keep();
    open(&path).unwrap().close();
    let lines = logs::about(path.to_str().unwrap());
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("644") && lines[0].contains("chmod 600"), "{lines:?}");
}

// --- what is no file -----------------------------------------------------------------------------

#[tokio::test]
async fn what_is_no_file_is_refused_at_once_by_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let fifo = path("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    assert!(fs::metadata(&fifo).unwrap().file_type().is_fifo());
    let _socket = UnixListener::bind(path("socket")).unwrap();
    fs::create_dir(path("folder")).unwrap();
    symlink(&fifo, path("link")).unwrap();
    for (path, what) in [
        (fifo, "FIFO"),
        (path("socket"), "socket"),
        (path("folder"), "directory"),
        (path("link"), "FIFO"),
        (PathBuf::from("/dev/null"), "device"),
    ] {
        let error = open(&path).unwrap_err();
        assert!(matches!(error, EngineError::NotOurs { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(what) && text.contains(path.to_str().unwrap()), "{text}");
        assert!(!beside(&path, "-lock").exists(), "{what}");
    }
}

#[tokio::test]
async fn a_circle_of_links_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (here, there) = (directory.path().join("here.db"), directory.path().join("there.db"));
    symlink(&here, &there).unwrap();
    symlink(&there, &here).unwrap();
    let error = open(&here).unwrap_err();
    assert!(matches!(error, EngineError::Storage { .. }), "{error:?}");
    assert!(error.to_string().contains("here.db"), "{error}");
}

#[tokio::test]
async fn a_link_is_another_name_of_the_database_also_when_it_points_to_nothing_yet() {
    let directory = tempfile::tempdir().unwrap();
    let (link, path) = (directory.path().join("link.db"), directory.path().join("orders.db"));
    symlink("orders.db", &link).unwrap();
    let engine = open(&link).unwrap();
    assert!(path.is_file());
    let error = open(&path).unwrap_err();
    assert!(matches!(error, EngineError::InUse { .. }), "{error:?}");
    engine.close();
}

// --- who has them --------------------------------------------------------------------------------

fn assert_in_use(path: &Path, holder: Option<u32>) {
    match open(path) {
        Err(EngineError::InUse { holder: found, .. }) => assert_eq!(found, holder),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_database_has_one_engine_under_whatever_name_and_without_its_lock_file() {
    let (_directory, path) = database();
    let engine = open(&path).unwrap();
    assert_in_use(&path, Some(std::process::id()));
    let other = path.with_file_name("other.db");
    fs::hard_link(&path, &other).unwrap();
    assert_in_use(&other, None);
    fs::remove_file(beside(&path, "-lock")).unwrap();
    assert_in_use(&path, None);
    engine.close();
    open(&other).unwrap().close();
}

#[tokio::test]
async fn a_lock_file_that_is_a_link_is_refused_and_what_it_points_to_is_left_alone() {
    let (_directory, path) = database();
    let precious = path.with_file_name("precious");
    fs::write(&precious, "do not lose this").unwrap();
    symlink(&precious, beside(&path, "-lock")).unwrap();
    let error = open(&path).unwrap_err();
    assert!(error.to_string().contains("orders.db-lock"), "{error}");
    assert_eq!(fs::read_to_string(&precious).unwrap(), "do not lose this");
}

#[tokio::test]
async fn whoever_has_the_lock_without_saying_so_is_not_taken_for_the_process_before() {
    let (_directory, path) = database();
    open(&path).unwrap().close();
    let lock = beside(&path, "-lock");
    assert_eq!(fs::read_to_string(&lock).unwrap(), "", "nobody has it");
    let held = File::open(&lock).unwrap();
    held.lock().unwrap();
    // The note of a process that crashed, and one whose number another process has by now.
    for note in ["999999999 12\n".to_owned(), format!("{} 12\n", std::process::id())] {
        fs::write(&lock, note).unwrap();
        assert_in_use(&path, None);
    }
}

// --- that they stay where they are ---------------------------------------------------------------

fn assert_lost(error: &RpcStatus, path: &Path, how: &str) {
    assert_eq!(error.code, Code::FailedPrecondition, "{error}");
    assert!(String::from_utf8_lossy(&error.details).contains(DATABASE_FAILURE), "{error}");
    assert!(error.message.contains(path.to_str().unwrap()), "{error}");
    assert!(error.message.contains(how), "{error}");
}

fn replace(path: &Path) {
    let copy = path.with_file_name("copy");
    fs::copy(path, &copy).unwrap();
    fs::rename(copy, path).unwrap();
}

fn cut(path: &Path) {
    File::options().write(true).open(path).unwrap().set_len(100).unwrap();
}

type Spoil = fn(&Path);

const LOSSES: [(&str, Spoil, &str); 9] = [
    ("", |path| fs::remove_file(path).unwrap(), "deleted or moved"),
    ("", |path| fs::rename(path, path.with_file_name("away.db")).unwrap(), "deleted or moved"),
    ("", replace, "replaced"),
    ("", cut, "cut from"),
    (
        "",
        |path| {
            let folder = path.parent().unwrap();
            fs::rename(folder, folder.with_file_name("moved")).unwrap();
        },
        "deleted or moved",
    ),
    ("-wal", |path| fs::remove_file(path).unwrap(), "deleted or moved"),
    ("-wal", replace, "replaced"),
    ("-wal", cut, "cut from"),
    ("-shm", |path| fs::remove_file(path).unwrap(), "deleted or moved"),
];

/// A database in a folder of its own, which may be moved.
fn foldered() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("folder");
    fs::create_dir(&folder).unwrap();
    let path = folder.join("orders.db");
    (directory, path)
}

#[tokio::test]
async fn nothing_is_acknowledged_after_the_database_was_lost_and_everybody_is_told() {
    for (suffix, spoil, how) in LOSSES {
        let (_directory, path) = foldered();
        logs::keep();
        let server = Server::on_file(&path);
        let run = server.start("w").await;
        let _task = server.poll().await;
        let mut wait = std::pin::pin!(server.call(Server::workflow_poll()));
        assert!(server.parks(&mut wait.as_mut()).await);
        spoil(&beside(&path, suffix));
        let error = server.call(Server::start_request("lost")).await.unwrap_err();
        assert_lost(&error, &path, how);
        assert_lost(&wait.await.unwrap_err(), &path, how);
        assert_lost(&server.signal(&run, "s").await.unwrap_err(), &path, how);
        assert_lost(&server.engine.ended().unwrap(), &path, how);
        assert_lost(&server.engine.end().await, &path, how);
        let lines = logs::about(path.to_str().unwrap());
        assert_eq!(lines.len(), 1, "{suffix} {how}: {lines:?}");
        server.engine.close();
    }
}

#[tokio::test]
async fn a_reader_hears_of_the_loss_too() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    let run = server.start("w").await;
    fs::remove_file(&path).unwrap();
    assert_lost(&server.describe(&run).await.unwrap_err(), &path, "deleted or moved");
}

#[tokio::test]
async fn what_was_acknowledged_before_the_log_was_deleted_is_there_at_the_next_open() {
    for suffix in ["-wal", "-shm"] {
        let (_directory, path) = database();
        let server = Server::on_file(&path);
        let run = server.start("w").await;
        fs::remove_file(beside(&path, suffix)).unwrap();
        server.call(Server::start_request("lost")).await.unwrap_err();
        let again = Server::on_file(&path);
        again.describe(&run).await.unwrap();
    }
}

#[tokio::test]
async fn a_database_that_was_moved_away_takes_along_what_was_acknowledged() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    let run = server.start("w").await;
    let away = path.with_file_name("away.db");
    fs::rename(&path, &away).unwrap();
    server.call(Server::start_request("lost")).await.unwrap_err();
    Server::on_file(&away).describe(&run).await.unwrap();
}

#[tokio::test]
async fn a_database_that_was_put_in_the_place_of_a_lost_one_is_opened_and_not_touched_by_it() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    server.start("theirs").await;
    server.engine.close();
    let saved = path.with_file_name("saved.db");
    fs::copy(&path, &saved).unwrap();
    let server = Server::on_file(&path);
    server.start("ours").await;
    fs::rename(&saved, &path).unwrap();
    server.call(Server::start_request("lost")).await.unwrap_err();
    let again = Server::on_file(&path);
    again.describe(&execution("theirs")).await.unwrap();
    assert_eq!(again.describe(&execution("ours")).await.unwrap_err().code, Code::NotFound);
    again.start("next").await;
}

#[tokio::test]
async fn another_program_may_look_empty_the_log_and_vacuum() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    for number in 0..50 {
        server.start(&format!("w{number}")).await;
        server.step([complete(&"x".repeat(10_000))]).await;
    }
    for number in 0..40 {
        let request = DeleteWorkflowExecutionRequest {
            namespace: "default".into(),
            workflow_execution: Some(execution(&format!("w{number}"))),
        };
        server.call(request).await.unwrap();
    }
    for command in ["PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"]
    {
        let before = fs::metadata(&path).unwrap().len();
        let output = std::process::Command::new("python3")
            .args(["-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute(sys.argv[2])"])
            .args([path.to_str().unwrap(), command])
            .status()
            .unwrap();
        assert!(output.success());
        if command != "VACUUM" {
            assert!(fs::metadata(beside(&path, "-wal")).unwrap().len() == 0, "{command} {before}");
        }
        server.start(&format!("after {command} {before}")).await;
    }
}
