//! `UnpauseActivity`: let a paused activity go on.

use super::pause_activity::find;
use crate::context::{Context, Failure};
use crate::machine::activity_control::{self, Which, Wish};
use crate::proto::nanos;
use crate::proto::service::unpause_activity_request::Activity;
use crate::proto::service::{UnpauseActivityRequest, UnpauseActivityResponse};

pub(crate) fn handle(
    context: &mut Context,
    request: UnpauseActivityRequest,
) -> Result<UnpauseActivityResponse, Failure> {
    let which = request.activity.map(|activity| match activity {
        Activity::Id(id) => Which::Id(id),
        Activity::Type(name) => Which::Type(name),
        Activity::UnpauseAll(_) => Which::All,
    });
    let (key, ids) = find(context, &request.namespace, request.execution.as_ref(), which)?;
    let wish = Wish {
        attempts: request.reset_attempts,
        heartbeat: request.reset_heartbeat,
        jitter: nanos(request.jitter.as_ref()),
    };
    if let Some((run, env)) = context.open_run(key)? {
        for id in ids {
            activity_control::unpause(run, env, id, &wish);
        }
    }
    Ok(UnpauseActivityResponse::default())
}
