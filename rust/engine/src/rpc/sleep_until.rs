//! `SleepUntil`: answer when workflow time has come so far; at once if it has already.

use crate::Timestamp;
use crate::context::{Context, Failure, Outcome};
use crate::proto::testservice::SleepUntilRequest;

pub(crate) fn handle(
    context: &mut Context,
    request: SleepUntilRequest,
) -> Result<Outcome, Failure> {
    let at = request.timestamp.unwrap_or_default();
    let due = at.seconds.saturating_mul(1_000_000_000).saturating_add(at.nanos.into());
    context.sleep_until(Timestamp(due), false);
    Ok(Outcome::Parked)
}
