//! What is on disk is all that counts: an engine that opens the file goes on where the last one was.

use std::path::PathBuf;

use hourglass_engine::Code;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;

use crate::support::Server;
use crate::support::command::{activity, complete, schedule, start_timer};
use crate::support::values::text;

/// A directory that goes away with the test, and a database in it.
fn database() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("orders.db");
    (directory, path)
}

#[tokio::test]
async fn a_history_reads_the_same_after_a_restart() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    let run = server.start("w").await;
    server.step([complete("done")]).await;
    let before = server.history(&run).await.0;
    let server = server.reopen(&path);
    assert_eq!(server.history(&run).await.0, before);
}

#[tokio::test]
async fn a_workflow_task_that_waits_for_a_worker_waits_after_a_restart() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    let run = server.start("w").await;
    let server = server.reopen(&path);
    let task = server.poll().await;
    assert_eq!((task.workflow_execution.as_ref(), task.attempt), (Some(&run), 1));
}

#[tokio::test]
async fn a_workflow_task_whose_worker_went_with_the_engine_is_offered_again_at_once() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    let run = server.start("w").await;
    let lost = server.poll().await;
    let server = server.reopen(&path);
    let task = server.poll().await;
    assert_eq!(task.attempt, 1, "nothing went wrong with it");
    let error = server.complete(&lost, [complete("late")]).await.unwrap_err();
    assert_eq!(error.code, Code::NotFound);
    server.complete(&task, [complete("done")]).await.unwrap();
    assert_eq!(
        server.event_types(&run).await,
        [
            WorkflowExecutionStarted,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            WorkflowExecutionCompleted
        ]
    );
}

#[tokio::test]
async fn a_later_attempt_of_a_workflow_task_is_the_same_attempt_after_a_restart() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    server.start("w").await;
    let task = server.poll().await;
    server.fail_task(&task).await.unwrap();
    let server = server.reopen(&path);
    assert_eq!(server.poll().await.attempt, 2);
}

#[tokio::test]
async fn a_failed_task_that_more_events_made_a_new_one_is_that_also_after_a_restart() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    let run = server.start("w").await;
    let task = server.poll().await;
    server.fail_task(&task).await.unwrap();
    server.signal(&run, "first").await.unwrap();
    server.poll().await;
    let server = server.reopen(&path);
    server.signal(&run, "second").await.unwrap();
    server.step([complete("done")]).await;
    assert_eq!(
        server.event_types(&run).await[4..],
        [
            WorkflowExecutionSignaled,
            WorkflowExecutionSignaled,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            WorkflowExecutionCompleted
        ]
    );
}

#[tokio::test]
async fn b_54_a_timer_keeps_its_time_over_a_restart() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    let run = server.start("w").await;
    server.step([start_timer("t", 3600)]).await;
    server.advance_secs(3000).await;
    let server = server.reopen(&path);
    server.advance_secs(599).await;
    assert_eq!(server.event_types(&run).await.last(), Some(&TimerStarted));
    server.advance_secs(1).await;
    assert!(server.event_types(&run).await.contains(&TimerFired));
}

#[tokio::test]
async fn b_74_a_timer_that_was_due_while_no_engine_ran_fires_when_one_opens() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    let run = server.start("w").await;
    server.step([start_timer("t", 60)]).await;
    server.engine.close();
    server.clock.advance(std::time::Duration::from_mins(10));
    let server = server.reopen(&path);
    server.settle().await;
    assert_eq!(server.event_types(&run).await[5..], [TimerFired, WorkflowTaskScheduled]);
}

#[tokio::test]
async fn b_73_timers_that_were_due_while_no_engine_ran_fire_in_order() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    let mut runs = Vec::<WorkflowExecution>::new();
    for index in 0..5_u64 {
        runs.push(server.start(&format!("w{index}")).await);
        server.step([start_timer("t", 50 - 10 * index)]).await;
    }
    server.engine.close();
    server.clock.advance(std::time::Duration::from_mins(10));
    let server = server.reopen(&path);
    let mut order = Vec::new();
    for _ in 0..5 {
        order.push(server.poll().await.workflow_execution.unwrap().workflow_id);
    }
    assert_eq!(order, ["w4", "w3", "w2", "w1", "w0"]);
}

#[tokio::test]
async fn an_activity_and_its_progress_survive_a_restart() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    let run = server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    let work = server.poll_activity().await;
    server.heartbeat(&work, "half").await.unwrap();
    let server = server.reopen(&path);
    server.fail_activity(&work, "Flaky").await.unwrap();
    let server = server.reopen(&path);
    assert!(server.no_activity().await, "the pause before the next attempt is durable");
    server.advance_secs(1).await;
    let retried = server.poll_activity().await;
    assert_eq!(retried.attempt, 2);
    assert_eq!(text(retried.heartbeat_details.as_ref()), "half");
    let server = server.reopen(&path);
    server.complete_activity(&retried, "hash").await.unwrap();
    assert_eq!(
        server.event_types(&run).await[5..],
        [ActivityTaskStarted, ActivityTaskCompleted, WorkflowTaskScheduled]
    );
}

#[tokio::test]
async fn an_activity_that_waits_for_a_worker_waits_after_a_restart() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    let server = server.reopen(&path);
    assert_eq!(server.poll_activity().await.activity_id, "a");
}

#[tokio::test]
async fn a_buffered_signal_survives_a_restart() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    let run = server.start("w").await;
    server.poll().await;
    server.signal(&run, "s").await.unwrap();
    let server = server.reopen(&path);
    server.step([start_timer("t", 60)]).await;
    let types = server.event_types(&run).await;
    let signals = types.iter().filter(|r#type| **r#type == WorkflowExecutionSignaled).count();
    assert_eq!(signals, 1, "{types:?}");
}

#[tokio::test]
async fn what_a_reader_is_told_after_a_restart_is_on_disk() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    let run = server.start("w").await;
    let _held_back_for = server.poll().await;
    server.signal(&run, "go").await.unwrap();
    let server = server.reopen(&path);
    server.describe(&run).await.unwrap();
    assert!(server.event_types(&run).await.contains(&WorkflowExecutionSignaled));
    let database = rusqlite::Connection::open(&path).unwrap();
    let held_back: i64 =
        database.query_row("SELECT count(*) FROM buffered_events", [], |row| row.get(0)).unwrap();
    assert_eq!(held_back, 0, "it is in the history on the disk");
}

#[tokio::test]
async fn the_first_description_after_a_restart_counts_a_buffered_signal() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    let run = server.start("w").await;
    server.poll().await;
    server.signal(&run, "go").await.unwrap();
    let server = server.reopen(&path);
    let described = server.describe(&run).await.unwrap().workflow_execution_info.unwrap();
    let events = server.history(&run).await.0;
    assert_eq!((described.history_length, events.len()), (3, 3));
}

#[tokio::test]
async fn a_buffered_signal_stays_before_those_that_come_after_a_restart() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    let run = server.start("w").await;
    server.poll().await;
    server.signal(&run, "first").await.unwrap();
    let server = server.reopen(&path);
    server.signal(&run, "second").await.unwrap();
    server.step([complete("done")]).await;
    let history = server.history(&run).await;
    let names = history.0.iter().filter_map(|event| match &event.attributes {
        Some(Attributes::WorkflowExecutionSignaledEventAttributes(a)) => Some(&*a.signal_name),
        _ => None,
    });
    assert_eq!(names.collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(history.types().last(), Some(&WorkflowExecutionCompleted));
}

#[tokio::test]
async fn a_request_that_was_answered_before_a_restart_is_known_after_it() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    let run = server.start("w").await;
    let server = server.reopen(&path);
    assert_eq!(server.start("w").await, run);
}

#[tokio::test]
async fn every_restart_between_two_steps_leaves_the_same_history() {
    let (_directory, path) = database();
    let mut server = Server::on_file(&path);
    let run = server.start("w").await;
    server = server.reopen(&path);
    server.poll().await;
    server = server.reopen(&path);
    let task = server.poll().await;
    server.complete(&task, [schedule(activity("a")), start_timer("t", 30)]).await.unwrap();
    server = server.reopen(&path);
    let work = server.poll_activity().await;
    server = server.reopen(&path);
    server.complete_activity(&work, "hash").await.unwrap();
    server = server.reopen(&path);
    server.poll().await;
    server = server.reopen(&path);
    let task = server.poll().await;
    server.complete(&task, []).await.unwrap();
    server = server.reopen(&path);
    server.signal(&run, "s").await.unwrap();
    server = server.reopen(&path);
    server.step([]).await;
    server = server.reopen(&path);
    server.advance_secs(30).await;
    server = server.reopen(&path);
    server.step([complete("done")]).await;
    server = server.reopen(&path);
    assert_eq!(
        server.event_types(&run).await,
        [
            WorkflowExecutionStarted,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            ActivityTaskScheduled,
            TimerStarted,
            ActivityTaskStarted,
            ActivityTaskCompleted,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            WorkflowExecutionSignaled,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            TimerFired,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            WorkflowExecutionCompleted
        ]
    );
}

#[tokio::test]
async fn b_73_one_damaged_run_is_reported_and_never_blocks_the_others() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    let (bad, good) = (server.start("bad").await, server.start("good").await);
    for _ in 0..2 {
        server.step([schedule(activity("a")), start_timer("t", 60)]).await;
    }
    server.engine.close();
    let connection = rusqlite::Connection::open(&path).unwrap();
    for sql in [
        "UPDATE runs SET state = x'ffff' WHERE workflow_id = 'bad'",
        "UPDATE activities SET data = x'ffff' WHERE run_key = 1",
    ] {
        connection.execute(sql, []).unwrap();
    }
    drop(connection);
    let server = server.reopen(&path);
    let work = server.poll_activity().await;
    assert_eq!(work.workflow_execution.as_ref(), Some(&good));
    server.advance_secs(60).await;
    assert!(server.event_types(&good).await.contains(&TimerFired));
    let error = server.describe(&bad).await.unwrap_err();
    assert_eq!(error.code, Code::DataLoss, "{error}");
    server.step([complete("done")]).await;
}
