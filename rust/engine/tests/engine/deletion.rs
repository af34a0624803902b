//! `DeleteWorkflowExecution`: what only a restart or a look from inside can show.

use std::pin::pin;

use hourglass_engine::{Code, RpcStatus};
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::query::v1::WorkflowQuery;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{activity, child, complete, schedule, start_child, start_timer};
use crate::support::values::NAMESPACE;

impl Server {
    async fn delete(&self, run: &WorkflowExecution) -> Result<(), RpcStatus> {
        let request = DeleteWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_execution: Some(run.clone()),
        };
        self.call(request).await.map(drop)
    }

    async fn count(&self, query: &str) -> i64 {
        let request = CountWorkflowExecutionsRequest {
            namespace: NAMESPACE.to_owned(),
            query: query.to_owned(),
        };
        self.call(request).await.unwrap().count
    }
}

#[tokio::test]
async fn nothing_is_left_of_a_deleted_run_also_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let server = Server::on_file(&path);
    let open = server.start("open").await;
    server.step([start_timer("t", 60), schedule(activity("a"))]).await;
    let closed = server.start("closed").await;
    server.step([complete("done")]).await;
    let kept = server.start("kept").await;
    for run in [&open, &closed] {
        server.delete(run).await.unwrap();
    }
    check_gone(&server, [&open, &closed]).await;
    let server = server.reopen(&path);
    check_gone(&server, [&open, &closed]).await;
    assert!(server.no_activity().await);
    server.advance_secs(60).await;
    assert_eq!(server.event_types(&kept).await, [WorkflowExecutionStarted, WorkflowTaskScheduled]);
}

/// Of three runs, these are not there any more.
async fn check_gone(server: &Server, runs: [&WorkflowExecution; 2]) {
    for run in runs {
        assert_eq!(server.describe(run).await.unwrap_err().code, Code::NotFound);
        let history = server.call(Server::history_request(run)).await;
        assert_eq!(history.unwrap_err().code, Code::NotFound);
        assert_eq!(server.delete(run).await.unwrap_err().code, Code::NotFound);
    }
    assert_eq!(server.count("").await, 1);
}

#[tokio::test]
async fn the_next_run_has_nothing_of_the_last_one_that_was_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let server = Server::on_file(&path);
    let run = server.start("w").await;
    let task = server.step([start_timer("t", 60)]).await;
    server.delete(&run).await.unwrap();
    let server = server.reopen(&path);
    let next = server.start("w").await;
    assert_eq!(server.complete(&task, []).await.unwrap_err().code, Code::NotFound);
    server.step([complete("done")]).await;
    assert_eq!(
        server.event_types(&next).await,
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
async fn whoever_waits_for_a_run_hears_that_it_is_deleted() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([start_timer("t", 60)]).await;
    let mut end = pin!(server.call(GetWorkflowExecutionHistoryRequest {
        wait_new_event: true,
        history_event_filter_type: 2,
        ..Server::history_request(&run)
    }));
    assert!(server.parks(&mut end.as_mut()).await);
    let mut query = pin!(server.call(QueryWorkflowRequest {
        namespace: NAMESPACE.to_owned(),
        execution: Some(run.clone()),
        query: Some(WorkflowQuery { query_type: "q".to_owned(), ..Default::default() }),
        ..Default::default()
    }));
    assert!(server.parks(&mut query.as_mut()).await);
    server.delete(&run).await.unwrap();
    let last = end.await.unwrap().history.unwrap().events.pop().unwrap();
    assert_eq!(last.event_type(), WorkflowExecutionTerminated);
    assert_eq!(query.await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn a_deleted_child_of_a_deleted_parent_troubles_nobody() {
    let server = Server::in_memory();
    let parent = server.start("parent").await;
    server.step([start_child(child("child"))]).await;
    let task = server.poll_child().await;
    server.delete(&parent).await.unwrap();
    let run = task.workflow_execution.clone().unwrap();
    let types = server.event_types(&run).await;
    assert_eq!(types.last(), Some(&WorkflowExecutionTerminated), "by the parent's policy");
    server.delete(&run).await.unwrap();
    assert_eq!(server.count("").await, 0);
}
