//! `ListWorkflowExecutions` and `CountWorkflowExecutions`.

use hourglass_engine::{Code, RpcStatus};
use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{complete, fail};
use crate::support::values::{NAMESPACE, QUEUE, workflow_type};

fn request(query: &str) -> ListWorkflowExecutionsRequest {
    ListWorkflowExecutionsRequest {
        namespace: NAMESPACE.to_owned(),
        query: query.to_owned(),
        ..Default::default()
    }
}

/// The ids of the workflows that a query finds, in order.
async fn list(server: &Server, query: &str) -> Result<Vec<String>, RpcStatus> {
    let found = server.call(request(query)).await?.executions;
    Ok(found.into_iter().map(|info| info.execution.unwrap().workflow_id).collect())
}

async fn count(server: &Server, query: &str) -> CountWorkflowExecutionsResponse {
    let request =
        CountWorkflowExecutionsRequest { namespace: NAMESPACE.to_owned(), query: query.to_owned() };
    server.call(request).await.unwrap()
}

/// One that completed, then one that failed, then two that run, a second apart; each started in this
/// order, the last of another type.
async fn four() -> Server {
    let server = Server::in_memory();
    server.start("order-1").await;
    server.step([complete("done")]).await;
    server.advance_secs(1).await;
    server.start("order-2").await;
    server.step([fail("broken")]).await;
    server.advance_secs(1).await;
    server.start("order-3").await;
    server.advance_secs(1).await;
    let other = StartWorkflowExecutionRequest {
        workflow_type: workflow_type("Bill"),
        ..Server::start_request("bill-4")
    };
    server.start_with(other).await;
    server
}

#[tokio::test]
async fn everything_is_listed_open_ones_first_and_the_newest_before() {
    let server = four().await;
    let all = ["bill-4", "order-3", "order-2", "order-1"];
    assert_eq!(list(&server, "").await.unwrap(), all);
}

#[tokio::test]
async fn a_query_finds_what_passes_it() {
    let server = four().await;
    for (query, expected) in [
        ("WorkflowId = 'order-1'", &["order-1"][..]),
        ("WorkflowId != 'order-1' AND WorkflowType = 'Pipeline'", &["order-3", "order-2"]),
        ("WorkflowId STARTS_WITH 'order' AND ExecutionStatus = 'Running'", &["order-3"]),
        ("ExecutionStatus IN ('Completed', 'Failed')", &["order-2", "order-1"]),
        ("ExecutionStatus = 'Failed' OR WorkflowType = 'Bill'", &["bill-4", "order-2"]),
        ("NOT ExecutionStatus = 1 and TaskQueue = 'work'", &["order-2", "order-1"]),
        ("CloseTime IS NULL", &["bill-4", "order-3"]),
        ("CloseTime > '2023-11-14T22:13:20Z'", &["order-2"]),
        ("StartTime < '2023-11-14T22:13:22Z'", &["order-2", "order-1"]),
        (
            "StartTime BETWEEN '2023-11-14T22:13:21Z' AND '2023-11-14T22:13:22Z'",
            &["order-3", "order-2"],
        ),
        ("TaskQueue = 'elsewhere'", &[]),
        ("WorkflowId = 'order_1' OR WorkflowId STARTS_WITH '%'", &[]),
        ("WorkflowId = ''' OR 1 = 1 --'", &[]),
    ] {
        assert_eq!(list(&server, query).await.unwrap(), expected, "{query}");
    }
}

#[tokio::test]
async fn a_run_is_found_by_its_id() {
    let server = four().await;
    let run = server.start("another").await;
    let query = format!("RunId = '{}'", run.run_id);
    assert_eq!(list(&server, &query).await.unwrap(), ["another"]);
    assert!(list(&server, "RunId = 'no such thing'").await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_listed_tells_what_the_run_is() {
    let server = four().await;
    let found = server.call(request("WorkflowId = 'order-1'")).await.unwrap().executions;
    let info = &found[0];
    assert_eq!(info.status(), WorkflowExecutionStatus::Completed);
    assert_eq!(info.r#type.as_ref().unwrap().name, "Pipeline");
    assert_eq!(info.task_queue, QUEUE);
    assert_eq!(info.history_length, 5);
    assert!(info.start_time.is_some() && info.close_time.is_some());
    assert_eq!(info.root_execution, info.execution);
}

#[tokio::test]
async fn pages_follow_one_another_without_gap_or_repetition() {
    let server = four().await;
    let mut request = ListWorkflowExecutionsRequest { page_size: 1, ..request("") };
    let mut ids = Vec::new();
    loop {
        let page = server.call(request.clone()).await.unwrap();
        ids.extend(page.executions.into_iter().map(|info| info.execution.unwrap().workflow_id));
        if page.next_page_token.is_empty() {
            break;
        }
        request.next_page_token = page.next_page_token;
        if ids.len() == 1 {
            server.start("late").await; // before the place where the reader is
        }
    }
    assert_eq!(ids, ["bill-4", "order-3", "order-2", "order-1"]);
}

#[tokio::test]
async fn runs_are_counted_altogether_and_for_each_status() {
    let server = four().await;
    let all = count(&server, "").await;
    assert_eq!((all.count, all.groups.len()), (4, 0));
    assert_eq!(count(&server, "WorkflowType = 'Bill'").await.count, 1);
    let grouped = count(&server, "WorkflowId STARTS_WITH 'order' GROUP BY ExecutionStatus").await;
    let groups: Vec<_> = grouped
        .groups
        .iter()
        .map(|group| (String::from_utf8_lossy(&group.group_values[0].data), group.count))
        .collect();
    assert_eq!(grouped.count, 3);
    let expected = [("\"Running\"", 1), ("\"Completed\"", 1), ("\"Failed\"", 1)];
    assert_eq!(groups, expected.map(|(name, count)| (name.into(), count)));
}

#[tokio::test]
async fn a_query_that_can_not_be_read_is_refused_and_says_where() {
    let server = four().await;
    for query in
        ["Bogus = 1", "WorkflowId =", "ExecutionStatus = 'Nope'", "StartTime < 'x'", "WorkflowId"]
    {
        let error = list(&server, query).await.unwrap_err();
        assert_eq!(error.code, Code::InvalidArgument, "{query}");
        assert!(error.message.starts_with("invalid query: "), "{}", error.message);
    }
    let error = list(&server, "GROUP BY ExecutionStatus").await.unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
    let deep = vec!["WorkflowId = 'a'"; 5000].join(" OR ");
    assert_eq!(list(&server, &deep).await.unwrap_err().code, Code::InvalidArgument);
    let long = vec!["'a'"; 700].join(", ");
    assert!(list(&server, &format!("WorkflowId IN ({long})")).await.unwrap().is_empty());
}

#[tokio::test]
async fn lists_are_the_same_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("orders.db");
    let server = Server::on_file(&path);
    server.start("a").await;
    server.start("b").await;
    server.step([complete("done")]).await;
    let before = list(&server, "").await.unwrap();
    let server = server.reopen(&path);
    assert_eq!(list(&server, "").await.unwrap(), before);
    assert_eq!(before, ["b", "a"]);
}
