//! Activities: scheduled, dispatched, completed, failed, retried, cancelled.

use hourglass_engine::Code;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::enums::v1::{RetryState, WorkflowTaskFailedCause};
use temporalio_protos::temporal::api::failure::v1::failure::FailureInfo;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{activity, cancel_activity, complete, schedule, start_timer};
use crate::support::values::{QUEUE, payloads, retry_policy, secs, text};

#[tokio::test]
async fn a_result_is_written_with_the_start_of_its_attempt() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    let work = server.poll_activity().await;
    assert_eq!(server.event_types(&run).await.last(), Some(&ActivityTaskScheduled));
    server.complete_activity(&work, "hash").await.unwrap();
    let history = server.history(&run).await;
    assert_eq!(
        history.types()[4..],
        [ActivityTaskScheduled, ActivityTaskStarted, ActivityTaskCompleted, WorkflowTaskScheduled]
    );
    let Attributes::ActivityTaskStartedEventAttributes(started) = history.attributes(6) else {
        panic!("{:?}", history.types());
    };
    assert_eq!((started.scheduled_event_id, started.attempt), (5, 1));
    let Attributes::ActivityTaskCompletedEventAttributes(completed) = history.attributes(7) else {
        panic!("{:?}", history.types());
    };
    assert_eq!((completed.scheduled_event_id, completed.started_event_id), (5, 6));
    assert_eq!(text(completed.result.as_ref()), "hash");
    server.step([complete("done")]).await;
}

#[tokio::test]
async fn an_activity_task_carries_what_a_worker_needs() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    let work = server.poll_activity().await;
    assert_eq!(work.workflow_execution.as_ref(), Some(&run));
    assert_eq!(work.workflow_namespace, "default");
    assert_eq!(work.workflow_type.as_ref().unwrap().name, "Pipeline");
    assert_eq!(work.activity_type.as_ref().unwrap().name, "Hash");
    assert_eq!((work.activity_id.as_str(), work.attempt), ("a", 1));
    assert_eq!(text(work.input.as_ref()), "file");
    assert_eq!(work.start_to_close_timeout, secs(60));
    assert!(work.scheduled_time.is_some() && work.started_time.is_some());
    assert_eq!(work.current_attempt_scheduled_time, work.scheduled_time);
    assert_eq!(work.retry_policy, retry_policy(0));
}

#[tokio::test]
async fn an_activity_without_a_retry_policy_gets_the_default_one() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let mut attributes = activity("a");
    attributes.retry_policy = None;
    server.step([schedule(attributes)]).await;
    let history = server.history(&run).await;
    let Attributes::ActivityTaskScheduledEventAttributes(scheduled) = history.last() else {
        panic!("{:?}", history.types());
    };
    let policy = scheduled.retry_policy.as_ref().expect("the policy is written");
    assert_eq!(policy.initial_interval, secs(1));
    assert!((policy.backoff_coefficient - 2.0).abs() < f64::EPSILON);
    assert_eq!(policy.maximum_interval, secs(100));
    assert_eq!(policy.maximum_attempts, 0);
    assert_eq!(scheduled.task_queue.as_ref().unwrap().name, QUEUE);
}

#[tokio::test]
async fn a_failed_attempt_is_retried_after_a_growing_pause_and_writes_nothing() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    for (attempt, pause) in [(1, 1), (2, 2), (3, 4)] {
        let work = server.poll_activity().await;
        assert_eq!(work.attempt, attempt);
        server.fail_activity(&work, "Flaky").await.unwrap();
        assert_eq!(server.event_types(&run).await.last(), Some(&ActivityTaskScheduled));
        server.advance_secs(pause - 1).await;
        assert!(server.no_activity().await, "attempt {attempt} waits {pause} s");
        server.advance_secs(1).await;
    }
    let work = server.poll_activity().await;
    assert_eq!(work.attempt, 4);
    server.complete_activity(&work, "hash").await.unwrap();
    let history = server.history(&run).await;
    assert_eq!(history.types()[5..7], [ActivityTaskStarted, ActivityTaskCompleted]);
    let Attributes::ActivityTaskStartedEventAttributes(started) = history.attributes(6) else {
        panic!("{:?}", history.types());
    };
    assert_eq!(started.attempt, 4);
    assert_eq!(started.last_failure.as_ref().unwrap().message, "no luck");
}

#[tokio::test]
async fn the_last_attempt_that_is_allowed_fails_the_activity() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let mut attributes = activity("a");
    attributes.retry_policy = retry_policy(2);
    server.step([schedule(attributes)]).await;
    let work = server.poll_activity().await;
    server.fail_activity(&work, "Flaky").await.unwrap();
    server.advance_secs(1).await;
    let work = server.poll_activity().await;
    server.fail_activity(&work, "Flaky").await.unwrap();
    assert_failed(&server, &run, RetryState::MaximumAttemptsReached).await;
}

#[tokio::test]
async fn an_error_type_that_the_policy_names_is_not_retried() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    let work = server.poll_activity().await;
    server.fail_activity(&work, "Fatal").await.unwrap();
    assert_failed(&server, &run, RetryState::NonRetryableFailure).await;
}

#[tokio::test]
async fn no_retry_begins_that_could_not_end_in_time() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let mut attributes = activity("a");
    attributes.schedule_to_close_timeout = secs(10);
    attributes.retry_policy.as_mut().unwrap().initial_interval = secs(20);
    server.step([schedule(attributes)]).await;
    let work = server.poll_activity().await;
    server.fail_activity(&work, "Flaky").await.unwrap();
    assert_failed(&server, &run, RetryState::Timeout).await;
}

async fn assert_failed(server: &Server, run: &WorkflowExecution, retry_state: RetryState) {
    let history = server.history(run).await;
    assert_eq!(
        history.types()[5..],
        [ActivityTaskStarted, ActivityTaskFailed, WorkflowTaskScheduled]
    );
    let Attributes::ActivityTaskFailedEventAttributes(failed) = history.attributes(7) else {
        panic!("{:?}", history.types());
    };
    assert_eq!(failed.retry_state(), retry_state);
    assert_eq!(failed.failure.as_ref().unwrap().message, "no luck");
    assert_eq!((failed.scheduled_event_id, failed.started_event_id), (5, 6));
}

#[tokio::test]
async fn an_attempt_ends_once() {
    let server = Server::in_memory();
    server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    let first = server.poll_activity().await;
    server.fail_activity(&first, "Flaky").await.unwrap();
    server.advance_secs(1).await;
    let second = server.poll_activity().await;
    let stale = server.complete_activity(&first, "late").await.unwrap_err();
    assert_eq!(stale.code, Code::NotFound);
    assert_eq!(server.heartbeat(&first, "late").await.unwrap_err().code, Code::NotFound);
    server.complete_activity(&second, "hash").await.unwrap();
    let again = server.complete_activity(&second, "hash").await.unwrap_err();
    assert_eq!(again.code, Code::NotFound);
}

#[tokio::test]
async fn what_an_attempt_reported_last_reaches_the_next_one() {
    let server = Server::in_memory();
    server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    let first = server.poll_activity().await;
    assert!(!server.heartbeat(&first, "half").await.unwrap().cancel_requested);
    server.fail_activity(&first, "Flaky").await.unwrap();
    server.advance_secs(1).await;
    let second = server.poll_activity().await;
    assert_eq!(text(second.heartbeat_details.as_ref()), "half");
    server
        .call(RespondActivityTaskFailedRequest {
            last_heartbeat_details: payloads("most"),
            ..Server::activity_failure(&second, "Flaky")
        })
        .await
        .unwrap();
    server.advance_secs(2).await;
    let third = server.poll_activity().await;
    assert_eq!(text(third.heartbeat_details.as_ref()), "most");
}

#[tokio::test]
async fn an_error_may_say_how_long_to_wait() {
    let server = Server::in_memory();
    server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    let work = server.poll_activity().await;
    let mut request = Server::activity_failure(&work, "Flaky");
    let failure = request.failure.as_mut().unwrap();
    let Some(FailureInfo::ApplicationFailureInfo(info)) = failure.failure_info.as_mut() else {
        panic!("{failure:?}");
    };
    info.next_retry_delay = secs(30);
    server.call(request).await.unwrap();
    server.advance_secs(29).await;
    assert!(server.no_activity().await);
    server.advance_secs(1).await;
    assert_eq!(server.poll_activity().await.attempt, 2);
}

#[tokio::test]
async fn an_activity_that_never_started_is_cancelled_at_once() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a")), start_timer("t", 5)]).await;
    server.advance_secs(5).await;
    server.step([cancel_activity(5)]).await;
    let types = server.event_types(&run).await;
    assert_eq!(
        types[types.len() - 3..],
        [ActivityTaskCancelRequested, ActivityTaskCanceled, WorkflowTaskScheduled]
    );
    assert!(server.no_activity().await, "a cancelled activity is not dispatched");
}

#[tokio::test]
async fn the_end_of_an_activity_that_never_started_comes_after_what_else_was_decided() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a")), start_timer("t", 5)]).await;
    server.advance_secs(5).await;
    let task = server.poll().await;
    server.signal(&run, "late").await.unwrap();
    let commands = [cancel_activity(5), schedule(activity("a")), start_timer("u", 5)];
    server.complete(&task, commands).await.unwrap();
    assert_eq!(
        server.event_types(&run).await[10..],
        [
            ActivityTaskCancelRequested,
            ActivityTaskScheduled,
            TimerStarted,
            WorkflowExecutionSignaled,
            ActivityTaskCanceled,
            WorkflowTaskScheduled
        ]
    );
}

#[tokio::test]
async fn a_run_that_closes_does_not_hear_of_the_activity_that_it_cancelled() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a")), start_timer("t", 5)]).await;
    server.advance_secs(5).await;
    server.step([cancel_activity(5), complete("done")]).await;
    assert_eq!(
        server.event_types(&run).await[10..],
        [ActivityTaskCancelRequested, WorkflowExecutionCompleted]
    );
}

#[tokio::test]
async fn a_running_activity_hears_of_its_cancellation_by_heartbeat() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a")), start_timer("t", 5)]).await;
    let work = server.poll_activity().await;
    server.advance_secs(5).await;
    server.step([cancel_activity(5)]).await;
    assert_eq!(server.event_types(&run).await.last(), Some(&ActivityTaskCancelRequested));
    assert!(server.heartbeat(&work, "half").await.unwrap().cancel_requested);
    server.cancel_activity(&work).await.unwrap();
    let history = server.history(&run).await;
    let types = history.types();
    assert_eq!(
        types[types.len() - 4..],
        [
            ActivityTaskCancelRequested,
            ActivityTaskStarted,
            ActivityTaskCanceled,
            WorkflowTaskScheduled
        ]
    );
    let Attributes::ActivityTaskCanceledEventAttributes(cancelled) =
        history.attributes(types.len() - 1)
    else {
        panic!("{types:?}");
    };
    assert_eq!(cancelled.scheduled_event_id, 5);
    assert_eq!(text(cancelled.details.as_ref()), "cleaned up");
}

#[tokio::test]
async fn an_activity_cannot_be_cancelled_that_nobody_asked_to_cancel() {
    let server = Server::in_memory();
    server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    let work = server.poll_activity().await;
    let error = server.cancel_activity(&work).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
    server.complete_activity(&work, "hash").await.unwrap();
}

#[tokio::test]
async fn an_activity_of_a_closed_run_is_gone() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    let work = server.poll_activity().await;
    server.terminate(&run).await.unwrap();
    assert_eq!(server.heartbeat(&work, "half").await.unwrap_err().code, Code::NotFound);
    assert_eq!(server.complete_activity(&work, "hash").await.unwrap_err().code, Code::NotFound);
    assert_eq!(server.event_types(&run).await.last(), Some(&WorkflowExecutionTerminated));
}

#[tokio::test]
async fn an_activity_task_of_a_closed_run_is_not_dispatched() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    server.terminate(&run).await.unwrap();
    assert!(server.no_activity().await);
}

#[tokio::test]
async fn a_second_activity_of_one_id_fails_the_task() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    let commands = [schedule(activity("a")), schedule(activity("a"))];
    server.complete(&task, commands).await.unwrap_err();
    assert_task_failed(&server, &run, WorkflowTaskFailedCause::ScheduleActivityDuplicateId).await;
}

#[tokio::test]
async fn b_51_an_activity_without_any_timeout_is_refused() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    let mut attributes = activity("a");
    attributes.start_to_close_timeout = None;
    server.complete(&task, [schedule(attributes)]).await.unwrap_err();
    assert_task_failed(&server, &run, WorkflowTaskFailedCause::BadScheduleActivityAttributes).await;
}

async fn assert_task_failed(
    server: &Server,
    run: &WorkflowExecution,
    cause: WorkflowTaskFailedCause,
) {
    let history = server.history(run).await;
    let Attributes::WorkflowTaskFailedEventAttributes(failed) = history.attributes(4) else {
        panic!("{:?}", history.types());
    };
    assert_eq!(failed.cause(), cause);
}

#[tokio::test]
async fn activities_of_many_runs_share_a_queue_in_order() {
    let server = Server::in_memory();
    for index in 0..5 {
        server.start(&format!("w{index}")).await;
        server.step([schedule(activity("a"))]).await;
    }
    for index in 0..5 {
        let work = server.poll_activity().await;
        assert_eq!(work.workflow_execution.unwrap().workflow_id, format!("w{index}"));
    }
}
