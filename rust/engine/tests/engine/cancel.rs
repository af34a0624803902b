//! `RequestCancelWorkflowExecution`.

use hourglass_engine::{Code, RpcStatus};
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{cancel_workflow, complete, start_timer};
use crate::support::values::{NAMESPACE, text};

fn request(run: &WorkflowExecution) -> RequestCancelWorkflowExecutionRequest {
    RequestCancelWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: Some(run.clone()),
        identity: "canceller".to_owned(),
        reason: "no longer needed".to_owned(),
        request_id: "cancel".to_owned(),
        ..Default::default()
    }
}

async fn cancel(server: &Server, run: &WorkflowExecution) -> Result<(), RpcStatus> {
    server.call(request(run)).await.map(drop)
}

#[tokio::test]
async fn a_run_is_told_that_it_should_end_and_ends_itself() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([start_timer("t", 60)]).await;
    cancel(&server, &run).await.unwrap();
    let history = server.history(&run).await;
    assert_eq!(history.types()[5..], [WorkflowExecutionCancelRequested, WorkflowTaskScheduled]);
    let Attributes::WorkflowExecutionCancelRequestedEventAttributes(requested) =
        history.attributes(6)
    else {
        panic!("{:?}", history.types());
    };
    assert_eq!(requested.cause, "no longer needed");
    assert_eq!(requested.identity, "canceller");
    server.step([cancel_workflow()]).await;
    let history = server.history(&run).await;
    let Attributes::WorkflowExecutionCanceledEventAttributes(cancelled) = history.last() else {
        panic!("{:?}", history.types());
    };
    assert_eq!(text(cancelled.details.as_ref()), "as asked");
}

#[tokio::test]
async fn a_run_hears_of_its_cancellation_once() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    cancel(&server, &run).await.unwrap();
    cancel(&server, &run).await.unwrap();
    let mut other = request(&run);
    "another".clone_into(&mut other.request_id);
    server.call(other).await.unwrap();
    let types = server.event_types(&run).await;
    let requests =
        types.iter().filter(|r#type| **r#type == WorkflowExecutionCancelRequested).count();
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn a_request_during_a_task_keeps_the_run_from_closing_unaware() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    cancel(&server, &run).await.unwrap();
    let error = server.complete(&task, [complete("done")]).await.unwrap_err();
    assert_eq!(error.message, "UnhandledCommand");
    let types = server.event_types(&run).await;
    assert_eq!(types[3..5], [WorkflowTaskFailed, WorkflowExecutionCancelRequested]);
}

#[tokio::test]
async fn cancelling_a_closed_run_changes_nothing() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([complete("done")]).await;
    cancel(&server, &run).await.unwrap();
    assert_eq!(server.event_types(&run).await.last(), Some(&WorkflowExecutionCompleted));
}

#[tokio::test]
async fn a_run_that_never_was_cannot_be_cancelled() {
    let server = Server::in_memory();
    let nobody = WorkflowExecution { workflow_id: "nobody".to_owned(), run_id: String::new() };
    assert_eq!(cancel(&server, &nobody).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn only_a_run_of_the_named_chain_is_cancelled() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let current = WorkflowExecution { run_id: String::new(), ..run.clone() };
    let error = server
        .call(RequestCancelWorkflowExecutionRequest {
            first_execution_run_id: "0197ffff-0000-7000-8000-000000000000".to_owned(),
            ..request(&current)
        })
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::NotFound);
    server
        .call(RequestCancelWorkflowExecutionRequest {
            first_execution_run_id: run.run_id.clone(),
            ..request(&current)
        })
        .await
        .unwrap();
}
