//! The environment of state machines: time, randomness, and a place for what came up.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use crate::ids::{EventId, NamespaceKey, RunKey};
use crate::state::effect::Effect;
use crate::state::timers::TaskTimer;
use crate::store::NamespaceRecord;
use crate::{Clock, Entropy, HistoryLimits, Timestamp};

/// Something that became interesting while a call was handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// A workflow task may be offered.
    WorkflowTask(RunKey),
    /// An activity may be offered.
    ActivityTask(RunKey, EventId),
}

/// Time, randomness, and what came up. State machines get this and a run.
pub(crate) struct Env {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Workflow time of the call being handled.
    pub(crate) now: Timestamp,
    /// Time that nobody sets, for timers in memory.
    pub(crate) steady: Timestamp,
    pub(crate) wall: Instant,
    /// Invariant: empty between two calls.
    pub(crate) work: Vec<Work>,
    pub(crate) task_timers: Vec<(Timestamp, TaskTimer)>,
    /// Ascends; names entries in queues.
    pub(crate) next_dispatch: u64,
    /// Limits of histories.
    pub(crate) history_limits: HistoryLimits,
    /// Effects on other runs. Applied before the call succeeds.
    /// Invariant: empty between two calls.
    pub(crate) effects: Vec<Effect>,
    pub(crate) namespaces: HashMap<String, (NamespaceKey, NamespaceRecord)>,
}

impl Env {
    /// The name and the public id of a namespace.
    pub(crate) fn namespace(&self, key: NamespaceKey) -> (String, String) {
        let found = self.namespaces.values().find(|(candidate, _)| *candidate == key);
        found.map(|(_, record)| (record.name.clone(), record.id.clone())).unwrap_or_default()
    }
}
