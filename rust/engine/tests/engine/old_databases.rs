//! Databases of older versions. `databases/` has one of each format that was released, by the name of its
//! format; each must open for ever, and what was open in it must come to its end.
//!
//! A file is written by the version whose format it has, once, and never again:
//! `HOURGLASS_WRITE_DATABASE=1 cargo test -p hourglass-engine --test engine write_a_database`.

use std::path::{Path, PathBuf};
use std::task::Poll;

use rusqlite::Connection;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::{self, *};
use temporalio_protos::temporal::api::enums::v1::UpdateWorkflowExecutionLifecycleStage as Stage;
use temporalio_protos::temporal::api::protocol::v1::Message;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{
    activity, child, complete, continue_as_new, schedule, start_child, start_timer,
};
use crate::support::update::{accept, completion, poll_request, request, respond, result};
use crate::support::values::{secs, text};

/// The newest format that is here.
const NEWEST: i64 = 4;
const MIGRATIONS: [&str; 4] = [
    include_str!("../../migrations/001.sql"),
    include_str!("../../migrations/002.sql"),
    include_str!("../../migrations/003.sql"),
    include_str!("../../migrations/004.sql"),
];

fn databases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/databases")
}

fn workflow(id: &str) -> WorkflowExecution {
    WorkflowExecution { workflow_id: id.to_owned(), run_id: String::new() }
}

fn format(path: &Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

/// Write what a database holds whose workflows are in the middle of everything.
async fn fill(server: &Server) {
    server.start("chain").await;
    server.step([continue_as_new()]).await;
    server.step([complete("end of the chain")]).await;

    let waits = server.start("waits").await;
    let beats = activity_with_heartbeat("beats");
    let commands = [
        start_timer("t", 3600),
        schedule(activity("fails")),
        schedule(beats),
        start_child(child("leaf")),
    ];
    server.step(commands).await;
    server.step_child([start_timer("t", 1800)]).await;
    server.step([]).await; // the child has started
    let failing = server.poll_activity().await;
    server.fail_activity(&failing, "Broken").await.unwrap();
    let beating = server.poll_activity().await;
    server.heartbeat(&beating, "half").await.unwrap();
    let update = server.call(request(&waits, "approval", Stage::Accepted));
    let accepted = async {
        let task = server.poll().await;
        server.call(completion(&task, [accept(&task.messages[0])], [])).await.unwrap();
    };
    tokio::join!(update, accepted).0.unwrap();
    server.signal(&waits, "first").await.unwrap();
    server.poll().await; // and never answered: what comes now is held back
    server.signal(&waits, "second").await.unwrap();

    server.start("new").await;
    let delayed = StartWorkflowExecutionRequest {
        workflow_start_delay: secs(86_400),
        ..Server::start_request("later")
    };
    server.start_with(delayed).await;
    let cron = StartWorkflowExecutionRequest {
        cron_schedule: "0 0 * * *".to_owned(),
        ..Server::start_request("daily")
    };
    server.start_with(cron).await;
}

fn activity_with_heartbeat(
    id: &str,
) -> temporalio_protos::temporal::api::command::v1::ScheduleActivityTaskCommandAttributes {
    let mut attributes = activity(id);
    attributes.heartbeat_timeout = secs(30);
    attributes.start_to_close_timeout = secs(7200);
    attributes
}

#[tokio::test]
async fn write_a_database_if_asked() {
    if std::env::var_os("HOURGLASS_WRITE_DATABASE").is_none() {
        return;
    }
    let path = databases().join(format!("{NEWEST}.db"));
    assert!(!path.exists(), "the database of a format is written once");
    let server = Server::on_file(&path);
    fill(&server).await;
    server.engine.close();
    std::fs::remove_file(path.with_extension("db-lock")).unwrap();
}

/// Answer all workflow tasks that there are: `waits` goes on waiting, everything else ends.
async fn answer_tasks(server: &Server) {
    loop {
        let mut poll = std::pin::pin!(server.call(Server::workflow_poll()));
        let Poll::Ready(task) = server.settled(&mut poll.as_mut()).await else { return };
        let task = task.unwrap();
        let waits = task.workflow_execution.as_ref().unwrap().workflow_id == "waits";
        let commands = if waits { vec![] } else { vec![complete("done")] };
        server.complete(&task, commands).await.unwrap();
    }
}

/// The message by which the accepted update was asked for.
fn asked(run: &WorkflowExecution) -> Message {
    use prost::Message as _;
    let request = request(run, "approval", Stage::Accepted).request.unwrap();
    let mut message = Message { id: "approval/request".into(), ..Default::default() };
    message.protocol_instance_id = "approval".into();
    message.body.get_or_insert_default().value = request.encode_to_vec();
    message
}

async fn ended(server: &Server, id: &str, expected: &[EventType]) {
    let types = server.event_types(&workflow(id)).await;
    let missing: Vec<_> = expected.iter().filter(|kind| !types.contains(kind)).collect();
    assert!(missing.is_empty(), "{id} lacks {missing:?}: {types:?}");
}

/// Bring everything that [`fill`] has begun to its end.
async fn drive(server: &Server) {
    server.advance_secs(10).await;
    let retried = server.poll_activity().await;
    assert_eq!((retried.activity_id.as_str(), retried.attempt), ("fails", 2));
    server.complete_activity(&retried, "at last").await.unwrap();
    server.advance_secs(40).await; // no heartbeat
    server.advance_secs(2).await;
    let beats = server.poll_activity().await;
    assert_eq!((beats.activity_id.as_str(), beats.attempt), ("beats", 2));
    assert_eq!(text(beats.heartbeat_details.as_ref()), "half");
    server.complete_activity(&beats, "whole").await.unwrap();
    answer_tasks(server).await;
    server.advance_secs(1800).await;
    server.step_child([complete("leaf")]).await;
    answer_tasks(server).await;
    server.advance_secs(1800).await;
    let task = server.poll().await;
    let waits = task.workflow_execution.clone().unwrap();
    assert_eq!(waits.workflow_id, "waits");
    let approved = [respond(&asked(&waits), "approved")];
    server.call(completion(&task, approved, [complete("done")])).await.unwrap();
    let outcome = server.call(poll_request(&waits, "approval", Stage::Completed)).await.unwrap();
    assert_eq!(result(outcome.outcome), Ok("approved".to_owned()));
    server.advance_secs(86_400).await;
    answer_tasks(server).await;
}

#[tokio::test]
async fn a_database_of_each_format_opens_and_its_workflows_come_to_their_end() {
    for number in [4] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("orders.db");
        std::fs::copy(databases().join(format!("{number}.db")), &path).unwrap();
        assert_eq!(format(&path), number);
        let server = Server::on_file(&path);
        drive(&server).await;
        let signals = server.event_types(&workflow("waits")).await;
        let signals = signals.iter().filter(|kind| **kind == WorkflowExecutionSignaled);
        assert_eq!(signals.count(), 2);
        let all = [
            ActivityTaskCompleted,
            ChildWorkflowExecutionCompleted,
            TimerFired,
            WorkflowExecutionUpdateCompleted,
            WorkflowExecutionCompleted,
        ];
        ended(&server, "waits", &all).await;
        for id in ["new", "later", "leaf", "chain"] {
            ended(&server, id, &[WorkflowExecutionCompleted]).await;
        }
        let chain = server.describe(&workflow("chain")).await.unwrap();
        let first = chain.workflow_execution_info.unwrap().first_run_id;
        let first = WorkflowExecution { run_id: first, ..workflow("chain") };
        assert!(
            server.event_types(&first).await.contains(&WorkflowExecutionContinuedAsNew),
            "the first run of the chain is there"
        );
        let daily = server.describe(&workflow("daily")).await.unwrap();
        let daily = daily.workflow_execution_info.unwrap();
        assert_ne!(daily.first_run_id, daily.execution.unwrap().run_id, "cron went on");
    }
}

#[tokio::test]
async fn an_older_format_is_brought_up_to_date() {
    for number in 1..=NEWEST {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("orders.db");
        let connection = Connection::open(&path).unwrap();
        for migration in &MIGRATIONS[..usize::try_from(number).unwrap()] {
            connection.execute_batch(migration).unwrap();
        }
        connection.pragma_update(None, "application_id", 0x4872_476c).unwrap();
        connection.pragma_update(None, "user_version", number).unwrap();
        drop(connection);
        let server = Server::on_file(&path);
        fill(&server).await;
        drive(&server.reopen(&path)).await;
        assert!(format(&path) >= NEWEST, "from format {number}");
    }
}

#[tokio::test]
async fn a_migration_that_was_released_does_not_change() {
    let fresh = tempfile::tempdir().unwrap();
    let path = fresh.path().join("orders.db");
    let connection = Connection::open(&path).unwrap();
    for migration in MIGRATIONS {
        connection.execute_batch(migration).unwrap();
    }
    let schema = |connection: &Connection| -> Vec<String> {
        let mut statement = connection
            .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
            .unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let released = fresh.path().join("released.db");
    std::fs::copy(databases().join(format!("{NEWEST}.db")), &released).unwrap();
    assert_eq!(schema(&connection), schema(&Connection::open(&released).unwrap()));
}
