//! `QueryWorkflow` and `RespondQueryTaskCompleted`.

use std::time::Duration;

use hourglass_engine::{Code, RpcStatus};
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::{
    QueryRejectCondition, QueryResultType, WorkflowExecutionStatus,
};
use temporalio_protos::temporal::api::query::v1::{WorkflowQuery, WorkflowQueryResult};
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{complete, start_timer};
use crate::support::values::{NAMESPACE, failure, payloads, text};

fn request(run: &WorkflowExecution) -> QueryWorkflowRequest {
    QueryWorkflowRequest {
        namespace: NAMESPACE.to_owned(),
        execution: Some(run.clone()),
        query: Some(WorkflowQuery {
            query_type: "progress".to_owned(),
            query_args: payloads("please"),
            header: None,
        }),
        ..Default::default()
    }
}

async fn query(server: &Server, run: &WorkflowExecution) -> Result<String, RpcStatus> {
    server.call(request(run)).await.map(|response| text(response.query_result.as_ref()))
}

async fn answer(
    server: &Server,
    task: &PollWorkflowTaskQueueResponse,
    result: &str,
) -> Result<(), RpcStatus> {
    server
        .call(RespondQueryTaskCompletedRequest {
            task_token: task.task_token.clone(),
            completed_type: QueryResultType::Answered.into(),
            query_result: payloads(result),
            namespace: NAMESPACE.to_owned(),
            ..Default::default()
        })
        .await
        .map(drop)
}

fn result(answer: &str) -> WorkflowQueryResult {
    WorkflowQueryResult {
        result_type: QueryResultType::Answered.into(),
        answer: payloads(answer),
        ..Default::default()
    }
}

/// A run that waits for a timer, with nothing for a worker to do.
async fn waiting(server: &Server) -> WorkflowExecution {
    let run = server.start("w").await;
    server.step([start_timer("t", 3600)]).await;
    run
}

#[tokio::test]
async fn b_63_a_waiting_run_is_asked_directly_and_writes_nothing() {
    let server = Server::in_memory();
    let run = waiting(&server).await;
    let before = server.event_types(&run).await;
    let mut asked = std::pin::pin!(query(&server, &run));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    let asked_for = task.query.as_ref().expect("a query task");
    assert_eq!(asked_for.query_type, "progress");
    assert_eq!(text(asked_for.query_args.as_ref()), "please");
    assert_eq!(task.workflow_execution.as_ref(), Some(&run));
    assert_eq!(task.history.as_ref().unwrap().events.len(), before.len(), "the whole history");
    assert_eq!(task.workflow_execution_task_queue.as_ref().unwrap().name, "work");
    answer(&server, &task, "half").await.unwrap();
    assert_eq!(asked.await.unwrap(), "half");
    assert_eq!(server.event_types(&run).await, before);
}

#[tokio::test]
async fn a_query_is_answered_once() {
    let server = Server::in_memory();
    let run = waiting(&server).await;
    let mut asked = std::pin::pin!(query(&server, &run));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    answer(&server, &task, "half").await.unwrap();
    assert_eq!(asked.await.unwrap(), "half");
    assert_eq!(answer(&server, &task, "most").await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn a_query_goes_to_the_worker_that_has_the_run_in_its_cache() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server
        .call(Server::sticky_completion("sticky", &task, [start_timer("t", 3600)]))
        .await
        .unwrap();
    let mut polled = std::pin::pin!(server.poll_sticky("sticky"));
    assert!(server.parks(&mut polled.as_mut()).await);
    let mut asked = std::pin::pin!(query(&server, &run));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = polled.await;
    assert!(task.query.is_some());
    assert!(task.history.as_ref().unwrap().events.is_empty(), "the worker knows the history");
    answer(&server, &task, "half").await.unwrap();
    assert_eq!(asked.await.unwrap(), "half");
}

#[tokio::test]
async fn a_query_that_the_sticky_worker_does_not_take_goes_to_everybody() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server
        .call(Server::sticky_completion("sticky", &task, [start_timer("t", 3600)]))
        .await
        .unwrap();
    {
        let mut polled = std::pin::pin!(server.poll_sticky("sticky"));
        assert!(server.parks(&mut polled.as_mut()).await);
    }
    let mut asked = std::pin::pin!(query(&server, &run));
    assert!(server.parks(&mut asked.as_mut()).await);
    server.advance_secs(11).await;
    let task = server.poll().await;
    assert_eq!(task.history.as_ref().unwrap().events[0].event_id, 1, "the whole history");
    answer(&server, &task, "half").await.unwrap();
    assert_eq!(asked.await.unwrap(), "half");
}

#[tokio::test]
async fn a_query_travels_with_a_workflow_task_that_is_due_anyway() {
    let server = Server::in_memory();
    let run = waiting(&server).await;
    server.signal(&run, "s").await.unwrap();
    let mut asked = std::pin::pin!(query(&server, &run));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    assert!(task.query.is_none());
    assert_eq!(task.queries.len(), 1);
    let (id, attached) = task.queries.iter().next().unwrap();
    assert_eq!(attached.query_type, "progress");
    server
        .call(RespondWorkflowTaskCompletedRequest {
            query_results: [(id.clone(), result("half"))].into(),
            ..Server::completion(&task, [])
        })
        .await
        .unwrap();
    assert_eq!(asked.await.unwrap(), "half");
}

#[tokio::test]
async fn a_query_during_a_task_is_asked_when_the_task_is_done() {
    let server = Server::in_memory();
    let run = waiting(&server).await;
    server.signal(&run, "s").await.unwrap();
    let task = server.poll().await;
    let mut asked = std::pin::pin!(query(&server, &run));
    assert!(server.parks(&mut asked.as_mut()).await);
    server.complete(&task, []).await.unwrap();
    let task = server.poll().await;
    assert!(task.query.is_some(), "nothing else to do, so it is asked directly");
    answer(&server, &task, "half").await.unwrap();
    assert_eq!(asked.await.unwrap(), "half");
}

#[tokio::test]
async fn a_closed_run_answers_too() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([complete("done")]).await;
    let mut asked = std::pin::pin!(query(&server, &run));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    assert!(task.query.is_some());
    answer(&server, &task, "all").await.unwrap();
    assert_eq!(asked.await.unwrap(), "all");
}

#[tokio::test]
async fn a_query_waits_for_the_first_task_of_a_run() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let mut asked = std::pin::pin!(query(&server, &run));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    assert!(task.query.is_none(), "the run begins first");
    let results = task.queries.keys().map(|id| (id.clone(), result("none"))).collect::<Vec<_>>();
    server
        .call(RespondWorkflowTaskCompletedRequest {
            query_results: results.into_iter().collect(),
            ..Server::completion(&task, [start_timer("t", 3600)])
        })
        .await
        .unwrap();
    if server.parks(&mut asked.as_mut()).await {
        let task = server.poll().await;
        answer(&server, &task, "none").await.unwrap();
    }
}

#[tokio::test]
async fn a_handler_that_fails_fails_the_query() {
    let server = Server::in_memory();
    let run = waiting(&server).await;
    let mut asked = std::pin::pin!(query(&server, &run));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    server
        .call(RespondQueryTaskCompletedRequest {
            task_token: task.task_token.clone(),
            completed_type: QueryResultType::Failed.into(),
            error_message: "no such query".to_owned(),
            failure: Some(failure("no such query", "Lookup")),
            namespace: NAMESPACE.to_owned(),
            ..Default::default()
        })
        .await
        .unwrap();
    let error = asked.await.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (Code::InvalidArgument, "no such query"));
}

#[tokio::test]
async fn an_attached_query_whose_handler_fails_fails_alone() {
    let server = Server::in_memory();
    let run = waiting(&server).await;
    server.signal(&run, "s").await.unwrap();
    let mut asked = std::pin::pin!(query(&server, &run));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    let failed = WorkflowQueryResult {
        result_type: QueryResultType::Failed.into(),
        error_message: "no such query".to_owned(),
        ..Default::default()
    };
    let id = task.queries.keys().next().unwrap().clone();
    server
        .call(RespondWorkflowTaskCompletedRequest {
            query_results: [(id, failed)].into(),
            ..Server::completion(&task, [complete("done")])
        })
        .await
        .unwrap();
    let error = asked.await.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (Code::InvalidArgument, "no such query"));
}

#[tokio::test]
async fn a_query_may_be_refused_by_how_the_run_ended() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([complete("done")]).await;
    let response = server
        .call(QueryWorkflowRequest {
            query_reject_condition: QueryRejectCondition::NotOpen.into(),
            ..request(&run)
        })
        .await
        .unwrap();
    let rejected = response.query_rejected.expect("a rejection is no error");
    assert_eq!(rejected.status(), WorkflowExecutionStatus::Completed);
    let condition = QueryRejectCondition::NotCompletedCleanly.into();
    let clean = QueryWorkflowRequest { query_reject_condition: condition, ..request(&run) };
    let mut asked = std::pin::pin!(server.call(clean));
    assert!(server.parks(&mut asked.as_mut()).await, "a run that completed is clean");
}

#[tokio::test]
async fn nobody_answers_for_a_run_that_never_was() {
    let server = Server::in_memory();
    let nobody = WorkflowExecution { workflow_id: "nobody".to_owned(), run_id: String::new() };
    assert_eq!(query(&server, &nobody).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn a_run_that_has_not_begun_is_not_asked() {
    let server = Server::in_memory();
    let request_of_start = StartWorkflowExecutionRequest {
        workflow_start_delay: crate::support::values::secs(60),
        ..Server::start_request("w")
    };
    let run = server.start_with(request_of_start).await;
    let error = query(&server, &run).await.unwrap_err();
    assert_eq!(error.code, Code::FailedPrecondition);
    assert_eq!(error.message, "Workflow task is not scheduled yet.");
}

#[tokio::test]
async fn a_query_that_nobody_answers_ends_with_its_caller() {
    let server = Server::in_memory();
    let run = waiting(&server).await;
    let timeout = Some(Duration::from_secs(3));
    let mut asked = std::pin::pin!(server.call_within(timeout, request(&run)));
    assert!(server.parks(&mut asked.as_mut()).await);
    server.advance_wall_secs(3).await;
    assert_eq!(asked.await.unwrap_err().code, Code::DeadlineExceeded);
    assert!(server.idle().await, "nobody is asked any more");
}
