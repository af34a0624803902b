//! Activities without a workflow over crashes, restarts and failures of the store.

use std::path::PathBuf;
use std::time::Duration;

use hourglass_engine::Code;
use hourglass_engine::simulation::{Fault, Faults, Step};
use temporalio_protos::temporal::api::enums::v1::{
    ActivityExecutionStatus as Status, PendingActivityState as State,
};
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::standalone::{
    cancel_request, delete_request, poll_request, start_request, terminate_request,
};
use crate::support::values::{secs, text};

/// Steps that no transaction of these tests has as many of.
const MANY: u64 = 20;

fn database() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("orders.db");
    (directory, path)
}

fn steps() -> impl Iterator<Item = (Step, u64)> {
    (1..MANY).map(|nth| (Step::Write, nth)).chain([(Step::Commit, 1)])
}

#[tokio::test]
async fn whatever_an_activity_is_in_the_middle_of_goes_on_after_a_restart() {
    let (_directory, path) = database();
    let server = Server::on_file(&path);
    let delayed =
        StartActivityExecutionRequest { start_delay: secs(60), ..start_request("delayed") };
    server.call(delayed).await.unwrap();
    server.start_activity("fails").await;
    let failing = server.poll_activity().await;
    server.heartbeat(&failing, "half").await.unwrap();
    server.fail_activity(&failing, "Flaky").await.unwrap();
    server.start_activity("runs").await;
    let running = server.poll_activity().await;
    server.start_activity("done").await;
    server.complete_activity(&server.poll_activity().await, "hash").await.unwrap();
    server.start_activity("waits").await;

    let server = server.reopen(&path);
    let waits = server.poll_activity().await;
    assert_eq!(waits.activity_id, "waits");
    server.complete_activity(&running, "hash").await.unwrap();
    assert_eq!(server.activity_status("runs").await, Status::Completed);
    assert_eq!(server.activity_status("done").await, Status::Completed);
    assert!(server.outcome("done").await.value.is_some());
    let info = server.activity_info("fails").await;
    assert_eq!((info.attempt, info.total_heartbeat_count), (2, 1));
    server.advance_secs(1).await;
    let again = server.poll_activity().await;
    assert_eq!((again.attempt, text(again.heartbeat_details.as_ref())), (2, "half".into()));
    server.advance_secs(59).await;
    assert_eq!(server.poll_activity().await.activity_id, "delayed");
    let server = server.reopen(&path);
    server.advance_secs(40).await;
    assert_eq!(server.activity_status("waits").await, Status::TimedOut);
    assert_eq!(server.activity_status("delayed").await, Status::Running);
}

#[tokio::test]
async fn a_crash_at_any_step_leaves_a_start_whole_or_undone() {
    for (step, nth) in steps() {
        let (_directory, path) = database();
        let faults = Faults::default();
        let server = Server::on_faulty_file(&path, &faults);
        server.settle().await;
        faults.crash(step, nth);
        let request =
            StartActivityExecutionRequest { request_id: "one".into(), ..start_request("a") };
        let told = server.call(request.clone()).await;
        let server = server.reopen_healed(&path, &faults);
        let again = server.call(request).await.unwrap();
        if let Ok(told) = told {
            assert_eq!(again.run_id, told.run_id, "{step:?} {nth}");
        }
        let task = server.poll_activity().await;
        server.complete_activity(&task, "hash").await.unwrap();
        assert_eq!(server.activity_status("a").await, Status::Completed, "{step:?} {nth}");
    }
}

#[tokio::test]
async fn a_crash_at_any_step_of_an_end_leaves_it_whole_or_undone() {
    for (step, nth) in steps() {
        let (_directory, path) = database();
        let faults = Faults::default();
        let server = Server::on_faulty_file(&path, &faults);
        server.start_activity("a").await;
        let task = server.poll_activity().await;
        faults.crash(step, nth);
        let told = server.complete_activity(&task, "hash").await;
        let server = server.reopen_healed(&path, &faults);
        let info = server.activity_info("a").await;
        if told.is_ok() {
            assert_eq!(info.status(), Status::Completed, "{step:?} {nth}");
        }
        if info.status() == Status::Running {
            assert_eq!(info.run_state(), State::Started, "{step:?} {nth}");
            server.complete_activity(&task, "hash").await.unwrap();
        }
        assert!(server.outcome("a").await.value.is_some(), "{step:?} {nth}");
    }
}

#[tokio::test]
async fn a_crash_at_any_step_of_a_deletion_leaves_all_or_nothing() {
    for (step, nth) in steps() {
        let (_directory, path) = database();
        let faults = Faults::default();
        let server = Server::on_faulty_file(&path, &faults);
        server.start_activity("a").await;
        faults.crash(step, nth);
        let told = server.call(delete_request("a")).await;
        let server = server.reopen_healed(&path, &faults);
        match server.activity("a").await {
            Ok(found) => {
                assert!(told.is_err(), "{step:?} {nth}");
                assert_eq!(found.info.unwrap().status(), Status::Running);
                assert_eq!(server.poll_activity().await.activity_id, "a");
            }
            Err(_) => assert!(server.no_activity().await, "{step:?} {nth}"),
        }
        server.advance(Duration::from_secs(200)).await;
    }
}

#[tokio::test]
async fn nothing_of_a_failed_call_remains() {
    let (_directory, path) = database();
    let faults = Faults::default();
    let server = Server::on_faulty_file(&path, &faults);
    server.start_activity("a").await;
    let task = server.poll_activity().await;
    let known = server.activity_info("a").await;
    faults.fail(Step::Commit, 1, Fault::Io);
    server.call(terminate_request("a")).await.unwrap_err();
    faults.fail(Step::Commit, 1, Fault::Full);
    server.call(cancel_request("a")).await.unwrap_err();
    faults.fail(Step::Write, 1, Fault::Io);
    server.complete_activity(&task, "hash").await.unwrap_err();
    assert_eq!(server.activity_info("a").await, known);
    server.complete_activity(&task, "hash").await.unwrap();
    assert_eq!(server.activity_status("a").await, Status::Completed);
}

#[tokio::test]
async fn a_timeout_that_could_not_be_stored_comes_when_the_store_works_again() {
    let (_directory, path) = database();
    let faults = Faults::default();
    let server = Server::on_faulty_file(&path, &faults);
    server.start_activity("a").await;
    let mut waits = std::pin::pin!(server.call(poll_request("a")));
    assert!(server.parks(&mut waits.as_mut()).await);
    faults.fail(Step::Commit, 1, Fault::Io);
    server.advance_secs(100).await;
    server.advance_secs(2).await;
    assert_eq!(server.activity_status("a").await, Status::TimedOut);
    assert_eq!(waits.await.unwrap_err().code, Code::Unavailable, "it was to be told by that");
    assert!(server.outcome("a").await.value.is_some());
}
