//! `UnlockTimeSkippingWithSleep`: let go of time until so much of it has passed, and answer then.

use super::sleep::end_of;
use crate::context::{Context, Failure, Outcome};
use crate::proto::testservice::SleepRequest;

pub(crate) fn handle(context: &mut Context, request: SleepRequest) -> Result<Outcome, Failure> {
    let due = end_of(context, &request)?;
    context.unlock_time()?;
    context.sleep_until(due, true);
    Ok(Outcome::Parked)
}
