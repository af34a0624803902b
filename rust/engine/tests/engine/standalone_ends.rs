//! How activities without a workflow end: failures, timeouts, cancellation, termination, deletion.

use hourglass_engine::Code;
use temporalio_protos::temporal::api::activity::v1::activity_execution_outcome::Value;
use temporalio_protos::temporal::api::enums::v1::{
    ActivityExecutionStatus as Status, PendingActivityState as State, RetryState, TimeoutType,
};
use temporalio_protos::temporal::api::failure::v1::failure::FailureInfo;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::standalone::{
    cancel_request, delete_request, poll_request, start_request, terminate_request,
};
use crate::support::values::{NAMESPACE, retry_policy, secs, text};

/// Start `a` as `change` says.
async fn start(server: &Server, change: impl FnOnce(&mut StartActivityExecutionRequest)) {
    let mut request = start_request("a");
    change(&mut request);
    server.call(request).await.unwrap();
}

#[tokio::test]
async fn the_last_attempt_that_is_allowed_fails_the_activity() {
    let server = Server::in_memory();
    start(&server, |request| request.retry_policy = retry_policy(2)).await;
    server.fail_activity(&server.poll_activity().await, "Flaky").await.unwrap();
    server.advance_secs(1).await;
    server.fail_activity(&server.poll_activity().await, "Flaky").await.unwrap();
    let outcome = server.outcome("a").await;
    assert_eq!(outcome.retry_state(), RetryState::MaximumAttemptsReached);
    assert_eq!(server.activity_error("a").await.message, "no luck");
    assert_eq!(server.activity_status("a").await, Status::Failed);
}

#[tokio::test]
async fn a_failure_that_is_not_worth_another_attempt_ends_it() {
    let server = Server::in_memory();
    server.start_activity("a").await;
    server.fail_activity(&server.poll_activity().await, "Fatal").await.unwrap();
    assert_eq!(server.outcome("a").await.retry_state(), RetryState::NonRetryableFailure);
}

#[tokio::test]
async fn a_failure_that_says_nothing_is_said_to() {
    let server = Server::in_memory();
    start(&server, |request| request.retry_policy = retry_policy(1)).await;
    let task = server.poll_activity().await;
    let request = RespondActivityTaskFailedRequest {
        task_token: task.task_token,
        namespace: NAMESPACE.to_owned(),
        ..Default::default()
    };
    server.call(request).await.unwrap();
    let message = server.activity_error("a").await.message;
    assert_eq!(message, "activity task failed without failure details");
}

/// The kind of timeout by which `a` ended, why there was no other attempt, and what was told last.
async fn timed_out(server: &Server) -> (TimeoutType, RetryState, Option<String>) {
    assert_eq!(server.activity_status("a").await, Status::TimedOut);
    let state = server.outcome("a").await.retry_state();
    match server.activity_error("a").await.failure_info {
        Some(FailureInfo::TimeoutFailureInfo(info)) => {
            let details = info.last_heartbeat_details.as_ref();
            (info.timeout_type(), state, details.map(|details| text(Some(details))))
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn nobody_takes_it_in_time() {
    let server = Server::in_memory();
    start(&server, |request| request.schedule_to_start_timeout = secs(5)).await;
    server.advance_secs(4).await;
    assert_eq!(server.activity_status("a").await, Status::Running);
    server.advance_secs(1).await;
    let expected = (TimeoutType::ScheduleToStart, RetryState::Timeout, None);
    assert_eq!(timed_out(&server).await, expected);
    assert!(server.no_activity().await);
}

#[tokio::test]
async fn all_of_its_time_is_over() {
    let server = Server::in_memory();
    server.start_activity("a").await;
    let task = server.poll_activity().await;
    server.heartbeat(&task, "half").await.unwrap();
    server.advance_secs(100).await;
    let expected = (TimeoutType::ScheduleToClose, RetryState::Timeout, Some("half".into()));
    assert_eq!(timed_out(&server).await, expected);
    assert_eq!(server.complete_activity(&task, "late").await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_followed_by_another() {
    let server = Server::in_memory();
    start(&server, |request| {
        request.start_to_close_timeout = secs(5);
        request.retry_policy = retry_policy(2);
    })
    .await;
    let late = server.poll_activity().await;
    server.advance_secs(5).await;
    server.advance_secs(1).await;
    let again = server.poll_activity().await;
    assert_eq!(again.attempt, 2);
    assert_eq!(server.complete_activity(&late, "late").await.unwrap_err().code, Code::NotFound);
    server.advance_secs(5).await;
    let expected = (TimeoutType::StartToClose, RetryState::MaximumAttemptsReached, None);
    assert_eq!(timed_out(&server).await, expected);
    let cause = server.activity_error("a").await.cause.unwrap();
    assert_eq!(cause.message, "activity StartToClose timeout");
}

#[tokio::test]
async fn a_worker_that_falls_silent_is_given_up() {
    let server = Server::in_memory();
    start(&server, |request| {
        request.heartbeat_timeout = secs(5);
        request.retry_policy = retry_policy(1);
    })
    .await;
    let task = server.poll_activity().await;
    server.advance_secs(4).await;
    server.heartbeat(&task, "half").await.unwrap();
    server.advance_secs(4).await;
    assert_eq!(server.activity_status("a").await, Status::Running);
    server.advance_secs(1).await;
    let expected =
        (TimeoutType::Heartbeat, RetryState::MaximumAttemptsReached, Some("half".into()));
    assert_eq!(timed_out(&server).await, expected);
}

#[tokio::test]
async fn there_is_no_time_for_another_attempt() {
    let server = Server::in_memory();
    start(&server, |request| {
        request.start_to_close_timeout = secs(99);
        request.retry_policy.as_mut().unwrap().initial_interval = secs(10);
    })
    .await;
    server.poll_activity().await;
    server.advance_secs(99).await;
    let expected = (TimeoutType::ScheduleToClose, RetryState::Timeout, None);
    assert_eq!(timed_out(&server).await, expected);
    let message = server.activity_error("a").await.message;
    assert!(message.starts_with("Not enough time to schedule next retry"), "{message}");
    let last = server.activity_info("a").await.last_failure.unwrap();
    assert_eq!(last.message, "activity StartToClose timeout");
}

#[tokio::test]
async fn one_that_no_worker_has_is_cancelled_at_once() {
    let server = Server::in_memory();
    for (id, delay) in [("waits", 0), ("delayed", 60)] {
        let start_delay = (delay != 0).then(|| secs(delay)).flatten();
        let request = StartActivityExecutionRequest { start_delay, ..start_request(id) };
        server.call(request).await.unwrap();
        server.call(cancel_request(id)).await.unwrap();
        assert_eq!(server.activity_status(id).await, Status::Canceled);
        let Some(FailureInfo::CanceledFailureInfo(info)) =
            server.activity_error(id).await.failure_info
        else {
            panic!()
        };
        assert_eq!(
            (text(info.details.as_ref()).as_str(), &*info.identity),
            ("\"no need\"", "canceler")
        );
    }
    server.start_activity("backs off").await;
    server.fail_activity(&server.poll_activity().await, "Flaky").await.unwrap();
    server.call(cancel_request("backs off")).await.unwrap();
    assert_eq!(server.activity_status("backs off").await, Status::Canceled);
    server.advance_secs(90).await;
    assert!(server.no_activity().await);
}

#[tokio::test]
async fn one_that_a_worker_has_is_told_with_its_next_heartbeat() {
    let server = Server::in_memory();
    server.start_activity("a").await;
    let task = server.poll_activity().await;
    assert_eq!(server.cancel_activity(&task).await.unwrap_err().code, Code::InvalidArgument);
    assert!(!server.heartbeat(&task, "x").await.unwrap().cancel_requested);
    let request =
        RequestCancelActivityExecutionRequest { request_id: "one".into(), ..cancel_request("a") };
    server.call(request.clone()).await.unwrap();
    server.call(request.clone()).await.unwrap();
    let other = RequestCancelActivityExecutionRequest { request_id: "two".into(), ..request };
    let refused = server.call(other).await.unwrap_err();
    assert_eq!(refused.code, Code::FailedPrecondition);
    assert_eq!(refused.message, "cancellation already requested with request ID one");
    let info = server.activity_info("a").await;
    assert_eq!(
        (info.run_state(), info.canceled_reason.as_str()),
        (State::CancelRequested, "no need")
    );
    assert!(server.heartbeat(&task, "x").await.unwrap().cancel_requested);
    server.cancel_activity(&task).await.unwrap();
    assert_eq!(server.activity_status("a").await, Status::Canceled);
}

#[tokio::test]
async fn a_failure_after_a_cancellation_was_asked_for_is_the_end() {
    let server = Server::in_memory();
    server.start_activity("a").await;
    let task = server.poll_activity().await;
    server.call(cancel_request("a")).await.unwrap();
    server.fail_activity(&task, "Flaky").await.unwrap();
    assert_eq!(server.outcome("a").await.retry_state(), RetryState::CancelRequested);
    assert_eq!(server.activity_status("a").await, Status::Failed);
}

#[tokio::test]
async fn a_termination_ends_it_whoever_has_it() {
    let server = Server::in_memory();
    server.start_activity("a").await;
    let task = server.poll_activity().await;
    let request =
        TerminateActivityExecutionRequest { request_id: "one".into(), ..terminate_request("a") };
    server.call(request.clone()).await.unwrap();
    let failure = server.activity_error("a").await;
    assert_eq!(failure.message, "enough");
    let Some(FailureInfo::TerminatedFailureInfo(info)) = failure.failure_info else { panic!() };
    assert_eq!(info.identity, "terminator");
    assert_eq!(server.heartbeat(&task, "x").await.unwrap_err().code, Code::NotFound);
    server.call(request.clone()).await.unwrap();
    let other = TerminateActivityExecutionRequest { request_id: "two".into(), ..request };
    assert_eq!(server.call(other).await.unwrap_err().code, Code::FailedPrecondition);
    let refused = server.call(cancel_request("a")).await.unwrap_err();
    assert_eq!(refused.message, "activity is in terminal state Terminated");
    server.advance_secs(200).await;
    assert_eq!(server.activity_status("a").await, Status::Terminated);
}

#[tokio::test]
async fn a_deleted_activity_is_not_there() {
    let server = Server::in_memory();
    server.start_activity("done").await;
    server.complete_activity(&server.poll_activity().await, "hash").await.unwrap();
    server.start_activity("runs").await;
    let task = server.poll_activity().await;
    let mut waits = std::pin::pin!(server.call(poll_request("runs")));
    assert!(server.parks(&mut waits.as_mut()).await);
    for id in ["done", "runs"] {
        server.call(delete_request(id)).await.unwrap();
        assert_eq!(server.activity(id).await.unwrap_err().code, Code::NotFound);
        assert_eq!(server.call(delete_request(id)).await.unwrap_err().code, Code::NotFound);
    }
    let Some(Value::Failure(failure)) = waits.await.unwrap().outcome.unwrap().value else {
        panic!()
    };
    assert_eq!(failure.message, "Delete activity execution");
    let gone = server.complete_activity(&task, "late").await.unwrap_err();
    assert_eq!(gone.message, "activity not found for ID: runs");
    server.advance_secs(200).await;
    assert!(server.start_activity("runs").await.len() == 36);
}
