//! Pausing activities and letting them go on: what only a virtual clock or a restart can show.

use temporalio_protos::temporal::api::command::v1::ScheduleActivityTaskCommandAttributes;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{activity, schedule};
use crate::support::values::{NAMESPACE, secs};

impl Server {
    async fn pause(&self, run: &WorkflowExecution, id: &str) {
        let request = PauseActivityRequest {
            namespace: NAMESPACE.to_owned(),
            execution: Some(run.clone()),
            activity: Some(pause_activity_request::Activity::Id(id.to_owned())),
            ..Default::default()
        };
        self.call(request).await.unwrap();
    }

    async fn unpause(&self, run: &WorkflowExecution, id: &str, jitter: u64) {
        let request = UnpauseActivityRequest {
            namespace: NAMESPACE.to_owned(),
            execution: Some(run.clone()),
            activity: Some(unpause_activity_request::Activity::Id(id.to_owned())),
            jitter: secs(jitter),
            ..Default::default()
        };
        self.call(request).await.unwrap();
    }
}

#[tokio::test]
async fn a_paused_activity_stays_paused_over_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let server = Server::on_file(&path);
    let run = server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    server.pause(&run, "a").await;
    let server = server.reopen(&path);
    assert!(server.no_activity().await);
    server.unpause(&run, "a", 0).await;
    assert_eq!(server.poll_activity().await.activity_id, "a");
}

#[tokio::test]
async fn the_clock_of_a_paused_activity_stands_still() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let attributes = ScheduleActivityTaskCommandAttributes {
        schedule_to_start_timeout: secs(10),
        heartbeat_timeout: secs(5),
        ..activity("a")
    };
    server.step([schedule(attributes)]).await;
    server.pause(&run, "a").await;
    server.advance_secs(100).await;
    assert_eq!(server.event_types(&run).await.last(), Some(&ActivityTaskScheduled));
    server.unpause(&run, "a", 0).await;
    let task = server.poll_activity().await;
    server.pause(&run, "a").await;
    server.advance_secs(100).await;
    assert!(server.heartbeat(&task, "alive").await.unwrap().activity_paused);
    server.unpause(&run, "a", 0).await;
    server.advance_secs(5).await;
    server.heartbeat(&task, "too late").await.unwrap_err();
}

#[tokio::test]
async fn b30_an_activity_that_begins_anew_after_its_worker_is_gone_is_given_to_another() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    let first = server.poll_activity().await;
    server.fail_activity(&first, "Flaky").await.unwrap();
    server.advance_secs(1).await;
    assert_eq!(server.poll_activity().await.attempt, 2);
    server.engine.worker_gone("instance", Vec::new());
    let request = ResetActivityRequest {
        namespace: NAMESPACE.to_owned(),
        execution: Some(run),
        activity: Some(reset_activity_request::Activity::Id("a".to_owned())),
        ..Default::default()
    };
    server.call(request).await.unwrap();
    let again = server.poll_activity().await;
    assert_eq!(again.attempt, 1);
    server.complete_activity(&again, "hash").await.unwrap();
}

#[tokio::test]
async fn an_activity_goes_on_within_its_jitter() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    server.pause(&run, "a").await;
    server.unpause(&run, "a", 3600).await;
    assert!(server.no_activity().await);
    server.advance_secs(3600).await;
    assert_eq!(server.poll_activity().await.attempt, 1);
}
