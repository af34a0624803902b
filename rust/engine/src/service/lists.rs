//! Lists and counts of workflows and of standalone activities.

use prost::Message;

use crate::ids::{RunKey, RunKind, parse_token};
use crate::proto::activity::ActivityExecutionListInfo;
use crate::proto::common::Payload;
use crate::proto::service::count_activity_executions_response::AggregationGroup as ActivityGroup;
use crate::proto::service::count_workflow_executions_response::AggregationGroup as WorkflowGroup;
use crate::proto::service::{
    CountActivityExecutionsRequest, CountActivityExecutionsResponse,
    CountWorkflowExecutionsRequest, CountWorkflowExecutionsResponse, ListActivityExecutionsRequest,
    ListActivityExecutionsResponse, ListWorkflowExecutionsRequest, ListWorkflowExecutionsResponse,
};
use crate::proto::workflow::WorkflowExecutionInfo;
use crate::proto::{common, from_nanos, timestamp};
use crate::store::{Place, RunRow};
use crate::transaction::context::{CallError, Context};
use crate::transaction::old_runs;
use crate::visibility::{attributes, filter};
use crate::{RpcStatus, Timestamp};

/// On one page at most, and when the caller does not say.
const PAGE: usize = 1000;

/// Where a reader of a list is.
#[derive(Clone, PartialEq, Message)]
struct ListToken {
    #[prost(int64, tag = "1")]
    closed: i64,
    #[prost(int64, tag = "2")]
    started: i64,
    #[prost(int64, tag = "3")]
    run: i64,
}

/// `ListWorkflowExecutions`: open runs first, then those that closed last.
pub(crate) fn list_workflow_executions(
    context: &mut Context,
    request: ListWorkflowExecutionsRequest,
) -> Result<ListWorkflowExecutionsResponse, CallError> {
    let page = Page {
        namespace: &request.namespace,
        query: &request.query,
        size: request.page_size,
        token: &request.next_page_token,
    };
    let (rows, next_page_token) = read(context, RunKind::Workflow, &page)?;
    Ok(ListWorkflowExecutionsResponse {
        executions: rows.iter().map(workflow_info).collect(),
        next_page_token,
    })
}

/// A requested page of a list.
pub(super) struct Page<'a> {
    pub(super) namespace: &'a str,
    pub(super) query: &'a str,
    pub(super) size: i32,
    pub(super) token: &'a [u8],
}

/// A page of runs of a kind, and the token for the next one.
pub(super) fn read(
    context: &mut Context,
    kind: RunKind,
    page: &Page<'_>,
) -> Result<(Vec<RunRow>, Vec<u8>), CallError> {
    let namespace = context.namespace(page.namespace)?;
    let record = context.env.namespaces.get(page.namespace).map(|(_, record)| record);
    let kinds = |name: &str| attributes::kind(&record?.search_attributes, name);
    let query = filter::parse(page.query, kind, &kinds)?;
    if query.by_status {
        let message = "invalid query: operation is not supported: 'group by' clause";
        return Err(RpcStatus::invalid_argument(message).into());
    }
    let after = if page.token.is_empty() {
        None
    } else {
        let ListToken { closed, started, run } = parse_token(page.token, "NextPageToken")?;
        Some(Place { closed, started, run: RunKey(run) })
    };
    let size = usize::try_from(page.size).unwrap_or(0);
    let size = if size == 0 { PAGE } else { size.min(PAGE) };
    old_runs::index(context, &query.filter)?;
    let rows = context.store.list(namespace, kind, &query.filter, after, size)?;
    let more = rows.len() == size;
    let last = rows.last().filter(|_| more).map(Place::of);
    let next_page_token = last.map(|place| {
        let Place { closed, started, run } = place;
        ListToken { closed, started, run: run.0 }.encode_to_vec()
    });
    Ok((rows, next_page_token.unwrap_or_default()))
}

fn workflow_info(row: &RunRow) -> WorkflowExecutionInfo {
    let execution = common::WorkflowExecution {
        workflow_id: row.workflow_id.clone(),
        run_id: row.run_id.to_string(),
    };
    let closed = row.close_time.is_some();
    let began = Timestamp(row.start_time.0.saturating_add(row.record.first_backoff));
    let parent = row.record.parent.as_ref();
    WorkflowExecutionInfo {
        r#type: Some(common::WorkflowType { name: row.workflow_type.clone() }),
        start_time: Some(timestamp(row.start_time)),
        close_time: row.close_time.map(timestamp),
        status: row.status,
        history_length: if closed { row.record.next_event_id - 1 } else { 0 },
        history_size_bytes: if closed { row.record.history_bytes } else { 0 },
        parent_execution: parent.and_then(|parent| parent.execution.clone()),
        execution_time: Some(timestamp(began)),
        execution_duration: row
            .close_time
            .map(|closed| from_nanos(closed.0.saturating_sub(began.0))),
        memo: row.record.memo.clone(),
        search_attributes: row.record.search_attributes.clone(),
        task_queue: row.task_queue.clone(),
        root_execution: row.record.root.clone().or_else(|| Some(execution.clone())),
        execution: Some(execution),
        ..Default::default()
    }
}

/// `CountWorkflowExecutions`: how many runs there are, altogether or for each status.
pub(crate) fn count_workflow_executions(
    context: &mut Context,
    request: CountWorkflowExecutionsRequest,
) -> Result<CountWorkflowExecutionsResponse, CallError> {
    let (count, groups) = count(context, RunKind::Workflow, &request.namespace, &request.query)?;
    let groups = groups
        .into_iter()
        .map(|(status, count)| WorkflowGroup { group_values: vec![status], count });
    Ok(CountWorkflowExecutionsResponse { count, groups: groups.collect() })
}

/// Count the runs of a kind, by status if the query groups.
pub(super) fn count(
    context: &mut Context,
    kind: RunKind,
    namespace: &str,
    query: &str,
) -> Result<(i64, Vec<(Payload, i64)>), CallError> {
    let key = context.namespace(namespace)?;
    let record = context.env.namespaces.get(namespace).map(|(_, record)| record);
    let kinds = |name: &str| attributes::kind(&record?.search_attributes, name);
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

/// `ListActivityExecutions`: open ones first, then those that closed last.
pub(crate) fn list_activity_executions(
    context: &mut Context,
    request: ListActivityExecutionsRequest,
) -> Result<ListActivityExecutionsResponse, CallError> {
    let page = Page {
        namespace: &request.namespace,
        query: &request.query,
        size: request.page_size,
        token: &request.next_page_token,
    };
    let (rows, next_page_token) = read(context, RunKind::Activity, &page)?;
    let executions = rows.into_iter().map(activity_info).collect();
    Ok(ListActivityExecutionsResponse { executions, next_page_token })
}

fn activity_info(row: RunRow) -> ActivityExecutionListInfo {
    let began = Timestamp(row.start_time.0.saturating_add(row.record.first_backoff));
    let took = |closed: Timestamp| from_nanos(closed.0.saturating_sub(row.start_time.0));
    ActivityExecutionListInfo {
        run_id: row.run_id.to_string(),
        activity_type: Some(common::ActivityType { name: row.workflow_type.clone() }),
        schedule_time: Some(timestamp(row.start_time)),
        close_time: row.close_time.map(timestamp),
        status: row.status,
        task_queue: row.task_queue.clone(),
        state_transition_count: row
            .record
            .standalone
            .as_ref()
            .filter(|_| row.close_time.is_some())
            .map_or(0, |own| own.transitions),
        execution_duration: row.close_time.map(took),
        execution_time: Some(timestamp(began)),
        search_attributes: Some(row.record.search_attributes.unwrap_or_default()),
        activity_id: row.workflow_id,
        ..Default::default()
    }
}

/// `CountActivityExecutions`: how many there are, altogether or for each status.
pub(crate) fn count_activity_executions(
    context: &mut Context,
    request: CountActivityExecutionsRequest,
) -> Result<CountActivityExecutionsResponse, CallError> {
    let (count, groups) = count(context, RunKind::Activity, &request.namespace, &request.query)?;
    let groups = groups
        .into_iter()
        .map(|(status, count)| ActivityGroup { group_values: vec![status], count });
    Ok(CountActivityExecutionsResponse { count, groups: groups.collect() })
}
