//! `SignalWorkflowExecution`.

use hourglass_engine::Code;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{complete, start_timer};
use crate::support::values::{NAMESPACE, payloads, text};

fn request(run: &WorkflowExecution, name: &str) -> SignalWorkflowExecutionRequest {
    SignalWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: Some(run.clone()),
        signal_name: name.to_owned(),
        input: payloads("value"),
        identity: "signaller".to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_signal_wakes_a_waiting_run() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([start_timer("t", 60)]).await;
    server.call(request(&run, "go")).await.unwrap();
    let history = server.history(&run).await;
    assert_eq!(
        history.types()[4..],
        [TimerStarted, WorkflowExecutionSignaled, WorkflowTaskScheduled]
    );
    let Attributes::WorkflowExecutionSignaledEventAttributes(signaled) = history.attributes(6)
    else {
        panic!("{:?}", history.types());
    };
    assert_eq!(signaled.signal_name, "go");
    assert_eq!(signaled.identity, "signaller");
    assert_eq!(text(signaled.input.as_ref()), "value");
}

#[tokio::test]
async fn signals_keep_their_order_and_share_a_task() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    for name in ["a", "b", "c"] {
        server.call(request(&run, name)).await.unwrap();
    }
    let history = server.history(&run).await;
    assert_eq!(
        history.types(),
        [
            WorkflowExecutionStarted,
            WorkflowTaskScheduled,
            WorkflowExecutionSignaled,
            WorkflowExecutionSignaled,
            WorkflowExecutionSignaled
        ]
    );
    let names: Vec<_> = history
        .0
        .iter()
        .filter_map(|event| match event.attributes.as_ref()? {
            Attributes::WorkflowExecutionSignaledEventAttributes(signaled) => {
                Some(signaled.signal_name.as_str())
            }
            _ => None,
        })
        .collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_repeated_request_signals_once() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let request =
        SignalWorkflowExecutionRequest { request_id: "once".to_owned(), ..request(&run, "s") };
    server.call(request.clone()).await.unwrap();
    server.call(request.clone()).await.unwrap();
    let task = server.poll().await;
    server.call(request).await.unwrap();
    server.complete(&task, [complete("done")]).await.unwrap();
    let types = server.event_types(&run).await;
    assert_eq!(types.iter().filter(|r#type| **r#type == WorkflowExecutionSignaled).count(), 1);
}

#[tokio::test]
async fn the_current_run_is_signalled_when_no_run_is_named() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let current = WorkflowExecution { run_id: String::new(), ..run.clone() };
    server.call(request(&current, "s")).await.unwrap();
    assert_eq!(server.event_types(&run).await.last(), Some(&WorkflowExecutionSignaled));
}

#[tokio::test]
async fn a_closed_or_unknown_run_takes_no_signal() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([complete("done")]).await;
    let closed = server.call(request(&run, "s")).await.unwrap_err();
    assert_eq!(
        (closed.code, closed.message.as_str()),
        (Code::NotFound, "workflow execution already completed")
    );
    assert_eq!(server.event_types(&run).await.last(), Some(&WorkflowExecutionCompleted));
    let nobody = WorkflowExecution { workflow_id: "nobody".to_owned(), run_id: String::new() };
    assert_eq!(server.call(request(&nobody, "s")).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn a_signal_needs_a_name() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    assert_eq!(server.call(request(&run, "")).await.unwrap_err().code, Code::InvalidArgument);
}
