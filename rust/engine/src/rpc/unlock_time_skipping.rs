//! `UnlockTimeSkipping`: let go of time once; nothing more than that when something else holds it.

use crate::context::{Context, Failure};
use crate::proto::testservice::{UnlockTimeSkippingRequest, UnlockTimeSkippingResponse};

pub(crate) fn handle(
    context: &mut Context,
    _request: UnlockTimeSkippingRequest,
) -> Result<UnlockTimeSkippingResponse, Failure> {
    context.unlock_time()?;
    Ok(UnlockTimeSkippingResponse {})
}
