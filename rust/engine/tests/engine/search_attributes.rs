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

/// Runs that have attributes of every kind, or none, and of which some have closed.
async fn many(server: &Server) {
    for (name, kind) in [
        ("Color", IndexedValueType::Keyword),
        ("Size", IndexedValueType::Int),
        ("Weight", IndexedValueType::Double),
        ("Tags", IndexedValueType::KeywordList),
        ("Note", IndexedValueType::Text),
    ] {
        server.declare(name, kind).await;
    }
    for n in 0..40 {
        let mut all = SearchAttributes::default();
        let mut give = |name: &str, json: String| {
            all.indexed_fields.extend(given(name, &json).unwrap().indexed_fields);
        };
        if n % 5 != 0 {
            give("Color", format!("\"{}\"", ["red", "green", "blue", "redder"][n % 4]));
            give("Size", format!("{}", n % 7));
            give("Weight", format!("{}.5", n % 3));
        }
        if n % 2 == 0 {
            give("Tags", format!("[\"all\", \"t{}\"]", n % 3));
            give("Note", format!("\"The note of {n}\""));
        }
        server.try_start(&format!("w{n}"), Some(all)).await.unwrap();
        if n % 3 == 0 {
            let task = server.poll().await;
            let changed = upsert("Color", "\"green\"");
            server.complete(&task, [changed, complete("done")]).await.unwrap();
        }
        server.advance_secs(1).await;
    }
}

impl Server {
    /// The same page by page, of which each has three.
    async fn found_by_pages(&self, query: &str) -> Vec<String> {
        let mut request = ListWorkflowExecutionsRequest {
            namespace: NAMESPACE.to_owned(),
            query: query.to_owned(),
            page_size: 3,
            ..Default::default()
        };
        let mut found = Vec::new();
        loop {
            let page = self.call(request.clone()).await.unwrap();
            found.extend(
                page.executions.into_iter().map(|info| info.execution.unwrap().workflow_id),
            );
            if page.next_page_token.is_empty() {
                return found;
            }
            request.next_page_token = page.next_page_token;
        }
    }

    async fn counted(&self, query: &str) -> usize {
        let request = CountWorkflowExecutionsRequest {
            namespace: NAMESPACE.to_owned(),
            query: query.to_owned(),
        };
        usize::try_from(self.call(request).await.unwrap().count).unwrap()
    }
}

#[tokio::test]
async fn what_is_looked_up_is_what_looking_at_every_run_finds() {
    let server = Server::in_memory();
    many(&server).await;
    for (query, is_empty) in [
        ("Color = 'red'", false),
        ("Color != 'red'", false),
        ("Color STARTS_WITH 're'", false),
        ("Color STARTS_WITH ''", false),
        ("Color > 'blue' AND Color <= 'red'", false),
        ("Color IN ('red', 'blue') AND ExecutionStatus = 'Running'", false),
        ("Color IS NOT NULL", false),
        ("Size BETWEEN 2 AND 4", false),
        ("Size < 2 OR Color = 'red'", false),
        ("Size = 3 AND Color = 'green'", false),
        ("Weight >= 1.5 AND NOT Size = 3", false),
        ("Tags = 'all' AND Size > 3", false),
        ("Tags IN ('t1', 't2')", false),
        ("Tags != 't1' AND Color = 'green'", false),
        ("Note = 'note'", false),
        ("Note = 'the nothing'", false),
        ("Note = '...'", true),
        ("Color = 'RED'", true),
        ("Color = 'red' AND WorkflowId = 'w36'", false),
    ] {
        let expected = server.found(&format!("({query}) OR WorkflowId = 'nothing'")).await;
        assert_eq!(expected.is_empty(), is_empty, "{query}");
        assert_eq!(server.found(query).await, expected, "{query}");
        assert_eq!(server.found_by_pages(query).await, expected, "{query}");
        assert_eq!(server.counted(query).await, expected.len(), "{query}");
    }
    let many = vec!["'red'"; 500].join(", ");
    assert_eq!(
        server.found(&format!("Color IN ({many})")).await,
        server.found("Color = 'red'").await
    );
    let many = vec!["Color = 'red' OR Size = 1"; 150].join(" OR ");
    assert_eq!(server.counted(&many).await, server.counted("Color = 'red' OR Size = 1").await);
}

/// Make the file one of a version that had search attributes and no index of them, or none at all.
fn bring_back(path: &std::path::Path, format: i64) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute_batch("DROP TABLE runs_by_attribute; DROP TABLE unindexed_runs;").unwrap();
    if format < 6 {
        connection
            .execute_batch(
                "DROP INDEX runs_by_own_id; DROP INDEX runs_as_listed;
                 ALTER TABLE runs DROP COLUMN kind;
                 CREATE INDEX runs_by_workflow_id ON runs (namespace_key, workflow_id, run_key);",
            )
            .unwrap();
        connection.execute_batch(include_str!("../../migrations/004.sql")).unwrap();
    }
    if format >= 5 {
        connection.execute_batch(include_str!("../../migrations/005.sql")).unwrap();
    }
    connection.pragma_update(None, "user_version", format).unwrap();
}

#[tokio::test]
async fn runs_of_older_versions_are_found_by_their_attributes_whenever_one_is_asked_for() {
    for format in 4..=6 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        let server = Server::on_file(&path);
        many(&server).await;
        let queries =
            ["Color = 'green'", "Size > 3", "Tags = 't2'", "Note = 'note'", "Size IS NULL"];
        let mut expected = Vec::new();
        for query in queries {
            expected.push(server.found(query).await);
        }
        server.engine.close();
        bring_back(&path, format);
        let server = server.reopen(&path);
        let changed = WorkflowExecution { workflow_id: "w39".to_owned(), ..Default::default() };
        server.terminate(&changed).await.unwrap(); // before anybody asks
        server.try_start("new", given("Color", "\"white\"")).await.unwrap();
        for (query, mut expected) in queries.into_iter().zip(expected) {
            let mut found = server.found(query).await;
            found.retain(|id| id != "new");
            expected.sort();
            found.sort();
            assert_eq!(found, expected, "{query} in a database of format {format}");
        }
        assert_eq!(server.found("Color = 'white'").await, ["new"]);
        let server = server.reopen(&path);
        assert_eq!(server.found("Color = 'white'").await, ["new"], "it is done once");
    }
}
