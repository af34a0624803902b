//! Task queues as they are, and workers that leave them.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::Bytes;

use crate::ids::NamespaceKey;
use crate::policy::limits::NAME_LIMIT;
use crate::proto::enums::{DescribeTaskQueueMode, TaskQueueType};
use crate::proto::service::{
    DescribeTaskQueueRequest, DescribeTaskQueueResponse, ResetStickyTaskQueueRequest,
    ResetStickyTaskQueueResponse, ShutdownWorkerRequest, ShutdownWorkerResponse,
};
use crate::proto::taskqueue::{
    PollerInfo, TaskIdBlock, TaskQueueStats, TaskQueueStatus, TaskQueueTypeInfo,
    TaskQueueVersionInfo,
};
use crate::proto::{from_nanos, timestamp};
use crate::state::reply::Reply;
use crate::state::task_queues::{QueueKey, QueueKind, Task};
use crate::transaction::context::{CallError, Context};
use crate::{RpcStatus, Timestamp};

/// The tasks that a worker may take in a second, as the server says it of one that did not limit itself.
const UNLIMITED: f64 = 100_000.0;

#[allow(deprecated, reason = "Temporal's command line asks so")]
/// `DescribeTaskQueue`: who polls a queue, and what waits there.
pub(crate) fn describe_task_queue(
    context: &mut Context,
    request: DescribeTaskQueueRequest,
) -> Result<DescribeTaskQueueResponse, CallError> {
    let namespace = context.namespace(&request.namespace)?;
    let name = request.task_queue.as_ref().map(|queue| queue.name.clone()).unwrap_or_default();
    if name.is_empty() {
        return Err(RpcStatus::invalid_argument("missing task queue name").into());
    }
    if name.len() > NAME_LIMIT {
        return Err(RpcStatus::invalid_argument("taskQueue length exceeds limit").into());
    }
    if request.api_mode() == DescribeTaskQueueMode::Enhanced {
        let mut types: Vec<_> = request.task_queue_types().collect();
        if types.is_empty() {
            types = vec![TaskQueueType::Workflow, TaskQueueType::Activity];
        }
        let mut types_info = HashMap::new();
        for kind in types {
            let queue = Queue::read(context, namespace, &name, kind)?;
            let pollers = if request.report_pollers { queue.pollers } else { Vec::new() };
            let stats = request.report_stats.then_some(queue.stats);
            types_info.insert(kind.into(), TaskQueueTypeInfo { pollers, stats });
        }
        let version = TaskQueueVersionInfo { types_info, ..Default::default() };
        let versions_info = [(String::new(), version)].into();
        return Ok(DescribeTaskQueueResponse { versions_info, ..Default::default() });
    }
    let queue = Queue::read(context, namespace, &name, request.task_queue_type())?;
    let status = request.include_task_queue_status.then(|| TaskQueueStatus {
        backlog_count_hint: queue.stats.approximate_backlog_count,
        rate_per_second: UNLIMITED,
        task_id_block: Some(TaskIdBlock::default()),
        ..Default::default()
    });
    Ok(DescribeTaskQueueResponse {
        pollers: queue.pollers,
        stats: request.report_stats.then_some(queue.stats),
        stats_by_priority_key: if request.report_stats { queue.levels } else { HashMap::new() },
        task_queue_status: status,
        ..Default::default()
    })
}

/// The description of a queue.
struct Queue {
    pollers: Vec<PollerInfo>,
    stats: TaskQueueStats,
    levels: HashMap<i32, TaskQueueStats>,
}

impl Queue {
    fn read(
        context: &mut Context,
        namespace: NamespaceKey,
        name: &str,
        kind: TaskQueueType,
    ) -> Result<Self, CallError> {
        let kind = match kind {
            TaskQueueType::Activity => QueueKind::Activity,
            _ => QueueKind::Workflow,
        };
        let key = QueueKey { namespace, kind, name: name.to_owned() };
        let (mut pollers, mut waiting) = (Vec::new(), BTreeMap::new());
        if let Some(queue) = context.matching.existing(&key) {
            let Timestamp(now) = context.env.now;
            let before =
                |ago: Duration| now.saturating_sub(i64::try_from(ago.as_nanos()).unwrap_or(0));
            pollers.extend(queue.polled_by(context.env.wall).map(|(identity, ago)| PollerInfo {
                last_access_time: Some(timestamp(Timestamp(before(ago)))),
                identity: identity.clone(),
                rate_per_second: UNLIMITED,
                ..Default::default()
            }));
            for task in &queue.tasks {
                waiting.entry(task.level).or_insert((0, *task)).0 += 1;
            }
        }
        pollers.sort_by(|a, b| a.identity.cmp(&b.identity));
        let mut levels = HashMap::new();
        let (mut all, mut oldest) = (0, 0);
        for (level, (count, first)) in waiting {
            let age = age(context, kind, first)?;
            levels.insert(level, stats(count, age));
            all += count;
            oldest = oldest.max(age);
        }
        Ok(Self { pollers, stats: stats(all, oldest), levels })
    }
}

fn stats(count: i64, age: i64) -> TaskQueueStats {
    TaskQueueStats {
        approximate_backlog_count: count,
        approximate_backlog_age: Some(from_nanos(age)),
        ..Default::default()
    }
}

/// Compute the age of a task, in nanoseconds.
fn age(context: &mut Context, kind: QueueKind, task: Task) -> Result<i64, CallError> {
    let Some((run, env)) = context.open_run(task.run)? else { return Ok(0) };
    let since = match kind {
        QueueKind::Workflow => run.workflow_task().map(|task| task.scheduled_time),
        QueueKind::Activity => {
            run.activities.get(&task.subject).map(|record| record.attempt_scheduled_time)
        }
    };
    let Timestamp(now) = env.now;
    Ok(since.map_or(0, |since| now.saturating_sub(since)))
}

/// `ResetStickyTaskQueue`: any worker may have the next workflow task, not only the one with the run in its
/// cache.
pub(crate) fn reset_sticky_task_queue(
    context: &mut Context,
    request: ResetStickyTaskQueueRequest,
) -> Result<ResetStickyTaskQueueResponse, CallError> {
    let namespace = context.namespace(&request.namespace)?;
    let row = context.find_run(namespace, request.execution.as_ref())?;
    let Some((run, _)) = context.open_run(row.key)? else {
        return Err(RpcStatus::not_found("workflow execution already completed").into());
    };
    run.volatile.sticky = None;
    Ok(ResetStickyTaskQueueResponse::default())
}

/// `ShutdownWorker`: a worker leaves. Its polls come back empty, and what waits in its sticky queue
/// goes to whoever is left, at once.
pub(crate) fn shutdown_worker(
    context: &mut Context,
    request: ShutdownWorkerRequest,
) -> Result<ShutdownWorkerResponse, CallError> {
    let namespace = context.namespace(&request.namespace)?;
    if !request.worker_instance_key.is_empty() {
        let wall = context.env.wall;
        for responder in context.matching.shut_down(&request.worker_instance_key, wall) {
            context.reply(responder, Reply::new(Ok(Bytes::new())));
        }
    }
    if !request.sticky_task_queue.is_empty() {
        let name = request.sticky_task_queue;
        context.abandon_sticky(&QueueKey { namespace, kind: QueueKind::Workflow, name })?;
    }
    Ok(ShutdownWorkerResponse::default())
}
