//! The file: what an engine accepts, and how it says no.

use std::path::Path;

use hourglass_engine::{Engine, EngineError, EngineOptions};

use crate::support::Server;

fn open(path: &Path) -> Result<Engine, EngineError> {
    Engine::open(EngineOptions { path: Some(path.to_owned()), ..EngineOptions::default() })
}

fn assert_names(error: &EngineError, path: &Path) {
    let text = error.to_string();
    assert!(text.contains(&path.display().to_string()), "{text}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.txt");
    let text = "Dear diary, this is certainly not a database. ".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, EngineError::NotOurs { .. }), "{error:?}");
    assert_names(&error, &path);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn the_database_of_another_application_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("theirs.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE customers (name TEXT)").unwrap();
    drop(connection);
    let before = std::fs::read(&path).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, EngineError::NotOurs { .. }), "{error:?}");
    assert_names(&error, &path);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("orders.db");
    open(&path).unwrap().close();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 9_999).unwrap();
    drop(connection);
    let before = std::fs::read(&path).unwrap();
    let error = open(&path).unwrap_err();
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert!(matches!(error, EngineError::NewerFormat { found: 9_999, .. }), "{error:?}");
    assert_names(&error, &path);
}

#[tokio::test]
async fn a_path_that_cannot_be_written_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("missing").join("orders.db");
    let error = open(&path).unwrap_err();
    assert!(
        matches!(error, EngineError::ReadOnly { .. } | EngineError::Storage { .. }),
        "{error:?}"
    );
    assert_names(&error, &path);
}

#[tokio::test]
async fn a_file_has_one_engine_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("orders.db");
    let first = open(&path).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, EngineError::InUse { .. }), "{error:?}");
    assert_names(&error, &path);
    first.close();
    open(&path).unwrap().close();
}

#[tokio::test]
async fn closing_twice_is_fine_and_a_closed_engine_says_so() {
    let server = Server::in_memory();
    server.engine.close();
    server.engine.close();
    let error = server.call(Server::start_request("w")).await.unwrap_err();
    assert_eq!(error.code, hourglass_engine::Code::Unavailable);
}

#[tokio::test]
async fn closing_ends_polls_that_wait() {
    let server = Server::in_memory();
    let mut poll = std::pin::pin!(server.call(Server::workflow_poll()));
    assert!(server.parks(&mut poll.as_mut()).await);
    server.engine.close();
    match poll.await {
        Ok(task) => assert!(task.task_token.is_empty()),
        Err(error) => assert_eq!(error.code, hourglass_engine::Code::Unavailable),
    }
}
