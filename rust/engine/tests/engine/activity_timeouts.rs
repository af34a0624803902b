//! The four timeouts of an activity.

use temporalio_protos::temporal::api::command::v1::ScheduleActivityTaskCommandAttributes;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::enums::v1::{RetryState, TimeoutType};
use temporalio_protos::temporal::api::failure::v1::failure::FailureInfo;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;

use crate::support::Server;
use crate::support::command::{activity, schedule};
use crate::support::values::{retry_policy, secs, text};

/// Start a run that waits for this activity.
async fn waiting_for(
    server: &Server,
    change: impl FnOnce(&mut ScheduleActivityTaskCommandAttributes),
) -> WorkflowExecution {
    let run = server.start("w").await;
    let mut attributes = activity("a");
    change(&mut attributes);
    server.step([schedule(attributes)]).await;
    run
}

async fn assert_timed_out(
    server: &Server,
    run: &WorkflowExecution,
    started: bool,
    expected: (TimeoutType, RetryState),
) {
    let history = server.history(run).await;
    let types = history.types();
    if started {
        assert_eq!(types[5..], [ActivityTaskStarted, ActivityTaskTimedOut, WorkflowTaskScheduled]);
    } else {
        assert_eq!(types[5..], [ActivityTaskTimedOut, WorkflowTaskScheduled]);
    }
    let Attributes::ActivityTaskTimedOutEventAttributes(timed_out) =
        history.attributes(types.len() - 1)
    else {
        panic!("{types:?}");
    };
    let Some(FailureInfo::TimeoutFailureInfo(info)) =
        timed_out.failure.as_ref().and_then(|failure| failure.failure_info.as_ref())
    else {
        panic!("{timed_out:?}");
    };
    assert_eq!((info.timeout_type(), timed_out.retry_state()), expected);
}

#[tokio::test]
async fn an_activity_that_nobody_takes_times_out_and_is_not_retried() {
    let server = Server::in_memory();
    let run = waiting_for(&server, |a| a.schedule_to_start_timeout = secs(10)).await;
    server.advance_secs(9).await;
    assert_eq!(server.event_types(&run).await.last(), Some(&ActivityTaskScheduled));
    server.advance_secs(1).await;
    let expected = (TimeoutType::ScheduleToStart, RetryState::Timeout);
    assert_timed_out(&server, &run, false, expected).await;
    assert!(server.no_activity().await);
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_retried() {
    let server = Server::in_memory();
    let run = waiting_for(&server, |a| {
        a.start_to_close_timeout = secs(5);
        a.retry_policy = retry_policy(2);
    })
    .await;
    server.poll_activity().await;
    server.advance_secs(5).await;
    assert_eq!(server.event_types(&run).await.last(), Some(&ActivityTaskScheduled));
    server.advance_secs(1).await;
    assert_eq!(server.poll_activity().await.attempt, 2);
    server.advance_secs(5).await;
    let expected = (TimeoutType::StartToClose, RetryState::MaximumAttemptsReached);
    assert_timed_out(&server, &run, true, expected).await;
}

#[tokio::test]
async fn all_attempts_together_may_take_only_so_long() {
    let server = Server::in_memory();
    let run = waiting_for(&server, |a| a.schedule_to_close_timeout = secs(30)).await;
    let work = server.poll_activity().await;
    server.fail_activity(&work, "Flaky").await.unwrap();
    server.advance_secs(1).await;
    server.poll_activity().await;
    server.advance_secs(29).await;
    let expected = (TimeoutType::ScheduleToClose, RetryState::Timeout);
    assert_timed_out(&server, &run, true, expected).await;
}

#[tokio::test]
async fn an_attempt_that_falls_silent_is_retried() {
    let server = Server::in_memory();
    let run = waiting_for(&server, |a| {
        a.heartbeat_timeout = secs(5);
        a.retry_policy = retry_policy(2);
    })
    .await;
    let work = server.poll_activity().await;
    for _ in 0..4 {
        server.advance_secs(4).await;
        server.heartbeat(&work, "alive").await.unwrap();
    }
    server.advance_secs(6).await;
    server.advance_secs(1).await;
    let retried = server.poll_activity().await;
    assert_eq!(retried.attempt, 2);
    assert_eq!(text(retried.heartbeat_details.as_ref()), "alive");
    server.advance_secs(5).await;
    let expected = (TimeoutType::Heartbeat, RetryState::MaximumAttemptsReached);
    assert_timed_out(&server, &run, true, expected).await;
}

#[tokio::test]
async fn a_late_answer_to_a_timed_out_attempt_is_refused() {
    let server = Server::in_memory();
    let run = waiting_for(&server, |a| a.start_to_close_timeout = secs(5)).await;
    let work = server.poll_activity().await;
    server.advance_secs(6).await;
    server.complete_activity(&work, "late").await.unwrap_err();
    assert_eq!(server.event_types(&run).await.last(), Some(&ActivityTaskScheduled));
}

#[tokio::test]
async fn timeouts_that_are_not_given_follow_from_the_others() {
    let server = Server::in_memory();
    let run = waiting_for(&server, |a| {
        a.schedule_to_close_timeout = secs(30);
        a.start_to_close_timeout = None;
    })
    .await;
    let history = server.history(&run).await;
    let Attributes::ActivityTaskScheduledEventAttributes(scheduled) = history.last() else {
        panic!("{:?}", history.types());
    };
    assert_eq!(scheduled.schedule_to_start_timeout, secs(30));
    assert_eq!(scheduled.start_to_close_timeout, secs(30));
}
