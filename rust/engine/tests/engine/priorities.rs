//! Priorities: which of the tasks that wait in a queue goes first.

use temporalio_protos::temporal::api::command::v1::ScheduleActivityTaskCommandAttributes;
use temporalio_protos::temporal::api::common::v1::Priority;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{activity, complete, schedule};

fn priority(priority_key: i32) -> Option<Priority> {
    Some(Priority { priority_key, ..Default::default() })
}

async fn start(server: &Server, workflow_id: &str, key: i32) {
    let request = StartWorkflowExecutionRequest {
        priority: priority(key),
        ..Server::start_request(workflow_id)
    };
    server.start_with(request).await;
}

fn urgent(activity_id: &str, key: i32) -> ScheduleActivityTaskCommandAttributes {
    ScheduleActivityTaskCommandAttributes { priority: priority(key), ..activity(activity_id) }
}

async fn next(server: &Server) -> String {
    let task = server.step([complete("done")]).await;
    task.workflow_execution.unwrap().workflow_id
}

#[tokio::test]
async fn workflow_tasks_of_a_lower_key_go_first_also_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let server = Server::on_file(&path);
    for (workflow_id, key) in [("late", 5), ("middle", 0), ("third", 3), ("first", 1)] {
        start(&server, workflow_id, key).await;
    }
    start(&server, "second", 2).await;
    assert_eq!(next(&server).await, "first");
    let server = server.reopen(&path);
    for expected in ["second", "middle", "third", "late"] {
        assert_eq!(next(&server).await, expected);
    }
}

#[tokio::test]
async fn activities_have_their_workflows_priority_unless_they_have_their_own() {
    let server = Server::in_memory();
    start(&server, "w", 4).await;
    server.step([schedule(activity("as its workflow")), schedule(urgent("its own", 2))]).await;
    start(&server, "other", 0).await;
    server.step([schedule(activity("in the middle"))]).await;
    for (activity_id, key) in [("its own", 2), ("in the middle", 0), ("as its workflow", 4)] {
        let task = server.poll_activity().await;
        assert_eq!(task.activity_id, activity_id);
        assert_eq!(task.priority.map_or(0, |priority| priority.priority_key), key);
    }
}

#[tokio::test]
async fn what_is_no_priority_is_refused() {
    let server = Server::in_memory();
    let request =
        StartWorkflowExecutionRequest { priority: priority(-1), ..Server::start_request("w") };
    let refused = server.call(request).await.unwrap_err();
    assert_eq!(refused.message, "priority key can't be negative");
}
