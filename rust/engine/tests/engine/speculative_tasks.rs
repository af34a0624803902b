//! Workflow tasks for updates, which may turn out never to have been there.

use std::pin::pin;

use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::enums::v1::{
    EventType, HistoryEventFilterType, QueryResultType, TaskQueueKind, TimeoutType,
};
use temporalio_protos::temporal::api::history::v1::{HistoryEvent, history_event::Attributes};
use temporalio_protos::temporal::api::query::v1::WorkflowQuery;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{complete, start_timer};
use crate::support::update::{accept, completion, reject, respond, result};
use crate::support::values::{NAMESPACE, payloads, secs, text};
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;

/// The types of the events of a history that a client asks for, with a filter.
async fn seen_by_a_client(server: &Server, run: &WorkflowExecution) -> Vec<EventType> {
    let request = GetWorkflowExecutionHistoryRequest {
        history_event_filter_type: HistoryEventFilterType::AllEvent.into(),
        ..Server::history_request(run)
    };
    let history = server.call(request).await.unwrap().history.unwrap();
    history.events.iter().map(HistoryEvent::event_type).collect()
}

#[tokio::test]
async fn b_rejection_leaves_no_trace() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let before = server.history(&run).await.0;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    assert_eq!(server.history(&run).await.0, before, "scheduled");
    let task = server.poll().await;
    assert_eq!(seen_by_a_client(&server, &run).await.len(), before.len(), "started");
    let described = server.describe(&run).await.unwrap();
    assert_eq!(described.workflow_execution_info.unwrap().history_length, 5);
    assert!(described.pending_workflow_task.is_some());
    let response = server.call(completion(&task, [reject(&task.messages[0])], [])).await.unwrap();
    assert_eq!(response.reset_history_event_id, 3, "the last task that completed");
    asked.await.unwrap();
    assert_eq!(server.history(&run).await.0, before, "rejected");
    assert!(server.describe(&run).await.unwrap().pending_workflow_task.is_none());
    assert!(server.idle().await);
}

#[tokio::test]
async fn the_next_task_after_a_rejection_has_the_ids_of_the_one_that_was_forgotten() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    for id in ["first", "second"] {
        let mut asked = pin!(server.update(&run, id));
        assert!(server.parks(&mut asked.as_mut()).await);
        let task = server.poll().await;
        assert_eq!((task.previous_started_event_id, task.started_event_id), (3, 7));
        server.call(completion(&task, [reject(&task.messages[0])], [])).await.unwrap();
        asked.await.unwrap();
    }
}

#[tokio::test]
async fn an_update_that_comes_during_a_rejection_has_a_task_before_the_first_is_due() {
    let server = Server::in_memory();
    let delayed = StartWorkflowExecutionRequest {
        workflow_start_delay: secs(3600),
        ..Server::start_request("w")
    };
    let run = server.start_with(delayed).await;
    let mut first = pin!(server.update(&run, "first"));
    assert!(server.parks(&mut first.as_mut()).await);
    let task = server.poll().await;
    let mut second = pin!(server.update(&run, "second"));
    assert!(server.parks(&mut second.as_mut()).await);
    let request = RespondWorkflowTaskCompletedRequest {
        return_new_workflow_task: false,
        ..completion(&task, [reject(&task.messages[0])], [])
    };
    server.call(request).await.unwrap();
    first.await.unwrap();
    let task = server.poll().await;
    assert_eq!(task.messages[0].protocol_instance_id, "second");
    let message = task.messages[0].clone();
    server.call(completion(&task, [accept(&message), respond(&message, "r")], [])).await.unwrap();
    assert_eq!(result(second.await.unwrap().outcome), Ok("r".to_owned()));
}

#[tokio::test]
async fn a_rejection_by_a_worker_that_cannot_forget_keeps_the_task() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    let request = RespondWorkflowTaskCompletedRequest {
        capabilities: None,
        ..completion(&task, [reject(&task.messages[0])], [])
    };
    assert_eq!(server.call(request).await.unwrap().reset_history_event_id, 0);
    asked.await.unwrap();
    assert_eq!(
        server.event_types(&run).await[4..],
        [TimerStarted, WorkflowTaskScheduled, WorkflowTaskStarted, WorkflowTaskCompleted],
        "it was shown the timer, and would be shown it again"
    );
}

#[tokio::test]
async fn a_signal_makes_a_scheduled_task_a_normal_one() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    server.signal(&run, "s").await.unwrap();
    let converted = [TimerStarted, WorkflowTaskScheduled, WorkflowExecutionSignaled];
    assert_eq!(server.event_types(&run).await[4..], converted);
    let task = server.poll().await;
    assert_eq!(task.started_event_id, 8);
    server.call(completion(&task, [reject(&task.messages[0])], [])).await.unwrap();
    assert_eq!(server.event_types(&run).await[7..], [WorkflowTaskStarted, WorkflowTaskCompleted]);
    asked.await.unwrap();
}

#[tokio::test]
async fn a_signal_makes_a_started_task_a_normal_one() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    server.signal(&run, "s").await.unwrap();
    let started = [TimerStarted, WorkflowTaskScheduled, WorkflowTaskStarted];
    assert_eq!(seen_by_a_client(&server, &run).await[4..], started);
    let response = server.call(completion(&task, [reject(&task.messages[0])], [])).await.unwrap();
    assert_eq!(response.reset_history_event_id, 0);
    asked.await.unwrap();
    assert_eq!(
        server.event_types(&run).await[5..],
        [
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            WorkflowExecutionSignaled,
            WorkflowTaskScheduled
        ]
    );
    let history = server.history(&run).await;
    let Attributes::WorkflowTaskStartedEventAttributes(started) = history.attributes(7) else {
        panic!();
    };
    assert_eq!(started.identity, "", "as on a server, who took it is not known any more");
}

#[tokio::test]
async fn a_task_that_became_a_normal_one_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("speculative.db");
    let server = Server::on_file(&path);
    let run = server.waiting("w").await;
    {
        let mut asked = pin!(server.update(&run, "u"));
        assert!(server.parks(&mut asked.as_mut()).await);
        server.poll().await;
        server.signal(&run, "s").await.unwrap();
        server.engine.close();
        asked.await.unwrap_err();
    }
    let server = server.reopen(&path);
    let task = server.poll().await;
    assert!(task.messages.is_empty());
    server.complete(&task, [complete("done")]).await.unwrap();
    assert_eq!(
        server.event_types(&run).await[5..],
        [
            WorkflowExecutionSignaled,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            WorkflowExecutionCompleted
        ]
    );
}

#[tokio::test]
async fn a_task_that_no_worker_fetches_in_five_seconds_becomes_a_normal_one() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    server.advance_secs(4).await;
    assert_eq!(server.event_types(&run).await.len(), 5);
    server.advance_secs(1).await;
    let history = server.history(&run).await;
    assert_eq!(
        history.types()[5..],
        [WorkflowTaskScheduled, WorkflowTaskTimedOut, WorkflowTaskScheduled]
    );
    let Attributes::WorkflowTaskTimedOutEventAttributes(timed_out) = history.attributes(7) else {
        panic!("{:?}", history.types());
    };
    assert_eq!(timed_out.timeout_type(), TimeoutType::ScheduleToStart);
    assert_eq!(timed_out.scheduled_event_id, 6);
    let task = server.poll().await;
    assert_eq!(task.attempt, 1);
    let message = &task.messages[0];
    server.call(completion(&task, [accept(message), respond(message, "r")], [])).await.unwrap();
    assert_eq!(result(asked.await.unwrap().outcome), Ok("r".to_owned()));
}

#[tokio::test]
async fn a_task_that_the_sticky_worker_does_not_fetch_becomes_a_normal_one_for_everybody() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server
        .call(Server::sticky_completion("sticky", &task, [start_timer("t", 3600)]))
        .await
        .unwrap();
    {
        let mut polled = pin!(server.call(Server::sticky_poll("sticky")));
        assert!(server.parks(&mut polled.as_mut()).await);
    }
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    server.advance_secs(9).await;
    assert_eq!(server.event_types(&run).await.len(), 5, "the worker has ten seconds");
    server.advance_secs(1).await;
    let history = server.history(&run).await;
    assert_eq!(
        history.types()[5..],
        [WorkflowTaskScheduled, WorkflowTaskTimedOut, WorkflowTaskScheduled]
    );
    for (event, kind) in [(6, TaskQueueKind::Sticky), (8, TaskQueueKind::Normal)] {
        let Attributes::WorkflowTaskScheduledEventAttributes(scheduled) = history.attributes(event)
        else {
            panic!("{:?}", history.types());
        };
        assert_eq!(scheduled.task_queue.as_ref().unwrap().kind(), kind);
    }
    assert_eq!(server.poll().await.messages.len(), 1);
}

#[tokio::test]
async fn a_task_that_times_out_is_on_record() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    server.poll().await;
    server.advance_secs(10).await;
    assert_eq!(
        server.event_types(&run).await[5..],
        [WorkflowTaskScheduled, WorkflowTaskStarted, WorkflowTaskTimedOut]
    );
    let task = server.poll().await;
    assert_eq!((task.attempt, task.messages.len()), (2, 1));
}

#[tokio::test]
async fn terminating_a_run_whose_task_is_started_puts_the_task_on_record() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    server.poll().await;
    server.terminate(&run).await.unwrap();
    asked.await.unwrap_err();
    assert_eq!(
        server.event_types(&run).await[5..],
        [
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskFailed,
            WorkflowExecutionTerminated
        ]
    );
}

#[tokio::test]
async fn an_update_that_came_meanwhile_has_its_task_in_the_answer() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server
        .call(Server::sticky_completion("sticky", &task, [start_timer("t", 3600)]))
        .await
        .unwrap();
    let mut polled = pin!(server.poll_sticky("sticky"));
    assert!(server.parks(&mut polled.as_mut()).await);
    let mut first = pin!(server.update(&run, "first"));
    assert!(server.parks(&mut first.as_mut()).await);
    let task = polled.await;
    let mut second = pin!(server.update(&run, "second"));
    assert!(server.parks(&mut second.as_mut()).await);
    let sticky_attributes = Server::sticky_completion("sticky", &task, []).sticky_attributes;
    let request = RespondWorkflowTaskCompletedRequest {
        sticky_attributes,
        return_new_workflow_task: true,
        ..completion(&task, [reject(&task.messages[0])], [])
    };
    let response = server.call(request).await.unwrap();
    first.await.unwrap();
    assert_eq!(response.reset_history_event_id, 3);
    let task = response.workflow_task.unwrap();
    assert_eq!((task.previous_started_event_id, task.started_event_id), (3, 7));
    let types: Vec<_> =
        task.history.as_ref().unwrap().events.iter().map(HistoryEvent::event_type).collect();
    assert_eq!(
        types,
        [WorkflowTaskCompleted, TimerStarted, WorkflowTaskScheduled, WorkflowTaskStarted]
    );
    let message = &task.messages[0];
    assert_eq!(message.protocol_instance_id, "second");
    server.call(completion(&task, [accept(message), respond(message, "r")], [])).await.unwrap();
    assert_eq!(result(second.await.unwrap().outcome), Ok("r".to_owned()));
}

#[tokio::test]
async fn a_query_is_asked_directly_when_the_task_it_waited_for_was_never_there() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    let mut query = pin!(server.call(QueryWorkflowRequest {
        namespace: NAMESPACE.to_owned(),
        execution: Some(run.clone()),
        query: Some(WorkflowQuery { query_type: "progress".to_owned(), ..Default::default() }),
        ..Default::default()
    }));
    assert!(server.parks(&mut query.as_mut()).await);
    server.call(completion(&task, [reject(&task.messages[0])], [])).await.unwrap();
    asked.await.unwrap();
    let direct = server.poll().await;
    assert_eq!(direct.query.as_ref().unwrap().query_type, "progress");
    server
        .call(RespondQueryTaskCompletedRequest {
            task_token: direct.task_token,
            completed_type: QueryResultType::Answered.into(),
            query_result: payloads("half"),
            namespace: NAMESPACE.to_owned(),
            ..Default::default()
        })
        .await
        .unwrap();
    assert_eq!(text(query.await.unwrap().query_result.as_ref()), "half");
}

#[tokio::test]
async fn a_worker_that_lost_the_run_reads_the_task_it_has() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    let history = server.history(&run).await;
    assert_eq!(history.0.last().unwrap().event_id, task.started_event_id);
}
