//! `GetCurrentTime`: workflow time.

use crate::context::{Context, Failure};
use crate::proto::testservice::GetCurrentTimeResponse;
use crate::proto::timestamp;

pub(crate) fn handle(
    context: &mut Context,
    _request: (),
) -> Result<GetCurrentTimeResponse, Failure> {
    Ok(GetCurrentTimeResponse { time: Some(timestamp(context.env.now)) })
}
