//! `SignalWithStartWorkflowExecution`.

use hourglass_engine::Code;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::enums::v1::{
    WorkflowIdConflictPolicy, WorkflowIdReusePolicy,
};
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::complete;
use crate::support::values::{NAMESPACE, QUEUE, payloads, queue, secs, text, workflow_type};

fn request(request_id: &str) -> SignalWithStartWorkflowExecutionRequest {
    SignalWithStartWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: "w".to_owned(),
        workflow_type: workflow_type("Pipeline"),
        task_queue: queue(QUEUE),
        identity: "starter".to_owned(),
        request_id: request_id.to_owned(),
        signal_name: "go".to_owned(),
        signal_input: payloads("value"),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_new_run_finds_its_signal_in_its_first_task() {
    let server = Server::in_memory();
    let response = server.call(request("1")).await.unwrap();
    assert!(response.started);
    let task = server.poll().await;
    let run = task.workflow_execution.clone().unwrap();
    assert_eq!(run.run_id, response.run_id);
    let history = server.history(&run).await;
    assert_eq!(
        history.types(),
        [
            WorkflowExecutionStarted,
            WorkflowExecutionSignaled,
            WorkflowTaskScheduled,
            WorkflowTaskStarted
        ]
    );
    let Attributes::WorkflowExecutionSignaledEventAttributes(signaled) = history.attributes(2)
    else {
        panic!("{:?}", history.types());
    };
    assert_eq!(signaled.signal_name, "go");
    assert_eq!(text(signaled.input.as_ref()), "value");
}

#[tokio::test]
async fn a_run_that_is_there_is_only_signalled() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let response = server.call(request("1")).await.unwrap();
    assert!(!response.started);
    assert_eq!(response.run_id, run.run_id);
    assert_eq!(server.event_types(&run).await.last(), Some(&WorkflowExecutionSignaled));
}

#[tokio::test]
async fn a_repeated_request_starts_and_signals_once() {
    let server = Server::in_memory();
    let first = server.call(request("1")).await.unwrap();
    let again = server.call(request("1")).await.unwrap();
    assert_eq!(first.run_id, again.run_id);
    let task = server.poll().await;
    let types = server.event_types(task.workflow_execution.as_ref().unwrap()).await;
    assert_eq!(types.iter().filter(|r#type| **r#type == WorkflowExecutionSignaled).count(), 1);
}

#[tokio::test]
async fn a_closed_run_is_followed_by_a_new_one_unless_the_policy_forbids() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([complete("done")]).await;
    let error = server
        .call(SignalWithStartWorkflowExecutionRequest {
            workflow_id_reuse_policy: WorkflowIdReusePolicy::RejectDuplicate.into(),
            ..request("1")
        })
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::AlreadyExists);
    let response = server.call(request("2")).await.unwrap();
    assert!(response.started);
    assert_ne!(response.run_id, run.run_id);
}

#[tokio::test]
async fn a_run_that_is_there_is_replaced_when_the_policy_says_so() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let response = server
        .call(SignalWithStartWorkflowExecutionRequest {
            workflow_id_conflict_policy: WorkflowIdConflictPolicy::TerminateExisting.into(),
            ..request("1")
        })
        .await
        .unwrap();
    assert!(response.started);
    assert_ne!(response.run_id, run.run_id);
    assert_eq!(server.event_types(&run).await.last(), Some(&WorkflowExecutionTerminated));
}

#[tokio::test]
async fn its_own_signal_does_not_cut_a_start_delay_short() {
    let server = Server::in_memory();
    server
        .call(SignalWithStartWorkflowExecutionRequest {
            workflow_start_delay: secs(60),
            ..request("1")
        })
        .await
        .unwrap();
    assert!(server.idle().await);
    server.advance_secs(60).await;
    assert_eq!(server.poll().await.attempt, 1);
}

#[tokio::test]
async fn a_signal_needs_a_name() {
    let server = Server::in_memory();
    let error = server
        .call(SignalWithStartWorkflowExecutionRequest {
            signal_name: String::new(),
            ..request("1")
        })
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
}
