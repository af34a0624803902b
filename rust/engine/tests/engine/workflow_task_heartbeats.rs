//! Workers that take longer than a workflow task's timeout, and tasks inside answers to completions.

use std::pin::pin;

use hourglass_engine::{Call, Code};
use prost::Message;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{complete, marker, start_timer};
use crate::support::update::{accept, completion, respond, result};

fn heartbeat(task: &PollWorkflowTaskQueueResponse) -> RespondWorkflowTaskCompletedRequest {
    RespondWorkflowTaskCompletedRequest {
        force_create_new_workflow_task: true,
        return_new_workflow_task: true,
        ..Server::sticky_completion("sticky", task, [])
    }
}

#[tokio::test]
async fn a_worker_that_heartbeats_for_half_an_hour_loses_the_task() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let mut task = server.poll().await;
    for _ in 0..225 {
        server.advance_secs(8).await;
        task = server.call(heartbeat(&task)).await.unwrap().workflow_task.unwrap();
    }
    server.advance_secs(8).await;
    let error = server.call(heartbeat(&task)).await.unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        (Code::NotFound, "workflow task heartbeat timeout")
    );
    let types = server.event_types(&run).await;
    let end =
        [WorkflowTaskScheduled, WorkflowTaskStarted, WorkflowTaskTimedOut, WorkflowTaskScheduled];
    assert_eq!(types[types.len() - 4..], end);
    assert_eq!(server.poll().await.attempt, 1, "any worker may go on");
}

#[tokio::test]
async fn a_worker_that_gets_on_may_heartbeat_for_ever() {
    let server = Server::in_memory();
    server.start("w").await;
    let mut task = server.poll().await;
    for _ in 0..300 {
        server.advance_secs(8).await;
        let request = RespondWorkflowTaskCompletedRequest {
            commands: vec![marker("core_local_activity")],
            ..heartbeat(&task)
        };
        task = server.call(request).await.unwrap().workflow_task.unwrap();
    }
    server.complete(&task, [complete("done")]).await.unwrap();
}

#[tokio::test]
async fn a_marker_keeps_what_the_worker_put_into_it() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([marker("core_local_activity"), complete("done")]).await;
    let history = server.history(&run).await;
    let Attributes::MarkerRecordedEventAttributes(recorded) = history.attributes(5) else {
        panic!("{:?}", history.types());
    };
    assert_eq!(recorded.marker_name, "core_local_activity");
    assert_eq!(recorded.workflow_task_completed_event_id, 4);
}

#[tokio::test]
async fn a_task_whose_answer_nobody_took_is_offered_again_at_once() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server.signal(&run, "s").await.unwrap();
    let request = RespondWorkflowTaskCompletedRequest {
        return_new_workflow_task: true,
        ..Server::sticky_completion("sticky", &task, [start_timer("t", 60)])
    };
    let unread = server.engine.dispatch(Call {
        service: "temporal.api.workflowservice.v1.WorkflowService".to_owned(),
        method: "RespondWorkflowTaskCompleted".to_owned(),
        timeout: None,
        body: request.encode_to_vec().into(),
    });
    server.settle().await;
    drop(unread);
    server.settle().await;
    let again = server.poll().await;
    assert_eq!((again.attempt, again.started_event_id), (1, 8));
    server.complete(&again, [complete("done")]).await.unwrap();
    assert_eq!(
        server.event_types(&run).await[3..],
        [
            WorkflowTaskCompleted,
            TimerStarted,
            WorkflowExecutionSignaled,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            WorkflowExecutionCompleted
        ]
    );
}

#[tokio::test]
async fn a_heartbeat_is_no_answer_to_an_update() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    let message = task.messages[0].clone();
    let next = server.call(heartbeat(&task)).await.unwrap().workflow_task.unwrap();
    assert!(next.messages.is_empty(), "the worker has it");
    server.call(completion(&next, [accept(&message), respond(&message, "r")], [])).await.unwrap();
    assert_eq!(result(asked.await.unwrap().outcome), Ok("r".to_owned()));
    assert_eq!(
        server.event_types(&run).await[5..],
        [
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            WorkflowExecutionUpdateAccepted,
            WorkflowExecutionUpdateCompleted
        ]
    );
}
