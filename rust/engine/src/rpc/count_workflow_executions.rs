//! `CountWorkflowExecutions`: how many runs there are, altogether or for each status.

use crate::context::{Context, Failure};
use crate::proto::common::Payload;
use crate::proto::service::count_workflow_executions_response::AggregationGroup;
use crate::proto::service::{CountWorkflowExecutionsRequest, CountWorkflowExecutionsResponse};
use crate::store::RunKind;
use crate::{attributes, filter, old_runs};

pub(crate) fn handle(
    context: &mut Context,
    request: CountWorkflowExecutionsRequest,
) -> Result<CountWorkflowExecutionsResponse, Failure> {
    let (count, groups) = count(context, RunKind::Workflow, &request.namespace, &request.query)?;
    let groups = groups
        .into_iter()
        .map(|(status, count)| AggregationGroup { group_values: vec![status], count });
    Ok(CountWorkflowExecutionsResponse { count, groups: groups.collect() })
}

/// How many runs of a kind there are, and of each status if that was asked.
pub(super) fn count(
    context: &mut Context,
    kind: RunKind,
    namespace: &str,
    query: &str,
) -> Result<(i64, Vec<(Payload, i64)>), Failure> {
    let key = context.namespace(namespace)?;
    let record = context.env.namespaces.get(namespace).map(|(_, record)| record);
    let kinds = |name: &str| attributes::kind(record?, name);
    let query = filter::parse(query, kind, &kinds)?;
    old_runs::index(context, &query.filter)?;
    let counts = context.store.counts(key, kind, &query.filter)?;
    let all = counts.iter().map(|(_, count)| count).sum();
    let groups = counts.into_iter().filter(|_| query.by_status);
    let groups = groups.map(|(status, n)| (keyword(filter::status_name(kind, status)), n));
    Ok((all, groups.collect()))
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
