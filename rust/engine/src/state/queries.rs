//! Queries that are not answered yet.

use std::collections::HashMap;

use crate::ids::{QueryId, RunKey};
use crate::proto::query::WorkflowQuery;
use crate::state::reply::Responder;
use crate::state::task_queues::Ticket;

/// A query that is not answered yet.
pub(crate) struct Query {
    pub(crate) run: RunKey,
    pub(crate) question: WorkflowQuery,
    pub(crate) responder: Responder,
    pub(crate) ticket: Ticket,
    /// In a queue, or with a worker that took it from there.
    pub(crate) direct: bool,
}

/// All queries that are not answered yet.
#[derive(Default)]
pub(crate) struct Queries {
    pub(crate) by_id: HashMap<QueryId, Query>,
    /// In order of arrival.
    /// Invariant: each query of `by_id` once.
    pub(crate) by_run: HashMap<RunKey, Vec<QueryId>>,
}

impl Queries {
    pub(crate) fn take(&mut self, id: QueryId) -> Option<Query> {
        let query = self.by_id.remove(&id)?;
        if let Some(ids) = self.by_run.get_mut(&query.run) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_run.remove(&query.run);
            }
        }
        debug_assert_eq!(
            self.by_id.len(),
            self.by_run.values().map(Vec::len).sum::<usize>(),
            "each query is found by its run"
        );
        Some(query)
    }

    /// Count the queries that wait.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// A query whose caller's time is over.
    pub(crate) fn expire(&mut self, id: QueryId) -> Option<Responder> {
        self.take(id).map(|query| query.responder)
    }

    /// Tell whether somebody still waits for the answer.
    pub(crate) fn is_asked(&self, id: QueryId) -> bool {
        self.by_id.get(&id).is_some_and(|query| !query.responder.is_gone())
    }

    pub(crate) fn drain(&mut self) -> Vec<Responder> {
        self.by_run.clear();
        self.by_id.drain().map(|(_, query)| query.responder).collect()
    }

    /// The queries of a run that go with its workflow task.
    pub(crate) fn attached(&self, run: RunKey) -> Vec<QueryId> {
        let ids = self.by_run.get(&run).into_iter().flatten().copied();
        ids.filter(|id| self.by_id.get(id).is_some_and(|query| !query.direct)).collect()
    }
}
