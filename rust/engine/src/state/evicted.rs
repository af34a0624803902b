//! Sticky queues of runs that are not in memory.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::ids::RunKey;
use crate::state::run::Sticky;

/// Which worker has a run in its cache, for runs that are not in memory themselves. Forgetting it would
/// cost the worker a replay of the whole history.
#[derive(Default)]
pub(crate) struct EvictedRuns {
    pub(crate) by_run: HashMap<RunKey, (Arc<str>, Duration)>,
    /// Each queue's name once: there are few workers, and many runs.
    pub(crate) names: HashSet<Arc<str>>,
}

impl EvictedRuns {
    pub(crate) fn put(&mut self, run: RunKey, sticky: Sticky) {
        let name = self.names.get(sticky.queue.as_str()).cloned();
        let name = name.unwrap_or_else(|| {
            let name: Arc<str> = sticky.queue.into();
            self.names.insert(Arc::clone(&name));
            name
        });
        self.by_run.insert(run, (name, sticky.schedule_to_start));
    }

    pub(crate) fn take(&mut self, run: RunKey) -> Option<Sticky> {
        let (queue, schedule_to_start) = self.by_run.remove(&run)?;
        Some(Sticky { queue: queue.as_ref().to_owned(), schedule_to_start })
    }

    pub(crate) fn sweep(&mut self) {
        self.names.retain(|name| Arc::strong_count(name) > 1);
    }
}
