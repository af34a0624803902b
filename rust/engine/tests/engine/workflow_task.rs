//! The life of a workflow task: scheduled, started, completed, failed, timed out, tried again.

use hourglass_engine::Code;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::enums::v1::{TimeoutType, WorkflowTaskFailedCause};
use temporalio_protos::temporal::api::history::v1::{HistoryEvent, history_event::Attributes};
use temporalio_protos::temporal::api::sdk::v1::WorkflowTaskCompletedMetadata;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{cancel_timer, complete, fail, marker, start_timer};
use crate::support::values::{QUEUE, secs, text};

#[tokio::test]
async fn a_run_starts_with_a_workflow_task() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    assert_eq!(server.event_types(&run).await, [WorkflowExecutionStarted, WorkflowTaskScheduled]);
    assert_eq!(&run.run_id[14..15], "7", "a run id is a UUID of version 7: {}", run.run_id);
}

#[tokio::test]
async fn the_started_event_tells_what_was_asked() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let history = server.history(&run).await;
    let Attributes::WorkflowExecutionStartedEventAttributes(started) = history.attributes(1) else {
        panic!("{:?}", history.types());
    };
    assert_eq!(started.workflow_type.as_ref().unwrap().name, "Pipeline");
    assert_eq!(started.task_queue.as_ref().unwrap().name, QUEUE);
    assert_eq!(started.workflow_id, "w");
    assert_eq!(started.original_execution_run_id, run.run_id);
    assert_eq!(started.first_execution_run_id, run.run_id);
    assert_eq!(started.attempt, 1);
    assert_eq!(started.identity, "starter");
    assert_eq!(started.workflow_task_timeout, secs(10));
}

#[tokio::test]
async fn a_polled_task_carries_what_a_worker_needs() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    assert_eq!(task.workflow_execution.as_ref(), Some(&run));
    assert_eq!(task.workflow_type.as_ref().unwrap().name, "Pipeline");
    assert_eq!(task.workflow_execution_task_queue.as_ref().unwrap().name, QUEUE);
    assert_eq!((task.previous_started_event_id, task.started_event_id), (0, 3));
    assert_eq!(task.attempt, 1);
    assert!(task.scheduled_time.is_some() && task.started_time.is_some());
    let types: Vec<_> = task.history.unwrap().events.iter().map(HistoryEvent::event_type).collect();
    assert_eq!(types, [WorkflowExecutionStarted, WorkflowTaskScheduled, WorkflowTaskStarted]);
}

#[tokio::test]
async fn a_result_closes_the_run() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([complete("done")]).await;
    let history = server.history(&run).await;
    assert_eq!(
        history.types(),
        [
            WorkflowExecutionStarted,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            WorkflowExecutionCompleted
        ]
    );
    let Attributes::WorkflowExecutionCompletedEventAttributes(completed) = history.last() else {
        panic!("{:?}", history.types());
    };
    assert_eq!(text(completed.result.as_ref()), "done");
    assert_eq!(completed.workflow_task_completed_event_id, 4);
}

#[tokio::test]
async fn a_failure_closes_the_run() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([fail("broken")]).await;
    let history = server.history(&run).await;
    let Attributes::WorkflowExecutionFailedEventAttributes(failed) = history.last() else {
        panic!("{:?}", history.types());
    };
    assert_eq!(failed.failure.as_ref().unwrap().message, "broken");
}

#[tokio::test]
async fn commands_after_a_closing_one_are_refused_and_the_task_goes_on() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    let both = Server::completion(&task, [complete("first"), fail("second")]);
    let refused = server.call(both).await.unwrap_err();
    assert_eq!(
        refused.message,
        "invalid command sequence: [CompleteWorkflowExecution, FailWorkflowExecution], command \
         CompleteWorkflowExecution must be the last command."
    );
    server.call(Server::completion(&task, [complete("first")])).await.unwrap();
    assert_eq!(server.event_types(&run).await.last(), Some(&WorkflowExecutionCompleted));
}

#[tokio::test]
async fn a_command_without_attributes_fails_the_task_with_its_cause() {
    let server = Server::in_memory();
    server.start("w").await;
    let task = server.poll().await;
    let mut empty = complete("x");
    empty.attributes = None;
    let refused = server.call(Server::completion(&task, [empty])).await.unwrap_err();
    assert_eq!(
        refused.message,
        "BadCompleteWorkflowExecutionAttributes: CompleteWorkflowExecutionCommandAttributes is not set \
         on CompleteWorkflowExecutionCommand."
    );
    assert_eq!(server.poll().await.attempt, 2);
}

#[tokio::test]
async fn what_the_sdk_says_about_itself_is_kept_in_the_history() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    let sdk_metadata = Some(WorkflowTaskCompletedMetadata {
        core_used_flags: vec![1, 2],
        sdk_name: "hourglass".to_owned(),
        ..Default::default()
    });
    server
        .call(RespondWorkflowTaskCompletedRequest {
            sdk_metadata: sdk_metadata.clone(),
            ..Server::completion(&task, [marker("m")])
        })
        .await
        .unwrap();
    let history = server.history(&run).await;
    let Attributes::WorkflowTaskCompletedEventAttributes(completed) = history.attributes(4) else {
        panic!("{:?}", history.types());
    };
    assert_eq!((completed.scheduled_event_id, completed.started_event_id), (2, 3));
    assert_eq!(completed.sdk_metadata, sdk_metadata);
}

#[tokio::test]
async fn a_task_completes_once() {
    let server = Server::in_memory();
    server.start("w").await;
    let task = server.step([start_timer("t", 60)]).await;
    let error = server.complete(&task, [complete("again")]).await.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (Code::NotFound, "Workflow task not found."));
}

#[tokio::test]
async fn a_failed_task_is_tried_again_and_only_its_first_failure_is_written() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server.fail_task(&task).await.unwrap();
    let second = server.poll().await;
    assert_eq!(second.attempt, 2);
    assert_eq!(second.started_event_id, 6);
    let types: Vec<_> =
        second.history.as_ref().unwrap().events.iter().map(HistoryEvent::event_type).collect();
    assert_eq!(
        types,
        [
            WorkflowExecutionStarted,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskFailed,
            WorkflowTaskScheduled,
            WorkflowTaskStarted
        ],
        "the second attempt is in the task, though not in the history yet"
    );
    server.fail_task(&second).await.unwrap();
    let third = server.poll().await;
    assert_eq!(third.attempt, 3);
    server.complete(&third, [complete("done")]).await.unwrap();
    assert_eq!(
        server.event_types(&run).await,
        [
            WorkflowExecutionStarted,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskFailed,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            WorkflowExecutionCompleted
        ]
    );
}

#[tokio::test]
async fn a_failed_task_tells_why() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server.fail_task(&task).await.unwrap();
    let history = server.history(&run).await;
    let Attributes::WorkflowTaskFailedEventAttributes(failed) = history.attributes(4) else {
        panic!("{:?}", history.types());
    };
    assert_eq!(failed.cause(), WorkflowTaskFailedCause::NonDeterministicError);
    assert_eq!(failed.failure.as_ref().unwrap().message, "it went another way");
    assert_eq!((failed.scheduled_event_id, failed.started_event_id), (2, 3));
}

#[tokio::test]
async fn a_task_that_nobody_completes_times_out() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server.advance_secs(9).await;
    assert!(server.idle().await, "the worker still has a second");
    server.advance_secs(2).await;
    let retried = server.poll().await;
    assert_eq!(retried.attempt, 2);
    let error = server.complete(&task, [complete("late")]).await.unwrap_err();
    assert_eq!(error.code, Code::NotFound);
    server.complete(&retried, [complete("done")]).await.unwrap();
    let history = server.history(&run).await;
    assert_eq!(
        history.types(),
        [
            WorkflowExecutionStarted,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskTimedOut,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            WorkflowExecutionCompleted
        ]
    );
    let Attributes::WorkflowTaskTimedOutEventAttributes(timed_out) = history.attributes(4) else {
        panic!("{:?}", history.types());
    };
    assert_eq!(timed_out.timeout_type(), TimeoutType::StartToClose);
}

#[tokio::test]
async fn the_task_timeout_of_the_start_counts() {
    let server = Server::in_memory();
    server
        .start_with(StartWorkflowExecutionRequest {
            workflow_task_timeout: secs(3),
            ..Server::start_request("w")
        })
        .await;
    server.poll().await;
    server.advance_secs(4).await;
    assert_eq!(server.poll().await.attempt, 2);
}

#[tokio::test]
async fn a_task_waits_for_a_worker_as_long_as_it_takes() {
    let server = Server::in_memory();
    server.start("w").await;
    server.advance_secs(86_400).await;
    assert_eq!(server.poll().await.attempt, 1);
}

#[tokio::test]
async fn a_worker_heartbeats_by_asking_for_another_task_at_once() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    let response = server
        .call(RespondWorkflowTaskCompletedRequest {
            force_create_new_workflow_task: true,
            return_new_workflow_task: true,
            ..Server::sticky_completion("sticky", &task, [])
        })
        .await
        .unwrap();
    let next = response.workflow_task.expect("the next task comes with the answer");
    assert_eq!((next.previous_started_event_id, next.started_event_id), (3, 6));
    server.complete(&next, [complete("done")]).await.unwrap();
    assert_eq!(
        server.event_types(&run).await,
        [
            WorkflowExecutionStarted,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            WorkflowExecutionCompleted
        ]
    );
}

#[tokio::test]
async fn no_task_follows_a_completion_that_only_waits() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([start_timer("t", 60)]).await;
    assert!(server.idle().await);
    assert_eq!(server.event_types(&run).await.last(), Some(&TimerStarted));
}

#[tokio::test]
async fn a_command_that_cannot_be_meant_fails_the_task() {
    for (command, cause) in [
        (start_timer("", 1), WorkflowTaskFailedCause::BadStartTimerAttributes),
        (cancel_timer("none"), WorkflowTaskFailedCause::BadCancelTimerAttributes),
    ] {
        let server = Server::in_memory();
        let run = server.start("w").await;
        let task = server.poll().await;
        let error = server.complete(&task, [command]).await.unwrap_err();
        assert_eq!(error.code, Code::InvalidArgument, "{cause:?}");
        let history = server.history(&run).await;
        let Attributes::WorkflowTaskFailedEventAttributes(failed) = history.attributes(4) else {
            panic!("{cause:?}: {:?}", history.types());
        };
        assert_eq!(failed.cause(), cause);
        assert_eq!(server.poll().await.attempt, 2, "{cause:?}");
    }
}

#[tokio::test]
async fn nothing_of_a_bad_completion_is_kept() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server.complete(&task, [start_timer("good", 1), start_timer("", 1)]).await.unwrap_err();
    server.advance_secs(5).await;
    let types = server.event_types(&run).await;
    assert!(!types.contains(&TimerStarted) && !types.contains(&TimerFired), "{types:?}");
}

#[tokio::test]
async fn a_token_that_is_no_token_is_refused() {
    let server = Server::in_memory();
    server.start("w").await;
    let mut task = server.poll().await;
    task.task_token = b"nonsense".to_vec();
    let error = server.complete(&task, [complete("done")]).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
}
