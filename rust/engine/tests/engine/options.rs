//! What is changed of a run, or of its activities, while it goes on: what only a restart or a virtual clock
//! can show, and what the server that ours is compared with does not know yet.

use temporalio_protos::temporal::api::activity::v1::ActivityOptions;
use temporalio_protos::temporal::api::command::v1::ScheduleActivityTaskCommandAttributes;
use temporalio_protos::temporal::api::common::v1::{
    Priority, WorkerVersionStamp, WorkflowExecution,
};
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflow::v1::WorkflowExecutionOptions;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{activity, complete, schedule};
use crate::support::values::{NAMESPACE, secs};

impl Server {
    async fn prioritize(&self, run: &WorkflowExecution, priority_key: i32) {
        let priority = Some(Priority { priority_key, ..Default::default() });
        let options = WorkflowExecutionOptions { priority, ..Default::default() };
        let mut request = UpdateWorkflowExecutionOptionsRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_execution: Some(run.clone()),
            workflow_execution_options: Some(options),
            identity: "operator".to_owned(),
            ..Default::default()
        };
        request.update_mask.get_or_insert_default().paths.push("priority".to_owned());
        self.call(request).await.unwrap();
    }

    async fn limit(&self, run: &WorkflowExecution, start_to_close: u64) {
        let options =
            ActivityOptions { start_to_close_timeout: secs(start_to_close), ..Default::default() };
        let mut request = UpdateActivityOptionsRequest {
            namespace: NAMESPACE.to_owned(),
            execution: Some(run.clone()),
            activity_options: Some(options),
            activity: Some(update_activity_options_request::Activity::MatchAll(true)),
            ..Default::default()
        };
        let paths = &mut request.update_mask.get_or_insert_default().paths;
        paths.push("start_to_close_timeout".to_owned());
        self.call(request).await.unwrap();
    }
}

#[tokio::test]
async fn a_run_of_a_changed_priority_goes_first_also_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let server = Server::on_file(&path);
    server.start("usual").await;
    let run = server.start("urgent").await;
    server.prioritize(&run, 1).await;
    let server = server.reopen(&path);
    assert_eq!(server.poll().await.workflow_execution.unwrap(), run);
    let info = server.describe(&run).await.unwrap().workflow_execution_info.unwrap();
    assert_eq!(info.priority.unwrap().priority_key, 1);
    let history = server.history(&run).await;
    let Attributes::WorkflowExecutionOptionsUpdatedEventAttributes(updated) = history.attributes(3)
    else {
        panic!();
    };
    assert_eq!(updated.identity, "operator");
}

#[tokio::test]
async fn a_worker_gets_more_or_less_time_while_it_is_at_it() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let attributes = ScheduleActivityTaskCommandAttributes {
        start_to_close_timeout: secs(100),
        ..activity("a")
    };
    server.step([schedule(attributes)]).await;
    let task = server.poll_activity().await;
    server.limit(&run, 1000).await;
    server.advance_secs(500).await;
    server.limit(&run, 600).await;
    server.advance_secs(99).await;
    server.heartbeat(&task, "alive").await.unwrap();
    server.advance_secs(1).await;
    server.heartbeat(&task, "too late").await.unwrap_err();
    server.advance_secs(10).await;
    assert_eq!(server.poll_activity().await.attempt, 2);
}

#[tokio::test]
async fn twenty_points_to_reset_to_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let server = Server::on_file(&path);
    let run = server.start("w").await;
    for version in 0..22 {
        let task = server.poll().await;
        let stamp = WorkerVersionStamp { build_id: version.to_string(), ..Default::default() };
        #[allow(deprecated, reason = "workers say it so")]
        let completion = RespondWorkflowTaskCompletedRequest {
            worker_version_stamp: Some(stamp),
            force_create_new_workflow_task: true,
            ..Server::completion(&task, [])
        };
        server.call(completion).await.unwrap();
    }
    let server = server.reopen(&path);
    let info = server.describe(&run).await.unwrap().workflow_execution_info.unwrap();
    let points = info.auto_reset_points.unwrap().points;
    assert_eq!(points.len(), 20);
    assert_eq!(points[0].build_id, "2");
    assert_eq!(points[0].first_workflow_task_completed_id, 10);
    server.step([complete("done")]).await;
    assert_eq!(server.event_types(&run).await.last(), Some(&WorkflowExecutionCompleted));
}
