//! `TerminateWorkflowExecution`.

use hourglass_engine::Code;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{complete, start_timer};
use crate::support::values::{NAMESPACE, payloads, text};

#[tokio::test]
async fn a_terminated_run_ends_at_once() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([start_timer("t", 60)]).await;
    server
        .call(TerminateWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_execution: Some(run.clone()),
            reason: "enough".to_owned(),
            details: payloads("of this"),
            identity: "terminator".to_owned(),
            ..Default::default()
        })
        .await
        .unwrap();
    let history = server.history(&run).await;
    assert_eq!(history.types()[4..], [TimerStarted, WorkflowExecutionTerminated]);
    let Attributes::WorkflowExecutionTerminatedEventAttributes(terminated) = history.last() else {
        panic!("{:?}", history.types());
    };
    assert_eq!(terminated.reason, "enough");
    assert_eq!(terminated.identity, "terminator");
    assert_eq!(text(terminated.details.as_ref()), "of this");
}

#[tokio::test]
async fn a_task_that_a_worker_holds_is_gone_with_its_run() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server.terminate(&run).await.unwrap();
    let error = server.complete(&task, [complete("done")]).await.unwrap_err();
    assert_eq!(error.code, Code::NotFound);
    assert_eq!(
        server.event_types(&run).await[3..],
        [WorkflowTaskFailed, WorkflowExecutionTerminated]
    );
}

#[tokio::test]
async fn a_task_that_no_worker_has_taken_is_gone_with_its_run() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.terminate(&run).await.unwrap();
    assert!(server.idle().await);
}

#[tokio::test]
async fn a_closed_or_unknown_run_cannot_be_terminated() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([complete("done")]).await;
    let closed = server.terminate(&run).await.unwrap_err();
    assert_eq!(
        (closed.code, closed.message.as_str()),
        (Code::NotFound, "workflow execution already completed")
    );
    let nobody = WorkflowExecution { workflow_id: "nobody".to_owned(), run_id: String::new() };
    assert_eq!(server.terminate(&nobody).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn only_a_run_of_the_named_chain_is_terminated() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let request = |first_execution_run_id: &str| TerminateWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: Some(WorkflowExecution { run_id: String::new(), ..run.clone() }),
        first_execution_run_id: first_execution_run_id.to_owned(),
        ..Default::default()
    };
    let error = server.call(request("0197ffff-0000-7000-8000-000000000000")).await.unwrap_err();
    assert_eq!(error.code, Code::NotFound);
    server.call(request(&run.run_id)).await.unwrap();
}
