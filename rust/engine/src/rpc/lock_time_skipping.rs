//! `LockTimeSkipping`: let time go at the wall's pace, until it is unlocked as often as it was locked.

use crate::context::{Context, Failure};
use crate::proto::testservice::{LockTimeSkippingRequest, LockTimeSkippingResponse};

pub(crate) fn handle(
    context: &mut Context,
    _request: LockTimeSkippingRequest,
) -> Result<LockTimeSkippingResponse, Failure> {
    context.lock_time();
    Ok(LockTimeSkippingResponse {})
}
