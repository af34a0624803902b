//! Tasks that come with the answer to a request, so that the worker need not poll for them.

use temporalio_protos::temporal::api::command::v1::ScheduleActivityTaskCommandAttributes;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::history::v1::{HistoryEvent, history_event::Attributes};
use temporalio_protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;

use crate::support::Server;
use crate::support::command::{activity, cancel_activity, complete, schedule};
use crate::support::values::{secs, text};

fn eager(activity_id: &str) -> ScheduleActivityTaskCommandAttributes {
    ScheduleActivityTaskCommandAttributes { request_eager_execution: true, ..activity(activity_id) }
}

fn eager_start() -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest { request_eager_execution: true, ..Server::start_request("w") }
}

#[tokio::test]
async fn an_activity_comes_with_the_answer_to_the_task_that_scheduled_it() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    let commands = [schedule(eager("a")), schedule(activity("b"))];
    let given = server.complete(&task, commands).await.unwrap().activity_tasks;
    assert_eq!(given.len(), 1, "only what was asked for");
    assert_eq!((&*given[0].activity_id, given[0].attempt), ("a", 1));
    assert_eq!(text(given[0].input.as_ref()), "file");
    assert_eq!(server.poll_activity().await.activity_id, "b");
    assert!(server.no_activity().await, "it is given once");
    server.complete_activity(&given[0], "done").await.unwrap();
    assert!(server.event_types(&run).await.contains(&ActivityTaskCompleted));
}

#[tokio::test]
async fn an_activity_that_is_cancelled_or_outlived_in_the_same_task_is_not_given() {
    let server = Server::in_memory();
    server.start("w").await;
    let task = server.poll().await;
    let commands = [schedule(eager("a")), cancel_activity(5)];
    assert!(server.complete(&task, commands).await.unwrap().activity_tasks.is_empty());
    let task = server.poll().await;
    let commands = [schedule(eager("b")), complete("done")];
    assert!(server.complete(&task, commands).await.unwrap().activity_tasks.is_empty());
}

#[tokio::test]
async fn the_first_workflow_task_comes_with_the_answer_to_the_start() {
    let server = Server::in_memory();
    let response = server.call(eager_start()).await.unwrap();
    let task = response.eager_workflow_task.unwrap();
    assert_eq!(task.workflow_execution.as_ref().unwrap().run_id, response.run_id);
    let events = task.history.as_ref().unwrap().events.iter();
    let types: Vec<_> = events.map(HistoryEvent::event_type).collect();
    assert_eq!(types, [WorkflowExecutionStarted, WorkflowTaskScheduled, WorkflowTaskStarted]);
    assert!(server.idle().await, "it is given once");
    server.complete(&task, [complete("done")]).await.unwrap();
    let history = server.history(task.workflow_execution.as_ref().unwrap()).await;
    let Attributes::WorkflowExecutionStartedEventAttributes(first) = history.attributes(1) else {
        panic!("{:?}", history.types());
    };
    assert!(first.eager_execution_accepted);
}

#[tokio::test]
async fn a_first_task_that_is_not_worked_on_is_offered_to_others_in_time() {
    let server = Server::in_memory();
    server.call(eager_start()).await.unwrap();
    server.advance_secs(10).await;
    assert_eq!(server.poll().await.attempt, 2);
}

#[tokio::test]
async fn a_start_that_is_delayed_gives_no_task() {
    let server = Server::in_memory();
    let delayed = StartWorkflowExecutionRequest { workflow_start_delay: secs(5), ..eager_start() };
    assert!(server.call(delayed).await.unwrap().eager_workflow_task.is_none());
    server.advance_secs(5).await;
    server.step([complete("done")]).await;
}
