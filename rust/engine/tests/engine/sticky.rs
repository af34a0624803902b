//! Sticky queues: the worker that has a run in its cache gets its next task, with what is new.

use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::enums::v1::TimeoutType;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::query::v1::WorkflowQuery;
use temporalio_protos::temporal::api::workflowservice::v1::{
    QueryWorkflowRequest, ResetStickyTaskQueueRequest,
};

use crate::support::Server;
use crate::support::command::{complete, start_timer};
use crate::support::values::NAMESPACE;

/// A run that a worker with the sticky queue `sticky` has in its cache, and that worker polling.
async fn cached(server: &Server) -> WorkflowExecution {
    let run = server.start("w").await;
    let task = server.poll().await;
    let completion = Server::sticky_completion("sticky", &task, [start_timer("t", 3600)]);
    server.call(completion).await.unwrap();
    run
}

/// Poll the sticky queue for a moment, so that the engine knows it is served.
async fn show_up(server: &Server) {
    let mut poll = std::pin::pin!(server.call(Server::sticky_poll("sticky")));
    assert!(server.parks(&mut poll.as_mut()).await);
}

#[tokio::test]
async fn the_next_task_goes_to_the_sticky_queue_with_only_what_is_new() {
    let server = Server::in_memory();
    let run = cached(&server).await;
    show_up(&server).await;
    server.signal(&run, "s").await.unwrap();
    assert!(server.idle().await, "it is not for everybody");
    let task = server.poll_sticky("sticky").await;
    assert_eq!((task.previous_started_event_id, task.started_event_id), (3, 8));
    let ids: Vec<_> =
        task.history.as_ref().unwrap().events.iter().map(|event| event.event_id).collect();
    assert_eq!(ids, [4, 5, 6, 7, 8]);
    let queue = task.workflow_execution_task_queue.as_ref().unwrap();
    assert_eq!(queue.name, "work", "the queue of the run, not the sticky one");
    server.complete(&task, [complete("done")]).await.unwrap();
}

#[tokio::test]
async fn a_task_that_the_sticky_worker_does_not_take_goes_to_everybody() {
    let server = Server::in_memory();
    let run = cached(&server).await;
    show_up(&server).await;
    server.signal(&run, "s").await.unwrap();
    server.advance_secs(11).await;
    let task = server.poll().await;
    assert_eq!(task.attempt, 1);
    let events = &task.history.as_ref().unwrap().events;
    assert_eq!(events[0].event_id, 1, "the whole history");
    let timed_out = events
        .iter()
        .find_map(|event| match event.attributes.as_ref()? {
            Attributes::WorkflowTaskTimedOutEventAttributes(timed_out) => Some(timed_out),
            _ => None,
        })
        .expect("the history tells of the timeout");
    assert_eq!(timed_out.timeout_type(), TimeoutType::ScheduleToStart);
    server.complete(&task, [complete("done")]).await.unwrap();
    assert_eq!(
        server.event_types(&run).await[5..9],
        [
            WorkflowExecutionSignaled,
            WorkflowTaskScheduled,
            WorkflowTaskTimedOut,
            WorkflowTaskScheduled
        ]
    );
}

#[tokio::test]
async fn a_worker_not_seen_for_ten_seconds_is_not_waited_for() {
    let server = Server::in_memory();
    let run = cached(&server).await;
    show_up(&server).await;
    server.advance_wall_secs(11).await;
    server.signal(&run, "s").await.unwrap();
    let task = server.poll().await;
    assert_eq!(task.history.as_ref().unwrap().events[0].event_id, 1);
    assert!(!server.event_types(&run).await.contains(&WorkflowTaskTimedOut));
}

#[tokio::test]
async fn a_sticky_task_that_fails_goes_to_everybody_as_a_first_attempt() {
    let server = Server::in_memory();
    let run = cached(&server).await;
    show_up(&server).await;
    server.signal(&run, "s").await.unwrap();
    let task = server.poll_sticky("sticky").await;
    server.fail_task(&task).await.unwrap();
    let task = server.poll().await;
    assert_eq!(task.attempt, 1);
    assert_eq!(task.history.as_ref().unwrap().events[0].event_id, 1);
    server.complete(&task, [complete("done")]).await.unwrap();
}

#[tokio::test]
async fn a_sticky_task_that_times_out_goes_to_everybody() {
    let server = Server::in_memory();
    let run = cached(&server).await;
    show_up(&server).await;
    server.signal(&run, "s").await.unwrap();
    server.poll_sticky("sticky").await;
    server.advance_secs(11).await;
    let task = server.poll().await;
    assert_eq!(task.attempt, 1);
    assert_eq!(task.history.as_ref().unwrap().events[0].event_id, 1);
}

#[tokio::test]
async fn a_completion_without_sticky_attributes_ends_the_stickiness() {
    let server = Server::in_memory();
    let run = cached(&server).await;
    show_up(&server).await;
    server.signal(&run, "s").await.unwrap();
    let task = server.poll_sticky("sticky").await;
    server.complete(&task, []).await.unwrap();
    server.signal(&run, "s").await.unwrap();
    let task = server.poll().await;
    assert_eq!(task.history.as_ref().unwrap().events[0].event_id, 1);
}

#[tokio::test]
async fn a_query_that_the_sticky_worker_does_not_answer_leaves_no_task_behind_in_its_queue() {
    let server = Server::in_memory();
    let run = cached(&server).await;
    show_up(&server).await;
    let query = QueryWorkflowRequest {
        namespace: NAMESPACE.to_owned(),
        execution: Some(run.clone()),
        query: Some(WorkflowQuery { query_type: "progress".to_owned(), ..Default::default() }),
        ..Default::default()
    };
    let mut asked = Box::pin(server.call(query));
    assert!(server.parks(&mut asked.as_mut()).await);
    server.advance_secs(5).await;
    server.signal(&run, "s").await.unwrap(); // its task waits for the worker, too
    server.advance_secs(6).await; // the query does not, any more
    drop(asked);
    assert!(server.idle().await, "the task has its own time");
    server.advance_secs(5).await;
    let task = server.poll().await;
    server.complete(&task, [complete("done")]).await.unwrap();
}

#[tokio::test]
async fn a_task_is_not_left_behind_in_a_sticky_queue_that_was_reset() {
    let server = Server::in_memory();
    let run = cached(&server).await;
    show_up(&server).await;
    server.signal(&run, "s").await.unwrap();
    let reset = ResetStickyTaskQueueRequest {
        namespace: NAMESPACE.to_owned(),
        execution: Some(run.clone()),
    };
    server.call(reset).await.unwrap();
    server.advance_secs(11).await;
    let task = server.poll().await;
    assert_eq!(task.history.as_ref().unwrap().events[0].event_id, 1);
    server.complete(&task, [complete("done")]).await.unwrap();
}
