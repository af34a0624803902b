//! The retry list: work that failed transactions leave.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::RunKey;
use crate::state::task_queues::QueueKey;

#[derive(Default)]
pub(crate) struct RetryList {
    /// Their tasks are to be offered.
    pub(crate) runs: BTreeSet<RunKey>,
    /// Queues whose restored answers go to waiting pollers.
    pub(crate) queues: BTreeSet<QueueKey>,
    /// Gone workers, whose tasks go to others; with the tokens of activities that go on.
    pub(crate) gone: BTreeMap<String, Vec<Vec<u8>>>,
}

impl RetryList {
    pub(crate) fn add(&mut self, more: Self) {
        let Self { runs, queues, gone } = more;
        self.runs.extend(runs);
        self.queues.extend(queues);
        self.gone.extend(gone);
    }
}
