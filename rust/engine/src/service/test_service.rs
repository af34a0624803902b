//! The test service: workflow time, locked and skipped.

use crate::proto::testservice::{
    GetCurrentTimeResponse, LockTimeSkippingRequest, LockTimeSkippingResponse, SleepRequest,
    SleepUntilRequest, UnlockTimeSkippingRequest, UnlockTimeSkippingResponse,
};
use crate::proto::{from_duration, timestamp};
use crate::transaction::context::{CallError, Context, Outcome};
use crate::{RpcStatus, Timestamp};

/// `LockTimeSkipping`: let time go at the wall's pace, until it is unlocked as often as it was locked.
pub(crate) fn lock_time_skipping(
    context: &mut Context,
    _request: LockTimeSkippingRequest,
) -> Result<LockTimeSkippingResponse, CallError> {
    context.lock_time();
    Ok(LockTimeSkippingResponse {})
}

/// `UnlockTimeSkipping`: let go of time once; nothing more than that when something else holds it.
pub(crate) fn unlock_time_skipping(
    context: &mut Context,
    _request: UnlockTimeSkippingRequest,
) -> Result<UnlockTimeSkippingResponse, CallError> {
    context.unlock_time()?;
    Ok(UnlockTimeSkippingResponse {})
}

/// `UnlockTimeSkippingWithSleep`: let go of time until so much of it has passed, and answer then.
pub(crate) fn unlock_time_skipping_with_sleep(
    context: &mut Context,
    request: SleepRequest,
) -> Result<Outcome, CallError> {
    let due = end_of(context, &request)?;
    context.unlock_time()?;
    context.sleep_until(due, true);
    Ok(Outcome::Parked)
}

/// `Sleep`: answer when so much workflow time has passed.
pub(crate) fn sleep(context: &mut Context, request: SleepRequest) -> Result<Outcome, CallError> {
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

/// `SleepUntil`: answer when workflow time has come so far; at once if it has already.
pub(crate) fn sleep_until(
    context: &mut Context,
    request: SleepUntilRequest,
) -> Result<Outcome, CallError> {
    let at = request.timestamp.unwrap_or_default();
    let due = at.seconds.saturating_mul(1_000_000_000).saturating_add(at.nanos.into());
    context.sleep_until(Timestamp(due), false);
    Ok(Outcome::Parked)
}

/// `GetCurrentTime`: workflow time.
pub(crate) fn get_current_time(
    context: &mut Context,
    _request: (),
) -> Result<GetCurrentTimeResponse, CallError> {
    Ok(GetCurrentTimeResponse { time: Some(timestamp(context.env.now)) })
}
