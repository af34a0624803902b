//! `CountActivityExecutions`: how many there are, altogether or for each status.

use super::count_workflow_executions::count;
use crate::context::{Context, Failure};
use crate::proto::service::count_activity_executions_response::AggregationGroup;
use crate::proto::service::{CountActivityExecutionsRequest, CountActivityExecutionsResponse};
use crate::store::RunKind;

pub(crate) fn handle(
    context: &mut Context,
    request: CountActivityExecutionsRequest,
) -> Result<CountActivityExecutionsResponse, Failure> {
    let (count, groups) = count(context, RunKind::Activity, &request.namespace, &request.query)?;
    let groups = groups
        .into_iter()
        .map(|(status, count)| AggregationGroup { group_values: vec![status], count });
    Ok(CountActivityExecutionsResponse { count, groups: groups.collect() })
}
