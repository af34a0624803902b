//! What failed transactions leave to be done.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::RunKey;
use crate::state::task_queues::QueueKey;

#[derive(Default)]
pub(crate) struct RetryList {
    /// Their tasks are to be offered.
    pub(crate) runs: BTreeSet<RunKey>,
    /// What they hold again is to be given to those who wait.
    pub(crate) queues: BTreeSet<QueueKey>,
    /// What these workers had is to be given to others; with the tokens of activities that go on.
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
