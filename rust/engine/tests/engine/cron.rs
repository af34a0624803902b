//! Workflows that run again and again by a cron schedule.

use hourglass_engine::Code;
use temporalio_protos::temporal::api::command::v1::{
    Command, ContinueAsNewWorkflowExecutionCommandAttributes, command::Attributes as Kind,
};
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::enums::v1::{
    CommandType, ContinueAsNewInitiator, EventType, RetryState,
};
use temporalio_protos::temporal::api::history::v1::WorkflowExecutionStartedEventAttributes;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;

use crate::support::Server;
use crate::support::command::{cancel_workflow, command, complete, continue_as_new, fail};
use crate::support::values::{retry_policy, secs, text};

fn every_minute() -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest {
        cron_schedule: "@every 60s".to_owned(),
        ..Server::start_request("w")
    }
}

async fn first_event(
    server: &Server,
    run: &WorkflowExecution,
) -> WorkflowExecutionStartedEventAttributes {
    let history = server.history(run).await;
    let Attributes::WorkflowExecutionStartedEventAttributes(first) = history.attributes(1) else {
        panic!("{:?}", history.types());
    };
    first.clone()
}

/// Wait for the next run and end it.
async fn next_run(server: &Server, command: Command) -> WorkflowExecution {
    assert!(server.idle().await, "it is not time yet");
    server.advance_secs(60).await;
    let task = server.step([command]).await;
    task.workflow_execution.unwrap()
}

#[tokio::test]
async fn a_run_that_completes_is_followed_by_the_next_of_the_schedule() {
    let server = Server::in_memory();
    let run = server.start_with(every_minute()).await;
    assert_eq!(next_run(&server, complete("one")).await, run);
    let second = next_run(&server, complete("two")).await;
    let first = first_event(&server, &second).await;
    assert_eq!((first.attempt, first.initiator()), (1, ContinueAsNewInitiator::CronSchedule));
    assert_eq!(first.cron_schedule, "@every 60s");
    assert_eq!(first.continued_execution_run_id, run.run_id);
    assert_eq!(first.first_execution_run_id, run.run_id);
    assert_eq!(text(first.last_completion_result.as_ref()), "one");
    let history = server.history(&run).await;
    let Attributes::WorkflowExecutionCompletedEventAttributes(done) = history.last() else {
        panic!("{:?}", history.types());
    };
    assert_eq!(done.new_execution_run_id, second.run_id);
}

#[tokio::test]
async fn a_run_that_fails_is_followed_too_and_the_last_result_is_kept() {
    let server = Server::in_memory();
    server.start_with(every_minute()).await;
    next_run(&server, complete("one")).await;
    let failed = next_run(&server, fail("boom")).await;
    let history = server.history(&failed).await;
    let Attributes::WorkflowExecutionFailedEventAttributes(end) = history.last() else {
        panic!("{:?}", history.types());
    };
    assert_eq!(end.retry_state(), RetryState::RetryPolicyNotSet);
    let third = next_run(&server, complete("three")).await;
    assert_eq!(end.new_execution_run_id, third.run_id);
    let first = first_event(&server, &third).await;
    assert_eq!(first.continued_failure.unwrap().message, "boom");
    assert_eq!(text(first.last_completion_result.as_ref()), "one");
}

#[tokio::test]
async fn retries_come_before_the_next_of_the_schedule() {
    let server = Server::in_memory();
    let request = StartWorkflowExecutionRequest { retry_policy: retry_policy(2), ..every_minute() };
    server.start_with(request).await;
    next_run(&server, fail("boom")).await;
    server.advance_secs(1).await;
    let retried = server.step([fail("boom")]).await.workflow_execution.unwrap();
    let first = first_event(&server, &retried).await;
    assert_eq!((first.attempt, first.initiator()), (2, ContinueAsNewInitiator::Retry));
    server.advance_secs(60).await;
    let next = server.step([complete("done")]).await.workflow_execution.unwrap();
    let first = first_event(&server, &next).await;
    assert_eq!((first.attempt, first.initiator()), (1, ContinueAsNewInitiator::CronSchedule));
}

#[tokio::test]
async fn a_run_that_is_out_of_time_is_followed_too() {
    let server = Server::in_memory();
    let request = StartWorkflowExecutionRequest { workflow_run_timeout: secs(5), ..every_minute() };
    let run = server.start_with(request).await;
    server.advance_secs(60).await;
    server.poll().await;
    server.advance_secs(5).await;
    assert_eq!(server.event_types(&run).await.last(), Some(&WorkflowExecutionTimedOut));
    server.advance_secs(55).await;
    assert_ne!(server.poll().await.workflow_execution.unwrap(), run);
}

#[tokio::test]
async fn who_cancels_terminates_or_continues_as_new_ends_the_schedule() {
    for command in [cancel_workflow(), continue_as_new()] {
        let server = Server::in_memory();
        server.start_with(every_minute()).await;
        let goes_on = command.command_type() == CommandType::ContinueAsNewWorkflowExecution;
        next_run(&server, command).await;
        if goes_on {
            let task = server.step([complete("done")]).await;
            let first = first_event(&server, &task.workflow_execution.unwrap()).await;
            assert_eq!(first.cron_schedule, "");
        }
        server.advance_secs(3600).await;
        assert!(server.idle().await);
    }
}

#[tokio::test]
async fn a_run_goes_on_as_new_by_a_schedule_of_its_own() {
    let server = Server::in_memory();
    server.start("w").await;
    let attributes = ContinueAsNewWorkflowExecutionCommandAttributes {
        cron_schedule: "@every 60s".to_owned(),
        ..Default::default()
    };
    server
        .step([command(
            CommandType::ContinueAsNewWorkflowExecution,
            Kind::ContinueAsNewWorkflowExecutionCommandAttributes(attributes),
        )])
        .await;
    server.step([complete("at once")]).await;
    let next = next_run(&server, complete("done")).await;
    let first = first_event(&server, &next).await;
    assert_eq!(first.initiator(), ContinueAsNewInitiator::CronSchedule);
}

#[tokio::test]
async fn the_timeout_of_the_chain_ends_the_schedule() {
    let server = Server::in_memory();
    let request =
        StartWorkflowExecutionRequest { workflow_execution_timeout: secs(90), ..every_minute() };
    let run = server.start_with(request).await;
    next_run(&server, complete("one")).await;
    next_run(&server, complete("two")).await;
    server.advance_secs(3600).await;
    assert!(server.idle().await);
    let types: Vec<EventType> = server.event_types(&run).await;
    assert_eq!(types.last(), Some(&WorkflowExecutionCompleted));
}

#[tokio::test]
async fn a_signal_waits_for_the_schedule() {
    let server = Server::in_memory();
    let run = server.start_with(every_minute()).await;
    server.signal(&run, "hurry").await.unwrap();
    assert!(server.idle().await);
    server.advance_secs(60).await;
    server.step([complete("done")]).await;
}

#[tokio::test]
async fn a_schedule_keeps_its_time_over_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("orders.db");
    let server = Server::on_file(&path);
    server.start_with(every_minute()).await;
    next_run(&server, complete("one")).await;
    server.advance_secs(30).await;
    let server = server.reopen(&path);
    assert!(server.idle().await);
    server.advance_secs(30).await;
    server.step([complete("two")]).await;
}

#[tokio::test]
async fn a_schedule_that_can_not_be_used_is_refused() {
    let server = Server::in_memory();
    for (schedule, code, message) in [
        ("bogus", Code::InvalidArgument, "invalid CronSchedule."),
        ("0 0 31 2 *", Code::InvalidArgument, "no time can be found to satisfy the schedule"),
        ("CRON_TZ=Mars/Olympus 0 9 * * *", Code::InvalidArgument, "invalid CronSchedule."),
    ] {
        let request = StartWorkflowExecutionRequest {
            cron_schedule: schedule.to_owned(),
            ..Server::start_request("w")
        };
        let error = server.call(request).await.unwrap_err();
        assert_eq!(error.code, code, "{schedule}");
        assert!(error.message.contains(message), "{}", error.message);
    }
    let delayed = StartWorkflowExecutionRequest { workflow_start_delay: secs(5), ..every_minute() };
    let error = server.call(delayed).await.unwrap_err();
    assert!(error.message.contains("may not be used together"), "{}", error.message);
}
