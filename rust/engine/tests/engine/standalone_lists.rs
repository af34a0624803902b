//! Lists and counts of activities without a workflow.

use hourglass_engine::{Code, RpcStatus};
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::standalone::{start_request, terminate_request};
use crate::support::values::{NAMESPACE, activity_type};

async fn list(server: &Server, query: &str) -> Result<Vec<String>, RpcStatus> {
    let request = ListActivityExecutionsRequest {
        namespace: NAMESPACE.to_owned(),
        query: query.to_owned(),
        ..Default::default()
    };
    let executions = server.call(request).await?.executions;
    Ok(executions.into_iter().map(|info| info.activity_id).collect())
}

/// `a` is completed, `b` terminated, and `c`, of type `Other`, runs; so does a workflow.
async fn three() -> Server {
    let server = Server::in_memory();
    server.start("w").await;
    server.start_activity("a").await;
    server.complete_activity(&server.poll_activity().await, "hash").await.unwrap();
    server.advance_secs(1).await;
    server.start_activity("b").await;
    server.call(terminate_request("b")).await.unwrap();
    let other = StartActivityExecutionRequest {
        activity_type: activity_type("Other"),
        ..start_request("c")
    };
    server.call(other).await.unwrap();
    server
}

#[tokio::test]
async fn activities_are_found_by_what_they_are() {
    let server = three().await;
    for (query, expected) in [
        ("", vec!["c", "b", "a"]),
        ("ActivityId = 'a'", vec!["a"]),
        ("ActivityType = 'Other'", vec!["c"]),
        ("ExecutionStatus = 'Running'", vec!["c"]),
        ("ExecutionStatus IN ('Completed', 'Terminated')", vec!["b", "a"]),
        ("ExecutionStatus = 'TimedOut'", vec![]),
        ("CloseTime IS NULL", vec!["c"]),
        ("TaskQueue = 'work' AND ActivityId STARTS_WITH 'b'", vec!["b"]),
    ] {
        assert_eq!(list(&server, query).await.unwrap(), expected, "{query}");
    }
    for query in ["WorkflowType = 'x'", "Bogus = 1", "GROUP BY ExecutionStatus"] {
        assert_eq!(list(&server, query).await.unwrap_err().code, Code::InvalidArgument, "{query}");
    }
}

#[tokio::test]
async fn pages_follow_one_another() {
    let server = three().await;
    let mut request = ListActivityExecutionsRequest {
        namespace: NAMESPACE.to_owned(),
        page_size: 2,
        ..Default::default()
    };
    let first = server.call(request.clone()).await.unwrap();
    assert_eq!(first.executions.len(), 2);
    request.next_page_token = first.next_page_token;
    let second = server.call(request).await.unwrap();
    assert_eq!((second.executions.len(), second.next_page_token.is_empty()), (1, true));
    let info = &second.executions[0];
    assert_eq!(info.activity_id, "a");
    assert!(info.close_time.is_some() && info.execution_duration.is_some());
    assert!(info.state_transition_count > 0);
}

#[tokio::test]
async fn activities_are_counted_by_status_and_workflows_are_not() {
    let server = three().await;
    let request = CountActivityExecutionsRequest {
        namespace: NAMESPACE.to_owned(),
        query: "GROUP BY ExecutionStatus".to_owned(),
    };
    let counted = server.call(request).await.unwrap();
    assert_eq!(counted.count, 3);
    let groups: Vec<_> = counted
        .groups
        .iter()
        .map(|group| {
            (String::from_utf8_lossy(&group.group_values[0].data).into_owned(), group.count)
        })
        .collect();
    let expected = ["\"Running\"", "\"Completed\"", "\"Terminated\""];
    assert_eq!(groups, expected.map(|name| (name.to_owned(), 1)));
    let workflows =
        CountWorkflowExecutionsRequest { namespace: NAMESPACE.to_owned(), ..Default::default() };
    assert_eq!(server.call(workflows).await.unwrap().count, 1);
}
