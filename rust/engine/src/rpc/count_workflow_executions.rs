//! `CountWorkflowExecutions`: how many runs there are, altogether or for each status.

use crate::context::{Context, Failure};
use crate::proto::common::Payload;
use crate::proto::service::count_workflow_executions_response::AggregationGroup;
use crate::proto::service::{CountWorkflowExecutionsRequest, CountWorkflowExecutionsResponse};
use crate::{attributes, filter};

pub(crate) fn handle(
    context: &mut Context,
    request: CountWorkflowExecutionsRequest,
) -> Result<CountWorkflowExecutionsResponse, Failure> {
    let namespace = context.namespace(&request.namespace)?;
    let record = context.env.namespaces.get(&request.namespace).map(|(_, record)| record);
    let kinds = |name: &str| attributes::kind(record?, name);
    let query = filter::parse(&request.query, &kinds)?;
    let counts = context.store.counts(namespace, &query.filter)?;
    let groups =
        counts.iter().filter(|_| query.by_status).map(|(status, count)| AggregationGroup {
            group_values: vec![keyword(filter::status_name(*status))],
            count: *count,
        });
    Ok(CountWorkflowExecutionsResponse {
        count: counts.iter().map(|(_, count)| count).sum(),
        groups: groups.collect(),
    })
}

/// A value of a search attribute.
fn keyword(text: &str) -> Payload {
    Payload {
        metadata: [
            ("encoding".to_owned(), b"json/plain".to_vec()),
            ("type".to_owned(), b"Keyword".to_vec()),
        ]
        .into(),
        data: format!("\"{text}\"").into_bytes(),
        ..Default::default()
    }
}
