//! Entries that a transaction takes out of queues, to be put back if it fails.
//!
//! Most entries need no care: they are hints, and the tasks of the runs that a failed transaction touched
//! are offered again ([`crate::transaction::retry_list`]). A kept answer and a query are nowhere but in
//! their queue.

use std::collections::{BTreeSet, VecDeque};

use crate::ids::QueryId;
use crate::state::task_queues::{Matching, QueueKey, Undelivered};

pub(crate) enum Taken {
    Kept(Undelivered),
    Query(QueryId),
}

impl Matching {
    /// The next answer that nobody took.
    pub(crate) fn take_kept(&mut self, queue: &QueueKey) -> Option<Undelivered> {
        let task = self.queue(queue).undelivered.pop_front()?;
        self.note_taken(queue, task.clone());
        Some(task)
    }

    /// The transaction has this in its hands, and it is nowhere else.
    pub(crate) fn note_taken(&mut self, queue: &QueueKey, task: Undelivered) {
        self.taken.push((queue.clone(), Taken::Kept(task)));
    }

    /// All of them.
    pub(crate) fn take_all_kept(&mut self, queue: &QueueKey) -> VecDeque<Undelivered> {
        let tasks = std::mem::take(&mut self.queue(queue).undelivered);
        let taken = tasks.iter().map(|task| (queue.clone(), Taken::Kept(task.clone())));
        self.taken.extend(taken);
        tasks
    }

    /// The next query.
    pub(crate) fn take_query(&mut self, queue: &QueueKey) -> Option<QueryId> {
        let query = self.queue(queue).queries.pop_front()?;
        self.taken.push((queue.clone(), Taken::Query(query)));
        Some(query)
    }

    /// The transaction is on the disk.
    pub(crate) fn forget_taken(&mut self) {
        self.taken.clear();
    }

    /// The transaction failed: what it took is in its queue again, as before. Tells which queues.
    pub(crate) fn put_back(&mut self) -> BTreeSet<QueueKey> {
        let taken = std::mem::take(&mut self.taken);
        for (queue, taken) in taken.iter().rev() {
            let queue = self.queue(queue);
            match taken {
                Taken::Kept(task) => queue.keep_first(task.clone()),
                Taken::Query(id) => queue.queries.push_front(*id),
            }
        }
        taken.into_iter().map(|(queue, _)| queue).collect()
    }
}
