//! Activities without a workflow that are paused, let go on, begun anew and changed.

use hourglass_engine::Code;
use temporalio_protos::temporal::api::activity::v1::ActivityOptions;
use temporalio_protos::temporal::api::enums::v1::{
    ActivityExecutionStatus as Status, PendingActivityState as State,
};
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{activity, schedule};
use crate::support::standalone::{cancel_request, start_request};
use crate::support::values::{NAMESPACE, queue, retry_policy, secs, text};

fn pause(id: &str) -> PauseActivityExecutionRequest {
    PauseActivityExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        activity_id: id.to_owned(),
        ..Default::default()
    }
}

fn unpause(id: &str) -> UnpauseActivityExecutionRequest {
    UnpauseActivityExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        activity_id: id.to_owned(),
        ..Default::default()
    }
}

fn reset(id: &str) -> ResetActivityExecutionRequest {
    ResetActivityExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        activity_id: id.to_owned(),
        ..Default::default()
    }
}

fn update(
    id: &str,
    paths: &[&str],
    options: ActivityOptions,
) -> UpdateActivityExecutionOptionsRequest {
    UpdateActivityExecutionOptionsRequest {
        namespace: NAMESPACE.to_owned(),
        activity_id: id.to_owned(),
        activity_options: Some(options),
        update_mask: Some(prost_wkt_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn one_that_waits_is_paused_at_once_and_goes_on() {
    let server = Server::in_memory();
    server.start_activity("a").await;
    server.call(pause("a")).await.unwrap();
    let info = server.activity_info("a").await;
    assert_eq!((info.status(), info.run_state()), (Status::Paused, State::Paused));
    assert!(server.no_activity().await);
    let again = server.call(pause("a")).await.unwrap_err();
    assert_eq!(again.message, "activity is in non-pausable state Paused");
    server.call(unpause("a")).await.unwrap();
    assert_eq!(server.activity_status("a").await, Status::Running);
    assert_eq!(server.poll_activity().await.attempt, 1);
    let again = server.call(unpause("a")).await.unwrap_err();
    assert_eq!(again.message, "activity is in non-unpausable state Started");
}

#[tokio::test]
async fn one_that_runs_is_paused_when_its_attempt_is_over() {
    let server = Server::in_memory();
    server.start_activity("a").await;
    let task = server.poll_activity().await;
    server.call(pause("a")).await.unwrap();
    let info = server.activity_info("a").await;
    assert_eq!((info.status(), info.run_state()), (Status::Running, State::PauseRequested));
    assert!(server.heartbeat(&task, "half").await.unwrap().activity_paused);
    server.fail_activity(&task, "Flaky").await.unwrap();
    let info = server.activity_info("a").await;
    assert_eq!((info.status(), info.attempt), (Status::Paused, 2));
    server.advance_secs(60).await;
    assert!(server.no_activity().await);
    server.call(unpause("a")).await.unwrap();
    let again = server.poll_activity().await;
    assert_eq!((again.attempt, text(again.heartbeat_details.as_ref())), (2, "half".into()));
}

#[tokio::test]
async fn a_paused_activity_still_runs_out_of_time_and_attempts() {
    let server = Server::in_memory();
    server.start_activity("waits").await;
    server.call(pause("waits")).await.unwrap();
    let once =
        StartActivityExecutionRequest { retry_policy: retry_policy(1), ..start_request("once") };
    server.call(once).await.unwrap();
    let task = server.poll_activity().await;
    server.call(pause("once")).await.unwrap();
    server.fail_activity(&task, "Flaky").await.unwrap();
    assert_eq!(server.activity_status("once").await, Status::Failed);
    server.advance_secs(100).await;
    assert_eq!(server.activity_status("waits").await, Status::TimedOut);
}

#[tokio::test]
async fn what_is_left_of_a_backoff_or_a_delay_is_waited_for_after_a_pause() {
    let server = Server::in_memory();
    let request = StartActivityExecutionRequest { start_delay: secs(60), ..start_request("a") };
    server.call(request).await.unwrap();
    server.call(pause("a")).await.unwrap();
    server.advance_secs(30).await;
    server.call(unpause("a")).await.unwrap();
    server.advance_secs(29).await;
    assert!(server.no_activity().await);
    server.advance_secs(1).await;
    let task = server.poll_activity().await;
    server.fail_activity(&task, "Flaky").await.unwrap();
    server.call(pause("a")).await.unwrap();
    server.call(unpause("a")).await.unwrap();
    assert!(server.no_activity().await);
    server.advance_secs(1).await;
    assert_eq!(server.poll_activity().await.attempt, 2);
}

#[tokio::test]
async fn one_that_waits_begins_anew_at_once() {
    let server = Server::in_memory();
    server.start_activity("a").await;
    let task = server.poll_activity().await;
    server.heartbeat(&task, "half").await.unwrap();
    server.fail_activity(&task, "Flaky").await.unwrap();
    let wish = ResetActivityExecutionRequest { reset_heartbeat: true, ..reset("a") };
    server.call(wish).await.unwrap();
    let again = server.poll_activity().await;
    assert_eq!((again.attempt, again.heartbeat_details), (1, None));
}

#[tokio::test]
async fn one_that_runs_begins_anew_when_its_attempt_is_over_whatever_the_failure() {
    let server = Server::in_memory();
    server.start_activity("a").await;
    let task = server.poll_activity().await;
    server.call(reset("a")).await.unwrap();
    assert_eq!(server.call(reset("a")).await.unwrap_err().code, Code::FailedPrecondition);
    assert!(server.heartbeat(&task, "half").await.unwrap().activity_reset);
    server.fail_activity(&task, "Fatal").await.unwrap();
    let again = server.poll_activity().await;
    assert_eq!((again.attempt, text(again.heartbeat_details.as_ref())), (1, "half".into()));
    server.call(cancel_request("a")).await.unwrap();
    let refused = server.call(reset("a")).await.unwrap_err();
    assert_eq!(refused.message, "cannot reset an activity with a pending cancellation");
}

#[tokio::test]
async fn a_pause_is_kept_if_asked_for() {
    let server = Server::in_memory();
    server.start_activity("a").await;
    let task = server.poll_activity().await;
    server.call(pause("a")).await.unwrap();
    let keeping = ResetActivityExecutionRequest { keep_paused: true, ..reset("a") };
    server.call(keeping.clone()).await.unwrap();
    server.fail_activity(&task, "Flaky").await.unwrap();
    let info = server.activity_info("a").await;
    assert_eq!((info.status(), info.attempt), (Status::Paused, 1));
    server.call(keeping).await.unwrap();
    assert_eq!(server.activity_status("a").await, Status::Paused);
    server.call(reset("a")).await.unwrap();
    assert_eq!(server.poll_activity().await.attempt, 1);
}

#[tokio::test]
async fn options_are_changed_field_by_field_and_restored() {
    let server = Server::in_memory();
    server.start_activity("a").await;
    let paths = ["task_queue.name", "startToCloseTimeout", "retry_policy.maximum_attempts"];
    let options = ActivityOptions {
        task_queue: queue("other"),
        start_to_close_timeout: secs(7),
        heartbeat_timeout: secs(3),
        retry_policy: retry_policy(1),
        ..Default::default()
    };
    let told = server.call(update("a", &paths, options)).await.unwrap().activity_options.unwrap();
    assert_eq!((told.start_to_close_timeout, told.heartbeat_timeout), (secs(7), secs(0)));
    assert!(server.no_activity().await, "it is in another queue");
    let info = server.activity_info("a").await;
    assert_eq!((info.task_queue.as_str(), info.start_to_close_timeout), ("other", secs(7)));
    assert_eq!(info.retry_policy.unwrap().maximum_attempts, 1);
    let restore = UpdateActivityExecutionOptionsRequest {
        restore_original: true,
        activity_options: None,
        update_mask: None,
        ..update("a", &[], ActivityOptions::default())
    };
    server.call(restore).await.unwrap();
    let task = server.poll_activity().await;
    assert_eq!(task.start_to_close_timeout, secs(100));
    assert_eq!(task.retry_policy.unwrap().maximum_attempts, 0);
}

#[tokio::test]
async fn a_changed_timeout_counts_from_where_the_old_one_did() {
    let server = Server::in_memory();
    server.start_activity("a").await;
    server.poll_activity().await;
    server.advance_secs(50).await;
    let longer = ActivityOptions { schedule_to_close_timeout: secs(200), ..Default::default() };
    server.call(update("a", &["schedule_to_close_timeout"], longer)).await.unwrap();
    server.advance_secs(60).await;
    let info = server.activity_info("a").await;
    assert_eq!((info.status(), info.attempt), (Status::Running, 2), "its attempt took too long");
    server.advance_secs(90).await;
    assert_eq!(server.activity_status("a").await, Status::TimedOut);
}

#[tokio::test]
async fn a_start_delay_is_changed_while_it_lasts() {
    let server = Server::in_memory();
    let request = StartActivityExecutionRequest { start_delay: secs(60), ..start_request("a") };
    server.call(request).await.unwrap();
    let sooner = ActivityOptions { start_delay: secs(10), ..Default::default() };
    server.call(update("a", &["start_delay"], sooner)).await.unwrap();
    server.advance_secs(10).await;
    server.poll_activity().await;
    let later = ActivityOptions { start_delay: secs(90), ..Default::default() };
    let refused = server.call(update("a", &["start_delay"], later)).await.unwrap_err();
    assert_eq!(refused.code, Code::FailedPrecondition);
}

#[tokio::test]
async fn changes_that_cannot_be_meant_are_refused() {
    let server = Server::in_memory();
    server.start_activity("a").await;
    let none = ActivityOptions::default;
    let cases = [
        (update("a", &["nonsense"], none()), "unsupported update_mask path: \"nonsense\""),
        (update("a", &["task_queue.name"], none()), "taskQueue is not set"),
        (update("a", &[], none()), "UpdateMask must specify at least one path"),
        (
            UpdateActivityExecutionOptionsRequest {
                restore_original: true,
                ..update("a", &["priority"], none())
            },
            "Both UpdateMask and RestoreOriginal are provided",
        ),
    ];
    for (request, expected) in cases {
        let refused = server.call(request).await.unwrap_err();
        assert_eq!((refused.code, refused.message.as_str()), (Code::InvalidArgument, expected));
    }
    server.call(cancel_request("a")).await.unwrap();
    let refused = server.call(update("a", &["priority"], none())).await.unwrap_err();
    assert_eq!(refused.message, "Cannot update options for activity in state Canceled");
    let refused = server.call(pause("a")).await.unwrap_err();
    assert_eq!(refused.message, "activity is in non-pausable state Canceled");
}

#[tokio::test]
async fn activities_of_workflows_are_paused_by_the_same_requests() {
    let server = Server::in_memory();
    server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    let of_workflow = PauseActivityExecutionRequest { workflow_id: "w".to_owned(), ..pause("a") };
    server.call(of_workflow).await.unwrap();
    assert!(server.no_activity().await);
    let of_workflow =
        UnpauseActivityExecutionRequest { workflow_id: "w".to_owned(), ..unpause("a") };
    server.call(of_workflow).await.unwrap();
    let task = server.poll_activity().await;
    let of_workflow = ResetActivityExecutionRequest { workflow_id: "w".to_owned(), ..reset("a") };
    server.call(of_workflow).await.unwrap();
    assert!(server.heartbeat(&task, "half").await.unwrap().activity_reset);
}

#[tokio::test]
async fn a_pause_and_its_end_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("orders.db");
    let server = Server::on_file(&path);
    server.start_activity("a").await;
    server.call(pause("a")).await.unwrap();
    let server = server.reopen(&path);
    assert!(server.no_activity().await);
    assert_eq!(server.activity_status("a").await, Status::Paused);
    server.call(unpause("a")).await.unwrap();
    let server = server.reopen(&path);
    assert_eq!(server.poll_activity().await.attempt, 1);
}
