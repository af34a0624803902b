//! `UpdateActivityOptions`: change the queue, the timeouts or the retries of a pending activity.

use super::pause_activity::find;
use crate::RpcStatus;
use crate::context::{Context, Failure};
use crate::machine::activity_control::Which;
use crate::machine::activity_options;
use crate::matching::{QueueKey, QueueKind};
use crate::proto::service::update_activity_options_request::Activity;
use crate::proto::service::{UpdateActivityOptionsRequest, UpdateActivityOptionsResponse};
use crate::store::record::ActivityState;

pub(crate) fn handle(
    context: &mut Context,
    mut request: UpdateActivityOptionsRequest,
) -> Result<UpdateActivityOptionsResponse, Failure> {
    let invalid = |message: &str| Err(RpcStatus::invalid_argument(message).into());
    let which = request.activity.take().map(|activity| match activity {
        Activity::Id(id) => Which::Id(id),
        Activity::Type(name) => Which::Type(name),
        Activity::MatchAll(_) => Which::All,
    });
    let mask = request.update_mask.take().map(|mask| mask.paths);
    if request.restore_original && mask.as_ref().is_some_and(|mask| !mask.is_empty()) {
        return invalid("Both UpdateMask and RestoreOriginal are provided");
    }
    if !request.restore_original && request.activity_options.is_none() {
        return invalid("ActivityOptions are not provided");
    }
    let (key, ids) = find(context, &request.namespace, request.execution.as_ref(), which)?;
    if !request.restore_original && mask.is_none() {
        return invalid("UpdateMask is not provided");
    }
    let mut activity_options = None;
    let mut left = Vec::new();
    for id in ids {
        let original = if request.restore_original {
            Some(context.scheduled_attributes(key, id)?)
        } else {
            None
        };
        let Some((run, env)) = context.open_run(key)? else { break };
        let Some(record) = run.activities.get(&id).cloned() else { continue };
        if record.state() == ActivityState::Scheduled {
            let name = record.task_queue.clone();
            let queue = QueueKey { namespace: run.row.namespace, kind: QueueKind::Activity, name };
            left.push((queue, id));
        }
        let record = match (&original, &request.activity_options) {
            (Some(original), _) => activity_options::restored(record, original),
            (None, Some(wanted)) => {
                activity_options::changed(record, wanted, mask.as_deref().unwrap_or_default())?
            }
            (None, None) => continue,
        };
        activity_options = Some(activity_options::keep(run, env, record));
    }
    // They are put into their queues anew, which may be others.
    for (queue, id) in left {
        context.matching.queue(&queue).withdraw(key, id);
    }
    Ok(UpdateActivityOptionsResponse { activity_options })
}
