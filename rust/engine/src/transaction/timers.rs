//! Stored timers that are due.

use crate::machine::{activity, timer, workflow};
use crate::state::reply::Action;
use crate::state::timers::TimerKind;
use crate::store::{StoreError, TimerRow};
use crate::transaction::context::{CallError, Context};
use crate::transaction::start::start_run;

/// A stored timer is due.
pub(crate) fn fire_stored(context: &mut Context, timer: TimerRow) -> Result<(), CallError> {
    let kind = TimerKind::from_number(timer.kind);
    let out_of_time = kind == Some(TimerKind::RunTimeout);
    let first = if out_of_time { context.first_event_for_next(timer.run)? } else { None };
    let Some((run, env)) = context.open_run(timer.run)? else {
        if context.is_damaged(timer.run) {
            context.actions.push(Action::TimerDisarmed(timer)); // stays in the store, for another day
            return Ok(());
        }
        context.begin()?;
        context.store.disarm(timer)?;
        context.actions.push(Action::TimerDisarmed(timer));
        return Ok(());
    };
    // Whatever becomes of it, this row has fired: one that nobody knows must not fire for ever.
    run.disarm(timer.due.0, timer.kind, timer.subject);
    match kind {
        Some(TimerKind::User) => timer::fire(run, env, timer.subject),
        Some(TimerKind::Activity) => activity::on_deadline(run, env, timer.subject, timer.due),
        Some(TimerKind::RunTimeout) => {
            if let Some(next) = workflow::time_out(run, env, timer.due, first) {
                start_run(context, next);
            }
        }
        Some(TimerKind::Backoff) => workflow::end_backoff(run, env),
        None => {
            return Err(
                StoreError::Damaged(format!("a timer of the unknown kind {}", timer.kind)).into()
            );
        }
    }
    Ok(())
}
