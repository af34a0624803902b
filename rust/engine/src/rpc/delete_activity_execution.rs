//! `DeleteActivityExecution`: end an activity if need be, and forget it.

use super::standalone::find;
use crate::context::{Context, Failure};
use crate::machine::standalone;
use crate::proto::service::{DeleteActivityExecutionRequest, DeleteActivityExecutionResponse};

pub(crate) fn handle(
    context: &mut Context,
    request: DeleteActivityExecutionRequest,
) -> Result<DeleteActivityExecutionResponse, Failure> {
    let row = find(context, &request.namespace, &request.activity_id, &request.run_id)?;
    if let Some((run, env)) = context.open_run(row.key)? {
        let reason = "Delete activity execution".to_owned();
        standalone::terminate(run, env, reason, String::new(), String::new());
        run.volatile.deleted = true;
    } else {
        context.erase(row.key)?;
    }
    Ok(DeleteActivityExecutionResponse {})
}
