//! `ResetActivity`: an activity begins anew with its first attempt.

use super::pause_activity::find;
use crate::context::{Context, Failure};
use crate::machine::activity_control::{self, Which, Wish};
use crate::proto::nanos;
use crate::proto::service::reset_activity_request::Activity;
use crate::proto::service::{ResetActivityRequest, ResetActivityResponse};

pub(crate) fn handle(
    context: &mut Context,
    request: ResetActivityRequest,
) -> Result<ResetActivityResponse, Failure> {
    let which = request.activity.map(|activity| match activity {
        Activity::Id(id) => Which::Id(id),
        Activity::Type(name) => Which::Type(name),
        Activity::MatchAll(_) => Which::All,
    });
    let (key, ids) = find(context, &request.namespace, request.execution.as_ref(), which)?;
    let wish = Wish {
        attempts: true,
        heartbeat: request.reset_heartbeat,
        jitter: nanos(request.jitter.as_ref()),
    };
    for id in ids {
        let original = if request.restore_original_options {
            Some(context.scheduled_attributes(key, id)?)
        } else {
            None
        };
        if let Some((run, env)) = context.open_run(key)? {
            let keep = request.keep_paused;
            activity_control::reset(run, env, id, &wish, keep, original.as_ref());
        }
    }
    Ok(ResetActivityResponse::default())
}
