//! `GetWorkflowExecutionHistory`: pages, long polls, the closing event.

use std::time::Duration;

use hourglass_engine::Code;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::enums::v1::HistoryEventFilterType;
use temporalio_protos::temporal::api::history::v1::HistoryEvent;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{complete, marker, start_timer};
use crate::support::values::NAMESPACE;

fn types(
    page: &GetWorkflowExecutionHistoryResponse,
) -> Vec<temporalio_protos::temporal::api::enums::v1::EventType> {
    page.history.as_ref().unwrap().events.iter().map(HistoryEvent::event_type).collect()
}

#[tokio::test]
async fn a_long_history_comes_in_pages() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let mut commands: Vec<_> = (0..20).map(|index| marker(&format!("m{index}"))).collect();
    commands.push(complete("done"));
    server.step(commands).await;
    let mut request = Server::history_request(&run);
    request.maximum_page_size = 10;
    let mut ids = Vec::new();
    let mut pages = 0;
    loop {
        let page = server.call(request.clone()).await.unwrap();
        let events = page.history.unwrap().events;
        assert!(!events.is_empty() && events.len() <= 10);
        ids.extend(events.iter().map(|event| event.event_id));
        pages += 1;
        if page.next_page_token.is_empty() {
            break;
        }
        request.next_page_token = page.next_page_token;
    }
    assert_eq!((ids, pages), ((1..=25).collect(), 3));
}

#[tokio::test]
async fn a_worker_gets_a_long_history_in_short_pages_and_its_task_goes_on_while_it_reads_them() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let markers: Vec<_> = (0..1_000).map(|index| marker(&format!("m{index}"))).collect();
    server.step(markers).await;
    server.signal(&run, "s").await.unwrap();
    let task = server.poll().await;
    let mut request = Server::history_request(&run);
    let (mut events, mut token) =
        (task.history.clone().unwrap().events, task.next_page_token.clone());
    while !token.is_empty() {
        server.advance_secs(9).await; // of ten that a task may take
        request.next_page_token = token;
        let page = server.call(request.clone()).await.unwrap();
        let more = page.history.unwrap().events;
        assert!((1..=256).contains(&more.len()), "{}", more.len());
        events.extend(more);
        token = page.next_page_token;
    }
    let ids: Vec<_> = events.iter().map(|event| event.event_id).collect();
    assert_eq!(ids, (1..=task.started_event_id).collect::<Vec<_>>());
    server.advance_secs(9).await;
    server.complete(&task, [complete("done")]).await.unwrap();
}

#[tokio::test]
async fn a_task_times_out_when_its_worker_reads_no_more_pages() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step((0..1_000).map(|index| marker(&format!("m{index}"))).collect::<Vec<_>>()).await;
    server.signal(&run, "s").await.unwrap();
    let task = server.poll().await;
    server.advance_secs(9).await;
    let mut request = Server::history_request(&run);
    request.next_page_token.clone_from(&task.next_page_token);
    server.call(request).await.unwrap();
    server.advance_secs(9).await;
    assert!(server.idle().await, "it has its task");
    server.advance_secs(2).await;
    assert_eq!(server.poll().await.attempt, 2);
    server.complete(&task, [complete("late")]).await.unwrap_err();
}

#[tokio::test]
async fn a_page_token_stays_with_its_run() {
    let server = Server::in_memory();
    let first = server.start("w").await;
    server.step([marker("a"), marker("b"), complete("done")]).await;
    let mut request =
        Server::history_request(&WorkflowExecution { run_id: String::new(), ..first.clone() });
    request.maximum_page_size = 4;
    let page = server.call(request.clone()).await.unwrap();
    let mut again = Server::start_request("w");
    "again".clone_into(&mut again.request_id);
    server.start_with(again).await;
    request.next_page_token = page.next_page_token;
    let page = server.call(request).await.unwrap();
    assert_eq!(types(&page), [MarkerRecorded, MarkerRecorded, WorkflowExecutionCompleted]);
}

#[tokio::test]
async fn a_reader_may_wait_for_the_next_event() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let mut request = Server::history_request(&run);
    request.wait_new_event = true;
    let page = server.call(request.clone()).await.unwrap();
    assert_eq!(types(&page), [WorkflowExecutionStarted, WorkflowTaskScheduled]);
    assert!(!page.next_page_token.is_empty(), "there may be more to come");
    request.next_page_token = page.next_page_token;
    let mut next = std::pin::pin!(server.call(request.clone()));
    assert!(server.parks(&mut next.as_mut()).await);
    server.signal(&run, "s").await.unwrap();
    let page = next.await.unwrap();
    assert_eq!(types(&page), [WorkflowExecutionSignaled]);
}

#[tokio::test]
async fn a_reader_that_waits_reaches_the_end_of_the_run() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let mut request = Server::history_request(&run);
    request.wait_new_event = true;
    let page = server.call(request.clone()).await.unwrap();
    request.next_page_token = page.next_page_token;
    server.step([complete("done")]).await;
    let page = server.call(request).await.unwrap();
    assert_eq!(types(&page).last(), Some(&WorkflowExecutionCompleted));
    assert!(page.next_page_token.is_empty());
}

#[tokio::test]
async fn a_reader_that_waited_long_enough_gets_an_empty_page_and_may_go_on() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let mut request = Server::history_request(&run);
    request.wait_new_event = true;
    request.next_page_token = server.call(request.clone()).await.unwrap().next_page_token;
    let mut next = std::pin::pin!(server.call(request.clone()));
    assert!(server.parks(&mut next.as_mut()).await);
    server.advance_wall_secs(21).await;
    let page = next.await.unwrap();
    assert!(types(&page).is_empty());
    assert!(!page.next_page_token.is_empty());
    request.next_page_token = page.next_page_token;
    server.signal(&run, "s").await.unwrap();
    let page = server.call(request).await.unwrap();
    assert_eq!(types(&page), [WorkflowExecutionSignaled]);
}

#[tokio::test]
async fn only_the_closing_event_when_that_is_asked_for() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let mut request = Server::history_request(&run);
    request.history_event_filter_type = HistoryEventFilterType::CloseEvent.into();
    let page = server.call(request.clone()).await.unwrap();
    assert!(types(&page).is_empty(), "an open run has none");
    server.step([complete("done")]).await;
    let page = server.call(request).await.unwrap();
    assert_eq!(types(&page), [WorkflowExecutionCompleted]);
    assert!(page.next_page_token.is_empty());
}

#[tokio::test]
async fn a_reader_may_wait_for_the_closing_event() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let mut request = Server::history_request(&run);
    request.history_event_filter_type = HistoryEventFilterType::CloseEvent.into();
    request.wait_new_event = true;
    let mut close = std::pin::pin!(server.call(request));
    assert!(server.parks(&mut close.as_mut()).await);
    server.step([start_timer("t", 1)]).await;
    assert!(server.parks(&mut close.as_mut()).await, "a step is not the end");
    server.advance_secs(1).await;
    server.step([complete("done")]).await;
    let page = close.await.unwrap();
    assert_eq!(types(&page), [WorkflowExecutionCompleted]);
    assert!(page.next_page_token.is_empty());
}

#[tokio::test]
async fn a_wait_for_the_closing_event_that_takes_long_may_go_on() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let mut request = Server::history_request(&run);
    request.history_event_filter_type = HistoryEventFilterType::CloseEvent.into();
    request.wait_new_event = true;
    let page = {
        let mut close = std::pin::pin!(server.call(request.clone()));
        assert!(server.parks(&mut close.as_mut()).await);
        server.advance_wall_secs(21).await;
        close.await.unwrap()
    };
    assert!(types(&page).is_empty());
    assert!(!page.next_page_token.is_empty());
    request.next_page_token = page.next_page_token;
    server.step([complete("done")]).await;
    assert_eq!(types(&server.call(request).await.unwrap()), [WorkflowExecutionCompleted]);
}

#[tokio::test]
async fn a_callers_deadline_ends_its_wait() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let mut request = Server::history_request(&run);
    request.history_event_filter_type = HistoryEventFilterType::CloseEvent.into();
    request.wait_new_event = true;
    let timeout = Some(Duration::from_secs(5));
    let mut close = std::pin::pin!(server.call_within(timeout, request));
    assert!(server.parks(&mut close.as_mut()).await);
    server.advance_wall_secs(5).await;
    match close.await {
        Ok(page) => assert!(types(&page).is_empty() && !page.next_page_token.is_empty()),
        Err(error) => assert_eq!(error.code, Code::DeadlineExceeded),
    }
}

#[tokio::test]
async fn what_never_was_has_no_history() {
    let server = Server::in_memory();
    let nobody = WorkflowExecution { workflow_id: "nobody".to_owned(), run_id: String::new() };
    let error = server.call(Server::history_request(&nobody)).await.unwrap_err();
    assert_eq!(error.code, Code::NotFound);
}

#[tokio::test]
async fn a_run_id_that_is_none_is_refused() {
    let server = Server::in_memory();
    server.start("w").await;
    let odd = WorkflowExecution { workflow_id: "w".to_owned(), run_id: "odd".to_owned() };
    let error = server.call(Server::history_request(&odd)).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
}

#[tokio::test]
async fn a_history_is_read_from_its_end_page_by_page() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([start_timer("t", 60)]).await;
    let mut request = GetWorkflowExecutionHistoryReverseRequest {
        namespace: NAMESPACE.to_owned(),
        execution: Some(run.clone()),
        maximum_page_size: 2,
        ..Default::default()
    };
    let mut pages = Vec::new();
    loop {
        let page = server.call(request.clone()).await.unwrap();
        let events = page.history.unwrap().events;
        pages.push(events.iter().map(|event| event.event_id).collect::<Vec<_>>());
        if page.next_page_token.is_empty() {
            break;
        }
        request.next_page_token = page.next_page_token;
    }
    assert_eq!(pages, [vec![5, 4], vec![3, 2], vec![1]]);
}
