//! Where a run may be reset to without reading its history: the first workflow task that each version of
//! its workers completed.

use crate::Timestamp;
use crate::proto::history::WorkflowTaskCompletedEventAttributes;
use crate::proto::timestamp;
use crate::proto::workflow::{ResetPointInfo, ResetPoints};
use crate::state::env::Env;
use crate::state::run::Run;
use crate::store::RunRow;

/// More are not kept: the server's default.
const LIMIT: usize = 20;

/// A workflow task is about to be recorded as completed: a point, if it is the first of its version.
#[allow(deprecated, reason = "older workers say their version so")]
pub(crate) fn add(
    run: &mut Run,
    at: Timestamp,
    completed: &WorkflowTaskCompletedEventAttributes,
    resettable: bool,
) {
    let build_id = completed.worker_version.as_ref().map_or("", |version| &version.build_id);
    let build_id = completed.deployment.as_ref().map_or(build_id, |of| &of.build_id);
    let checksum = &completed.binary_checksum;
    let known = run.row.record.reset_points.iter().flat_map(|points| &points.points);
    if known
        .into_iter()
        .any(|point| point.build_id == *build_id && point.binary_checksum == *checksum)
    {
        return;
    }
    let point = ResetPointInfo {
        build_id: build_id.to_owned(),
        binary_checksum: checksum.clone(),
        run_id: run.row.run_id.to_string(),
        first_workflow_task_completed_id: run.row.record.next_event_id,
        create_time: Some(timestamp(at)),
        expire_time: None,
        resettable,
    };
    let points = &mut run.state().record.reset_points.get_or_insert_default().points;
    points.push(point);
    let excess = points.len().saturating_sub(LIMIT);
    points.drain(..excess);
}

/// The points that the next run of a chain has from the runs before it, for as long as those are kept.
pub(crate) fn inherited(previous: &RunRow, env: &Env) -> Option<ResetPoints> {
    let mut inherited = previous.record.reset_points.clone()?;
    let namespace = env.namespaces.values().find(|(key, _)| *key == previous.namespace);
    let kept = namespace.map_or(0, |(_, record)| record.retention);
    let start = timestamp(env.now);
    let expired =
        |at: &prost_wkt_types::Timestamp| (at.seconds, at.nanos) < (start.seconds, start.nanos);
    inherited.points.retain(|point| !point.expire_time.as_ref().is_some_and(expired));
    let run_id = previous.run_id.to_string();
    for point in &mut inherited.points {
        if point.run_id == run_id {
            point.expire_time = Some(timestamp(Timestamp(env.now.0.saturating_add(kept))));
        }
    }
    Some(inherited)
}
