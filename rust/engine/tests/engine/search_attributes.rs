//! Search attributes: declared, and what finds workflows by them. How queries read is compared with a
//! real server elsewhere.

use std::collections::HashMap;

use hourglass_engine::{Code, RpcStatus};
use prost::Message;
use temporalio_protos::temporal::api::command::v1::command::Attributes;
use temporalio_protos::temporal::api::command::v1::{
    Command, UpsertWorkflowSearchAttributesCommandAttributes,
};
use temporalio_protos::temporal::api::common::v1::{Payload, SearchAttributes, WorkflowExecution};
use temporalio_protos::temporal::api::enums::v1::{CommandType, IndexedValueType};
use temporalio_protos::temporal::api::operatorservice::v1::*;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{command, complete};
use crate::support::values::NAMESPACE;

const OPERATOR: &str = "temporal.api.operatorservice.v1.OperatorService";

fn given(name: &str, json: &str) -> Option<SearchAttributes> {
    let payload = Payload {
        metadata: HashMap::from([("encoding".to_owned(), b"json/plain".to_vec())]),
        data: json.as_bytes().to_vec(),
        ..Default::default()
    };
    Some(SearchAttributes { indexed_fields: HashMap::from([(name.to_owned(), payload)]) })
}

fn upsert(name: &str, json: &str) -> Command {
    command(
        CommandType::UpsertWorkflowSearchAttributes,
        Attributes::UpsertWorkflowSearchAttributesCommandAttributes(
            UpsertWorkflowSearchAttributesCommandAttributes {
                search_attributes: given(name, json),
            },
        ),
    )
}

impl Server {
    async fn declare(&self, name: &str, kind: IndexedValueType) {
        let request = AddSearchAttributesRequest {
            search_attributes: HashMap::from([(name.to_owned(), kind.into())]),
            namespace: NAMESPACE.to_owned(),
        };
        let body = request.encode_to_vec();
        self.call_raw(OPERATOR, "AddSearchAttributes", None, body).await.unwrap();
    }

    async fn try_start(
        &self,
        workflow_id: &str,
        search_attributes: Option<SearchAttributes>,
    ) -> Result<WorkflowExecution, RpcStatus> {
        let request =
            StartWorkflowExecutionRequest { search_attributes, ..Self::start_request(workflow_id) };
        let run_id = self.call(request).await?.run_id;
        Ok(WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id })
    }

    async fn found(&self, query: &str) -> Vec<String> {
        let request = ListWorkflowExecutionsRequest {
            namespace: NAMESPACE.to_owned(),
            query: query.to_owned(),
            ..Default::default()
        };
        let found = self.call(request).await.unwrap().executions;
        found.into_iter().map(|info| info.execution.unwrap().workflow_id).collect()
    }
}

#[tokio::test]
async fn what_is_declared_and_what_it_holds_outlive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let server = Server::on_file(&path);
    server.declare("Size", IndexedValueType::Int).await;
    server.try_start("small", given("Size", "1")).await.unwrap();
    let server = server.reopen(&path);
    server.try_start("large", given("Size", "100")).await.unwrap();
    assert_eq!(server.found("Size < 50").await, ["small"]);
    assert_eq!(server.found("Size >= 1").await, ["large", "small"]);
}

#[tokio::test]
async fn a_changed_attribute_is_found_with_the_commit_and_a_closed_run_keeps_it() {
    let server = Server::in_memory();
    server.declare("Color", IndexedValueType::Keyword).await;
    server.try_start("w", given("Color", "\"red\"")).await.unwrap();
    server.step([upsert("Color", "\"green\""), complete("done")]).await;
    assert_eq!(server.found("Color = 'green'").await, ["w"]);
    assert_eq!(server.found("Color = 'red'").await, [] as [&str; 0]);
}

#[tokio::test]
async fn a_refused_start_leaves_nothing_to_be_found() {
    let server = Server::in_memory();
    let refused = server.try_start("w", given("Color", "\"red\"")).await.unwrap_err();
    assert_eq!(refused.code, Code::InvalidArgument);
    assert_eq!(
        refused.message,
        "Namespace default has no mapping defined for search attribute Color"
    );
    assert_eq!(server.found("").await, [] as [&str; 0]);
}

#[tokio::test]
async fn pages_go_on_where_they_were_while_workflows_start() {
    let server = Server::in_memory();
    server.declare("Size", IndexedValueType::Int).await;
    for n in 0..5 {
        server.try_start(&format!("w{n}"), given("Size", "1")).await.unwrap();
        server.advance_secs(1).await;
    }
    let mut request = ListWorkflowExecutionsRequest {
        namespace: NAMESPACE.to_owned(),
        query: "Size = 1".to_owned(),
        page_size: 2,
        ..Default::default()
    };
    let mut found = Vec::new();
    loop {
        let page = server.call(request.clone()).await.unwrap();
        found.extend(page.executions.into_iter().map(|info| info.execution.unwrap().workflow_id));
        server.try_start(&format!("late{}", found.len()), given("Size", "1")).await.unwrap();
        if page.next_page_token.is_empty() {
            break;
        }
        request.next_page_token = page.next_page_token;
    }
    assert_eq!(found, ["w4", "w3", "w2", "w1", "w0"]);
}
