//! Signals and cancellations from one workflow to another that need not be its child.

use temporalio_protos::temporal::api::command::v1::{
    Command, SignalExternalWorkflowExecutionCommandAttributes,
};
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::enums::v1::{
    CancelExternalWorkflowExecutionFailedCause as CancelCause,
    SignalExternalWorkflowExecutionFailedCause as SignalCause, WorkflowTaskFailedCause,
};
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;

use crate::support::Server;
use crate::support::command::{
    cancel_external, child, complete, external_signal, signal_external, start_child,
};
use crate::support::server::History;
use crate::support::values::{CHILDREN, queue, text};

/// A workflow `other` that waits, on the children's task queue.
async fn other(server: &Server) -> WorkflowExecution {
    let request = StartWorkflowExecutionRequest {
        task_queue: queue(CHILDREN),
        ..Server::start_request("other")
    };
    let run = server.start_with(request).await;
    server.step_child([]).await;
    run
}

/// What a workflow has on record that did this in its first task.
async fn did(server: &Server, command: Command) -> (WorkflowExecution, History) {
    let run = server.start("w").await;
    server.step([command]).await;
    let history = server.history(&run).await;
    (run, history)
}

#[tokio::test]
async fn a_workflow_signals_another() {
    let server = Server::in_memory();
    let target = other(&server).await;
    let (run, history) = did(&server, signal_external(external_signal("other"))).await;
    assert_eq!(
        history.types()[4..],
        [
            SignalExternalWorkflowExecutionInitiated,
            ExternalWorkflowExecutionSignaled,
            WorkflowTaskScheduled
        ]
    );
    let Attributes::ExternalWorkflowExecutionSignaledEventAttributes(sent) = history.attributes(6)
    else {
        panic!("{:?}", history.types());
    };
    assert_eq!(sent.initiated_event_id, 5);
    assert_eq!(sent.workflow_execution.as_ref().unwrap().workflow_id, "other");
    let history = server.history(&target).await;
    let Attributes::WorkflowExecutionSignaledEventAttributes(signal) = history.attributes(5) else {
        panic!("{:?}", history.types());
    };
    assert_eq!((signal.signal_name.as_str(), text(signal.input.as_ref())), ("go", "now".into()));
    assert_eq!(signal.external_workflow_execution, Some(run));
}

#[tokio::test]
async fn a_workflow_cancels_another() {
    let server = Server::in_memory();
    let target = other(&server).await;
    let (run, history) = did(&server, cancel_external("other", false)).await;
    assert_eq!(
        history.types()[4..],
        [
            RequestCancelExternalWorkflowExecutionInitiated,
            ExternalWorkflowExecutionCancelRequested,
            WorkflowTaskScheduled
        ]
    );
    let history = server.history(&target).await;
    let Attributes::WorkflowExecutionCancelRequestedEventAttributes(asked) = history.attributes(5)
    else {
        panic!("{:?}", history.types());
    };
    assert_eq!(asked.external_workflow_execution, Some(run));
    assert_eq!((asked.external_initiated_event_id, asked.cause.as_str()), (5, "not needed"));
}

/// Why a signal or a cancellation was not delivered.
fn missed(history: &History) -> (Option<SignalCause>, Option<CancelCause>) {
    assert_eq!(history.types()[6], WorkflowTaskScheduled, "the workflow is told");
    match history.attributes(6) {
        Attributes::SignalExternalWorkflowExecutionFailedEventAttributes(a) => {
            assert_eq!(a.initiated_event_id, 5);
            (Some(a.cause()), None)
        }
        Attributes::RequestCancelExternalWorkflowExecutionFailedEventAttributes(a) => {
            assert_eq!(a.initiated_event_id, 5);
            (None, Some(a.cause()))
        }
        _ => (None, None),
    }
}

const NO_SIGNAL: (Option<SignalCause>, Option<CancelCause>) =
    (Some(SignalCause::ExternalWorkflowExecutionNotFound), None);
const NO_CANCEL: (Option<SignalCause>, Option<CancelCause>) =
    (None, Some(CancelCause::ExternalWorkflowExecutionNotFound));

#[tokio::test]
async fn nobody_is_reached_under_an_unknown_id() {
    let server = Server::in_memory();
    let (_, history) = did(&server, signal_external(external_signal("nobody"))).await;
    assert_eq!(missed(&history), NO_SIGNAL);
    let server = Server::in_memory();
    let (_, history) = did(&server, cancel_external("nobody", false)).await;
    assert_eq!(missed(&history), NO_CANCEL);
}

#[tokio::test]
async fn a_workflow_does_not_reach_itself() {
    let server = Server::in_memory();
    let (_, history) = did(&server, signal_external(external_signal("w"))).await;
    assert_eq!(missed(&history), NO_SIGNAL);
    let server = Server::in_memory();
    let (_, history) = did(&server, cancel_external("w", false)).await;
    assert_eq!(missed(&history), NO_CANCEL);
}

#[tokio::test]
async fn a_closed_workflow_gets_no_signal_and_needs_no_cancellation() {
    for (command, expected) in [
        (signal_external(external_signal("other")), NO_SIGNAL),
        (cancel_external("other", false), (None, None)),
    ] {
        let server = Server::in_memory();
        let target = other(&server).await;
        server.terminate(&target).await.unwrap();
        let (_, history) = did(&server, command).await;
        assert_eq!(missed(&history), expected);
    }
}

#[tokio::test]
async fn only_a_child_is_reached_where_only_a_child_is_meant() {
    let only_child = SignalExternalWorkflowExecutionCommandAttributes {
        child_workflow_only: true,
        ..external_signal("other")
    };
    for (command, expected) in [
        (signal_external(only_child.clone()), NO_SIGNAL),
        (cancel_external("other", true), NO_CANCEL),
    ] {
        let server = Server::in_memory();
        other(&server).await;
        let (_, history) = did(&server, command).await;
        assert_eq!(missed(&history), expected);
    }
    let server = Server::in_memory();
    server.start("w").await;
    let commands = [start_child(child("other")), signal_external(only_child)];
    server.step(commands).await;
    let task = server.poll_child().await;
    let events = task.history.unwrap().events;
    assert!(events.iter().any(|event| event.event_type() == WorkflowExecutionSignaled));
}

#[tokio::test]
async fn a_run_that_is_named_is_the_one_that_is_reached() {
    let server = Server::in_memory();
    let first = other(&server).await;
    server.terminate(&first).await.unwrap();
    other_again(&server).await;
    let mut attributes = external_signal("other");
    attributes.execution = Some(first);
    let (_, history) = did(&server, signal_external(attributes)).await;
    assert_eq!(missed(&history), NO_SIGNAL);
}

async fn other_again(server: &Server) {
    let request = StartWorkflowExecutionRequest {
        request_id: "again".to_owned(),
        task_queue: queue(CHILDREN),
        ..Server::start_request("other")
    };
    server.start_with(request).await;
}

#[tokio::test]
async fn a_workflow_that_closes_with_the_same_task_reaches_nobody() {
    let server = Server::in_memory();
    let target = other(&server).await;
    server.start("w").await;
    server.step([signal_external(external_signal("other")), complete("done")]).await;
    assert!(!server.event_types(&target).await.contains(&WorkflowExecutionSignaled));
}

#[tokio::test]
async fn a_signal_without_a_name_or_to_no_workflow_fails_the_task() {
    let nameless = SignalExternalWorkflowExecutionCommandAttributes {
        signal_name: String::new(),
        ..external_signal("other")
    };
    for attributes in [nameless, external_signal("")] {
        let server = Server::in_memory();
        let run = server.start("w").await;
        let task = server.poll().await;
        server.complete(&task, [signal_external(attributes)]).await.unwrap_err();
        let history = server.history(&run).await;
        let Attributes::WorkflowTaskFailedEventAttributes(failed) = history.attributes(4) else {
            panic!("{:?}", history.types());
        };
        let cause = WorkflowTaskFailedCause::BadSignalWorkflowExecutionAttributes;
        assert_eq!(failed.cause(), cause);
    }
}
