//! Effects of one run on another: to be its child, to be told that a child ended, to be signalled or
//! cancelled.
//!
//! A state machine has one run at hand, so it queues an effect, which is applied in the same
//! transaction: either both runs know of it or neither does, whenever the process dies.

mod child;
mod external;

use crate::state::effect::Effect;
use crate::transaction::context::{CallError, Context};

impl Context {
    /// Apply an effect. Only the store can fail it: what else goes wrong becomes an event.
    pub(crate) fn apply_effect(&mut self, effect: Effect) -> Result<(), CallError> {
        match effect {
            Effect::StartChild(start) => child::start(self, start),
            Effect::EndChild(ended) => child::end(self, *ended),
            Effect::Release { parent, child } => child::release(self, parent, &child),
            Effect::Signal { source, initiated_event_id, attributes } => {
                external::signal(self, source, initiated_event_id, *attributes)
            }
            Effect::Cancel { source, initiated_event_id, attributes } => {
                external::cancel(self, source, initiated_event_id, *attributes)
            }
        }
    }
}
