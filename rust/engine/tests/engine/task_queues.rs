//! `DescribeTaskQueue`, `ListNamespaces` and `GetClusterInfo`: what people look at who look after an engine.

use temporalio_protos::temporal::api::enums::v1::{DescribeTaskQueueMode, TaskQueueType};
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueueStats;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{activity, schedule};
use crate::support::values::{NAMESPACE, QUEUE, queue, secs};
use crate::support::worker::IDENTITY;

fn describe(of: TaskQueueType) -> DescribeTaskQueueRequest {
    DescribeTaskQueueRequest {
        namespace: NAMESPACE.to_owned(),
        task_queue: queue(QUEUE),
        task_queue_type: of.into(),
        report_stats: true,
        ..Default::default()
    }
}

fn waiting(stats: Option<TaskQueueStats>) -> (i64, i64) {
    let stats = stats.unwrap();
    (stats.approximate_backlog_count, stats.approximate_backlog_age.unwrap().seconds)
}

#[tokio::test]
async fn a_queue_tells_how_many_tasks_wait_how_long() {
    let server = Server::in_memory();
    server.start("a").await;
    server.advance_secs(3).await;
    server.start("b").await;
    server.advance_secs(4).await;
    let described = server.call(describe(TaskQueueType::Workflow)).await.unwrap();
    assert_eq!(waiting(described.stats), (2, 7));
    assert_eq!(described.stats_by_priority_key[&3].approximate_backlog_count, 2);
    assert!(described.pollers.is_empty());
    server.step([schedule(activity("a"))]).await;
    let described = server.call(describe(TaskQueueType::Workflow)).await.unwrap();
    assert_eq!(waiting(described.stats), (1, 4));
    let described = server.call(describe(TaskQueueType::Activity)).await.unwrap();
    assert_eq!(waiting(described.stats), (1, 0));
}

#[tokio::test]
async fn a_queue_tells_for_five_minutes_who_polled_it() {
    let server = Server::in_memory();
    server.start("a").await;
    server.poll().await;
    let described = server.call(describe(TaskQueueType::Workflow)).await.unwrap();
    assert_eq!(described.pollers[0].identity, IDENTITY);
    server.advance_wall_secs(301).await;
    let described = server.call(describe(TaskQueueType::Workflow)).await.unwrap();
    assert!(described.pollers.is_empty());
}

#[tokio::test]
#[allow(deprecated, reason = "Temporal's command line asks so")]
async fn temporals_command_line_is_told_of_both_types_at_once() {
    let server = Server::in_memory();
    server.start("a").await;
    server.step([schedule(activity("a"))]).await;
    let request = DescribeTaskQueueRequest {
        api_mode: DescribeTaskQueueMode::Enhanced.into(),
        report_pollers: true,
        ..describe(TaskQueueType::Unspecified)
    };
    let mut described = server.call(request).await.unwrap();
    let unversioned = described.versions_info.remove("").unwrap();
    let of = |kind: TaskQueueType| &unversioned.types_info[&kind.into()];
    assert_eq!(of(TaskQueueType::Workflow).pollers[0].identity, IDENTITY);
    assert_eq!(waiting(of(TaskQueueType::Activity).stats), (1, 0));
}

#[tokio::test]
async fn namespaces_are_listed_page_by_page() {
    let server = Server::in_memory();
    for name in ["b", "a"] {
        let request = RegisterNamespaceRequest {
            namespace: name.to_owned(),
            workflow_execution_retention_period: secs(86_400),
            ..Default::default()
        };
        server.call(request).await.unwrap();
    }
    let (mut names, mut next_page_token) = (Vec::new(), Vec::new());
    loop {
        let request = ListNamespacesRequest { page_size: 2, next_page_token, ..Default::default() };
        let page = server.call(request).await.unwrap();
        let infos = page.namespaces.into_iter().map(|found| found.namespace_info.unwrap());
        names.push(infos.map(|info| info.name).collect::<Vec<_>>());
        next_page_token = page.next_page_token;
        if next_page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, [vec!["a", "b"], vec!["default"]]);
}

#[tokio::test]
async fn an_engine_describes_itself_as_a_cluster_does() {
    let server = Server::in_memory();
    let info = server.call(GetClusterInfoRequest {}).await.unwrap();
    let system = server.call(GetSystemInfoRequest {}).await.unwrap();
    assert_eq!(info.server_version, system.server_version);
    assert_eq!(info.persistence_store, "sqlite");
    assert!(info.supported_clients.contains_key("temporal-ui"));
}
