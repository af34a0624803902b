//! What happens while a worker holds a workflow task waits in a buffer until the task ends.

use hourglass_engine::Code;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::enums::v1::WorkflowTaskFailedCause;
use temporalio_protos::temporal::api::history::v1::{HistoryEvent, history_event::Attributes};
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{activity, cancel_timer, complete, marker, schedule, start_timer};

#[tokio::test]
async fn a_signal_during_a_task_is_written_after_its_commands() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server.signal(&run, "s").await.unwrap();
    assert_eq!(server.event_types(&run).await.last(), Some(&WorkflowTaskStarted));
    server.complete(&task, [start_timer("t", 60)]).await.unwrap();
    assert_eq!(
        server.event_types(&run).await[3..],
        [WorkflowTaskCompleted, TimerStarted, WorkflowExecutionSignaled, WorkflowTaskScheduled]
    );
}

#[tokio::test]
async fn a_run_does_not_close_over_an_unseen_signal() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server.signal(&run, "s").await.unwrap();
    let error = server.complete(&task, [complete("done")]).await.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (Code::InvalidArgument, "UnhandledCommand"));
    let history = server.history(&run).await;
    assert_eq!(
        history.types()[3..],
        [WorkflowTaskFailed, WorkflowExecutionSignaled, WorkflowTaskScheduled]
    );
    let Attributes::WorkflowTaskFailedEventAttributes(failed) = history.attributes(4) else {
        panic!("{:?}", history.types());
    };
    assert_eq!(failed.cause(), WorkflowTaskFailedCause::UnhandledCommand);
    let retried = server.poll().await;
    let types: Vec<_> =
        retried.history.as_ref().unwrap().events.iter().map(HistoryEvent::event_type).collect();
    assert!(types.contains(&WorkflowExecutionSignaled), "{types:?}");
    server.complete(&retried, [complete("done")]).await.unwrap();
    assert_eq!(server.event_types(&run).await.last(), Some(&WorkflowExecutionCompleted));
}

#[tokio::test]
async fn a_signal_during_a_task_that_fails_is_written_after_the_failure() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server.signal(&run, "s").await.unwrap();
    server.fail_task(&task).await.unwrap();
    let types = server.event_types(&run).await;
    assert_eq!(types[3..5], [WorkflowTaskFailed, WorkflowExecutionSignaled]);
    let task = server.poll().await;
    let seen: Vec<_> =
        task.history.as_ref().unwrap().events.iter().map(HistoryEvent::event_type).collect();
    assert!(seen.contains(&WorkflowExecutionSignaled), "{seen:?}");
    server.complete(&task, [complete("done")]).await.unwrap();
}

#[tokio::test]
async fn a_signal_during_a_task_that_times_out_is_written_after_the_timeout() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.poll().await;
    server.signal(&run, "s").await.unwrap();
    server.advance_secs(11).await;
    let types = server.event_types(&run).await;
    assert_eq!(types[3..5], [WorkflowTaskTimedOut, WorkflowExecutionSignaled]);
    server.step([complete("done")]).await;
}

#[tokio::test]
async fn activity_results_are_written_after_the_other_buffered_events() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a")), start_timer("t", 5)]).await;
    server.advance_secs(5).await;
    let task = server.poll().await;
    let work = server.poll_activity().await;
    server.complete_activity(&work, "hash").await.unwrap();
    server.signal(&run, "s").await.unwrap();
    server.complete(&task, [marker("m")]).await.unwrap();
    let history = server.history(&run).await;
    let from = history.types().iter().rposition(|r#type| *r#type == MarkerRecorded).unwrap();
    assert_eq!(
        history.types()[from..],
        [
            MarkerRecorded,
            ActivityTaskStarted,
            WorkflowExecutionSignaled,
            ActivityTaskCompleted,
            WorkflowTaskScheduled
        ]
    );
    let Attributes::ActivityTaskCompletedEventAttributes(completed) = history.attributes(from + 4)
    else {
        panic!("{:?}", history.types());
    };
    assert_eq!(completed.started_event_id, i64::try_from(from + 2).unwrap());
}

#[tokio::test]
async fn cancelling_a_timer_takes_its_buffered_firing_back() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([start_timer("t", 5)]).await;
    server.signal(&run, "s").await.unwrap();
    let task = server.poll().await;
    server.advance_secs(5).await;
    server.complete(&task, [cancel_timer("t"), complete("done")]).await.unwrap();
    let types = server.event_types(&run).await;
    assert!(!types.contains(&TimerFired), "{types:?}");
    assert_eq!(types[types.len() - 2..], [TimerCanceled, WorkflowExecutionCompleted]);
}

#[tokio::test]
async fn the_next_task_comes_with_the_answer_when_a_signal_is_buffered() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server.signal(&run, "s").await.unwrap();
    let response = server
        .call(RespondWorkflowTaskCompletedRequest {
            return_new_workflow_task: true,
            ..Server::sticky_completion("sticky", &task, [start_timer("t", 60)])
        })
        .await
        .unwrap();
    let next = response.workflow_task.expect("the next task comes with the answer");
    let events = &next.history.as_ref().unwrap().events;
    let types: Vec<_> = events.iter().map(HistoryEvent::event_type).collect();
    assert_eq!(events[0].event_id, 4, "only what the worker has not seen");
    assert_eq!(
        types,
        [
            WorkflowTaskCompleted,
            TimerStarted,
            WorkflowExecutionSignaled,
            WorkflowTaskScheduled,
            WorkflowTaskStarted
        ]
    );
}
