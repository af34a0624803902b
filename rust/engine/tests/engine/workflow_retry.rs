//! Retry policies of workflows: a run that fails is followed by another, in the same chain.

use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::{ContinueAsNewInitiator, RetryState};
use temporalio_protos::temporal::api::history::v1::WorkflowExecutionStartedEventAttributes;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;

use crate::support::Server;
use crate::support::command::fail;
use crate::support::values::{retry_policy, secs};

/// Why a run that ended was or was not followed by another, and by which.
async fn ended(server: &Server, run: &WorkflowExecution) -> (RetryState, String) {
    match server.history(run).await.last() {
        Attributes::WorkflowExecutionFailedEventAttributes(a) => {
            (a.retry_state(), a.new_execution_run_id.clone())
        }
        Attributes::WorkflowExecutionTimedOutEventAttributes(a) => {
            (a.retry_state(), a.new_execution_run_id.clone())
        }
        other => panic!("{other:?}"),
    }
}

async fn first_event(
    server: &Server,
    run: &WorkflowExecution,
) -> WorkflowExecutionStartedEventAttributes {
    let history = server.history(run).await;
    let Attributes::WorkflowExecutionStartedEventAttributes(first) = history.attributes(1) else {
        panic!("a history begins with its start")
    };
    first.clone()
}

#[tokio::test]
async fn a_run_that_fails_is_retried_after_its_backoff_until_attempts_run_out() {
    let server = Server::in_memory();
    let request = StartWorkflowExecutionRequest {
        retry_policy: retry_policy(2),
        ..Server::start_request("w")
    };
    let run = server.start_with(request).await;
    let task = server.poll().await;
    server.complete(&task, [fail("boom")]).await.unwrap();
    let (state, next) = ended(&server, &run).await;
    assert_eq!(state, RetryState::InProgress);
    assert!(server.idle().await, "the next run backs off");

    server.advance_secs(1).await;
    let task = server.poll().await;
    let second = task.workflow_execution.clone().unwrap();
    assert_eq!(second.run_id, next);
    let first = first_event(&server, &second).await;
    assert_eq!((first.attempt, first.initiator()), (2, ContinueAsNewInitiator::Retry));
    assert_eq!(first.first_execution_run_id, run.run_id);
    assert_eq!(first.continued_execution_run_id, run.run_id);
    assert_eq!(first.continued_failure.unwrap().message, "boom");

    server.complete(&task, [fail("boom")]).await.unwrap();
    let last = (RetryState::MaximumAttemptsReached, String::new());
    assert_eq!(ended(&server, &second).await, last);
}

#[tokio::test]
async fn a_run_that_is_out_of_time_is_retried_too() {
    let server = Server::in_memory();
    let request = StartWorkflowExecutionRequest {
        retry_policy: retry_policy(2),
        workflow_run_timeout: secs(5),
        ..Server::start_request("w")
    };
    let run = server.start_with(request).await;
    server.advance_secs(5).await;
    let (state, next) = ended(&server, &run).await;
    assert_eq!(state, RetryState::InProgress);
    server.advance_secs(1).await;
    assert_eq!(server.poll().await.workflow_execution.unwrap().run_id, next);
}

#[tokio::test]
async fn without_a_policy_a_failure_is_the_end() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server.complete(&task, [fail("boom")]).await.unwrap();
    assert_eq!(ended(&server, &run).await, (RetryState::RetryPolicyNotSet, String::new()));
}

#[tokio::test]
async fn the_timeout_of_the_whole_chain_leaves_no_time_for_a_retry() {
    let server = Server::in_memory();
    let request = StartWorkflowExecutionRequest {
        retry_policy: retry_policy(0),
        workflow_execution_timeout: secs(5),
        ..Server::start_request("w")
    };
    let run = server.start_with(request).await;
    server.advance_secs(5).await;
    assert_eq!(ended(&server, &run).await, (RetryState::Timeout, String::new()));
}
