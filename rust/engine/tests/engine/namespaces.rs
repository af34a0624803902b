//! Namespaces, and RPCs that the engine does not have.

use hourglass_engine::Code;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::complete;
use crate::support::values::secs;

fn register(name: &str) -> RegisterNamespaceRequest {
    RegisterNamespaceRequest {
        namespace: name.to_owned(),
        workflow_execution_retention_period: secs(86_400),
        ..Default::default()
    }
}

fn describe(name: &str) -> DescribeNamespaceRequest {
    DescribeNamespaceRequest { namespace: name.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn the_default_namespace_is_there() {
    let server = Server::in_memory();
    let described = server.call(describe("default")).await.unwrap();
    let info = described.namespace_info.unwrap();
    assert_eq!(info.name, "default");
    assert!(!info.id.is_empty());
    assert!(info.capabilities.unwrap().worker_poll_complete_on_shutdown);
}

#[tokio::test]
async fn no_namespace_says_that_closed_runs_are_deleted_while_nothing_deletes_them() {
    let server = Server::in_memory();
    server.call(register("other")).await.unwrap();
    for name in ["default", "other"] {
        let config = server.call(describe(name)).await.unwrap().config.unwrap();
        assert_eq!(config.workflow_execution_retention_ttl, None, "{name}");
    }
}

#[tokio::test]
async fn an_unknown_namespace_is_named_in_the_error() {
    let server = Server::in_memory();
    let mut start = Server::start_request("w");
    "nowhere".clone_into(&mut start.namespace);
    for error in [
        server.call(describe("nowhere")).await.map(drop).unwrap_err(),
        server.call(start).await.map(drop).unwrap_err(),
        server
            .call(PollWorkflowTaskQueueRequest {
                namespace: "nowhere".to_owned(),
                ..Server::workflow_poll()
            })
            .await
            .map(drop)
            .unwrap_err(),
    ] {
        assert_eq!(error.code, Code::NotFound);
        assert!(error.message.contains("nowhere"), "{}", error.message);
        let details = String::from_utf8_lossy(&error.details).into_owned();
        assert!(details.contains("NamespaceNotFoundFailure"), "{details:?}");
    }
}

#[tokio::test]
async fn a_registered_namespace_has_workflows_of_its_own() {
    let server = Server::in_memory();
    server.call(register("other")).await.unwrap();
    assert_eq!(server.call(describe("other")).await.unwrap().namespace_info.unwrap().name, "other");
    let here = server.start("w").await;
    let mut request = Server::start_request("w");
    "other".clone_into(&mut request.namespace);
    let there = server.start_with(request).await;
    assert_ne!(here.run_id, there.run_id);
    let task = server.poll().await;
    assert_eq!(task.workflow_execution.as_ref(), Some(&here));
    server.complete(&task, [complete("done")]).await.unwrap();
    assert!(server.idle().await, "a queue belongs to its namespace");
}

#[tokio::test]
async fn a_namespace_is_registered_once() {
    let server = Server::in_memory();
    server.call(register("other")).await.unwrap();
    for name in ["other", "default"] {
        let error = server.call(register(name)).await.unwrap_err();
        assert_eq!(error.code, Code::AlreadyExists, "{name}");
    }
}

#[tokio::test]
async fn a_registered_namespace_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("orders.db");
    let server = Server::on_file(&path);
    server.call(register("other")).await.unwrap();
    let server = server.reopen(&path);
    server.call(describe("other")).await.unwrap();
}

#[tokio::test]
async fn the_engine_says_what_it_can_do() {
    let server = Server::in_memory();
    let info = server.call(GetSystemInfoRequest::default()).await.unwrap();
    let capabilities = info.capabilities.unwrap();
    assert!(capabilities.sdk_metadata);
    assert!(capabilities.encoded_failure_attributes);
    assert!(capabilities.internal_error_differentiation);
    assert!(!info.server_version.is_empty());
}

#[tokio::test]
async fn an_rpc_that_is_not_there_is_named_in_the_error() {
    let server = Server::in_memory();
    let error = server.call(ListSchedulesRequest::default()).await.unwrap_err();
    assert_eq!(error.code, Code::Unimplemented);
    assert_eq!(
        error.message,
        "unknown method ListSchedules for service \
         temporal.api.workflowservice.v1.WorkflowService"
    );
    let error = server.call_raw("some.Service", "Method", None, Vec::new()).await.unwrap_err();
    assert_eq!(error.code, Code::Unimplemented);
    assert!(error.message.contains("some.Service"), "{}", error.message);
}

#[tokio::test]
async fn a_request_that_is_no_message_is_refused() {
    let server = Server::in_memory();
    let service = "temporal.api.workflowservice.v1.WorkflowService";
    let body = vec![0xff; 7];
    let error = server.call_raw(service, "StartWorkflowExecution", None, body).await.unwrap_err();
    assert!(matches!(error.code, Code::InvalidArgument | Code::Internal), "{error:?}");
}
