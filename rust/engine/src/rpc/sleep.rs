//! `Sleep`: answer when so much workflow time has passed.

use crate::context::{Context, Failure, Outcome};
use crate::proto::from_duration;
use crate::proto::testservice::SleepRequest;
use crate::{RpcStatus, Timestamp};

pub(crate) fn handle(context: &mut Context, request: SleepRequest) -> Result<Outcome, Failure> {
    let due = end_of(context, &request)?;
    context.sleep_until(due, false);
    Ok(Outcome::Parked)
}

/// When the caller wants to be told.
pub(super) fn end_of(context: &Context, request: &SleepRequest) -> Result<Timestamp, RpcStatus> {
    let duration = request.duration.unwrap_or_default();
    let duration = from_duration(&duration)
        .ok_or_else(|| RpcStatus::invalid_argument("Duration is negative on request."))?;
    Ok(context.env.now.after(duration))
}
