//! `ListActivityExecutions`: open ones first, then those that closed last.

use super::list_workflow_executions::{Page, read};
use crate::Timestamp;
use crate::context::{Context, Failure};
use crate::proto::activity::ActivityExecutionListInfo;
use crate::proto::service::{ListActivityExecutionsRequest, ListActivityExecutionsResponse};
use crate::proto::{common, from_nanos, timestamp};
use crate::store::{RunKind, RunRow};

pub(crate) fn handle(
    context: &mut Context,
    request: ListActivityExecutionsRequest,
) -> Result<ListActivityExecutionsResponse, Failure> {
    let page = Page {
        namespace: &request.namespace,
        query: &request.query,
        size: request.page_size,
        token: &request.next_page_token,
    };
    let (rows, next_page_token) = read(context, RunKind::Activity, &page)?;
    let executions = rows.into_iter().map(info).collect();
    Ok(ListActivityExecutionsResponse { executions, next_page_token })
}

fn info(row: RunRow) -> ActivityExecutionListInfo {
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
