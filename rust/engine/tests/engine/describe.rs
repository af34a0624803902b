//! `DescribeWorkflowExecution`.

use hourglass_engine::Code;
use temporalio_protos::temporal::api::common::v1::{Memo, WorkflowExecution};
use temporalio_protos::temporal::api::enums::v1::{
    PendingActivityState, PendingWorkflowTaskState, WorkflowExecutionStatus,
};
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{
    activity, cancel_activity, cancel_workflow, complete, fail, schedule, start_timer,
};
use crate::support::values::{QUEUE, payloads, secs, text};

#[tokio::test]
async fn a_running_run_is_described() {
    let server = Server::in_memory();
    let memo =
        Memo { fields: [("why".to_owned(), payloads("test").unwrap().payloads.remove(0))].into() };
    let run = server
        .start_with(StartWorkflowExecutionRequest {
            workflow_run_timeout: secs(100),
            memo: Some(memo.clone()),
            ..Server::start_request("w")
        })
        .await;
    let described = server.describe(&run).await.unwrap();
    let info = described.workflow_execution_info.unwrap();
    assert_eq!(info.execution.as_ref(), Some(&run));
    assert_eq!(info.root_execution.as_ref(), Some(&run));
    assert_eq!(info.first_run_id, run.run_id);
    assert_eq!(info.r#type.as_ref().unwrap().name, "Pipeline");
    assert_eq!(info.status(), WorkflowExecutionStatus::Running);
    assert_eq!(info.task_queue, QUEUE);
    assert_eq!(info.history_length, 2);
    assert_eq!(info.memo, Some(memo));
    assert!(info.start_time.is_some() && info.close_time.is_none());
    assert_eq!(info.execution_time, info.start_time);
    let config = described.execution_config.unwrap();
    assert_eq!(config.task_queue.unwrap().name, QUEUE);
    assert_eq!(config.workflow_run_timeout, secs(100));
    assert_eq!(config.default_workflow_task_timeout, secs(10));
}

#[tokio::test]
async fn every_way_to_close_shows_as_its_status() {
    let server = Server::in_memory();
    for (name, command, status) in [
        ("completed", complete("done"), WorkflowExecutionStatus::Completed),
        ("failed", fail("broken"), WorkflowExecutionStatus::Failed),
        ("cancelled", cancel_workflow(), WorkflowExecutionStatus::Canceled),
    ] {
        let run = server.start(name).await;
        server.step([command]).await;
        server.advance_secs(1).await;
        let info = server.describe(&run).await.unwrap().workflow_execution_info.unwrap();
        assert_eq!(info.status(), status, "{name}");
        assert!(info.close_time.is_some(), "{name}");
        assert_eq!(info.history_length, 5, "{name}");
    }
    let run = server.start("terminated").await;
    server.terminate(&run).await.unwrap();
    let info = server.describe(&run).await.unwrap().workflow_execution_info.unwrap();
    assert_eq!(info.status(), WorkflowExecutionStatus::Terminated);
    let run = server
        .start_with(StartWorkflowExecutionRequest {
            workflow_run_timeout: secs(5),
            ..Server::start_request("timed out")
        })
        .await;
    server.advance_secs(5).await;
    let info = server.describe(&run).await.unwrap().workflow_execution_info.unwrap();
    assert_eq!(info.status(), WorkflowExecutionStatus::TimedOut);
}

#[tokio::test]
async fn a_pending_workflow_task_shows_its_state() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let pending = async || server.describe(&run).await.unwrap().pending_workflow_task;
    assert_eq!(pending().await.unwrap().state(), PendingWorkflowTaskState::Scheduled);
    let task = server.poll().await;
    let started = pending().await.unwrap();
    assert_eq!(started.state(), PendingWorkflowTaskState::Started);
    assert_eq!(started.attempt, 1);
    assert!(started.started_time.is_some());
    server.complete(&task, [start_timer("t", 60)]).await.unwrap();
    assert!(pending().await.is_none());
}

#[tokio::test]
async fn a_pending_activity_shows_its_state() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a")), start_timer("t", 60)]).await;
    let pending = async || server.describe(&run).await.unwrap().pending_activities.remove(0);
    let scheduled = pending().await;
    assert_eq!(scheduled.state(), PendingActivityState::Scheduled);
    assert_eq!(scheduled.activity_id, "a");
    assert_eq!(scheduled.activity_type.unwrap().name, "Hash");
    assert_eq!(scheduled.attempt, 1);

    let work = server.poll_activity().await;
    server.heartbeat(&work, "half").await.unwrap();
    let started = pending().await;
    assert_eq!(started.state(), PendingActivityState::Started);
    assert_eq!(text(started.heartbeat_details.as_ref()), "half");
    assert_eq!(started.last_worker_identity, "worker");
    assert!(started.last_started_time.is_some() && started.last_heartbeat_time.is_some());

    server.fail_activity(&work, "Flaky").await.unwrap();
    let backing_off = pending().await;
    assert_eq!(backing_off.state(), PendingActivityState::Scheduled);
    assert_eq!(backing_off.attempt, 2);
    assert_eq!(backing_off.last_failure.unwrap().message, "no luck");

    server.advance_secs(1).await;
    server.poll_activity().await;
    server.advance_secs(59).await;
    server.step([cancel_activity(5)]).await;
    assert_eq!(pending().await.state(), PendingActivityState::CancelRequested);
}

#[tokio::test]
async fn a_closed_run_has_nothing_pending() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a")), complete("done")]).await;
    let described = server.describe(&run).await.unwrap();
    assert!(described.pending_activities.is_empty());
    assert!(described.pending_workflow_task.is_none());
}

#[tokio::test]
async fn the_current_run_is_described_when_no_run_is_named() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let current = WorkflowExecution { run_id: String::new(), ..run.clone() };
    let described = server.describe(&current).await.unwrap();
    assert_eq!(described.workflow_execution_info.unwrap().execution, Some(run));
}

#[tokio::test]
async fn what_never_was_cannot_be_described() {
    let server = Server::in_memory();
    let nobody = WorkflowExecution { workflow_id: "nobody".to_owned(), run_id: String::new() };
    let error = server.describe(&nobody).await.unwrap_err();
    assert_eq!(error.code, Code::NotFound);
    assert!(error.message.contains("nobody"), "{}", error.message);
}
