//! A task queue.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::ids::{EventId, QueryId, RunKey};
use crate::state::reply::{LeaseName, Responder};
use crate::state::task_queues::Ticket;

/// Tasks that wait for pollers, or pollers that wait for tasks.
#[derive(Default)]
pub(crate) struct Queue {
    /// Invariant: lower levels go first, and within a level the order is that of arrival.
    pub(crate) tasks: VecDeque<Task>,
    /// Direct queries, which go first: their callers wait.
    pub(crate) queries: VecDeque<QueryId>,
    /// Tasks that were leased to a poller that was gone when its answer came.
    pub(crate) undelivered: VecDeque<Undelivered>,
    pub(crate) pollers: VecDeque<Poller>,
    pub(crate) last_poll: Option<Instant>,
    /// When each worker polled last.
    polled_by: HashMap<String, Instant>,
}

/// A worker that did not poll for this long is not told of any more: the server's time.
pub(super) const POLLERS_KEPT: Duration = Duration::from_mins(5);

/// An entry in a queue: a hint where to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) run: RunKey,
    /// The scheduled event of an activity.
    pub(crate) subject: EventId,
    /// For workflow tasks: void unless it is the run's newest.
    pub(crate) dispatch: u64,
    /// Those of a lower one go first.
    pub(crate) level: i32,
}

/// An answer that nobody took. It is given to the next poller as it is: the lease stands.
#[derive(Clone)]
pub(crate) struct Undelivered {
    pub(crate) lease: LeaseName,
    pub(crate) body: Bytes,
}

/// A parked poll.
pub(crate) struct Poller {
    pub(crate) responder: Responder,
    pub(crate) identity: String,
    /// The worker instance, which can ask for its polls to end.
    pub(crate) worker: String,
    pub(crate) ticket: Ticket,
}

impl Queue {
    pub(crate) fn has_tasks(&self) -> bool {
        !self.tasks.is_empty() || !self.queries.is_empty() || !self.undelivered.is_empty()
    }

    /// Keep an answer for the next poller. Two can say that nobody has it: the answer itself, which
    /// nobody took, and whoever knows that its worker is gone.
    pub(crate) fn keep(&mut self, task: Undelivered) {
        if !self.undelivered.iter().any(|other| other.lease == task.lease) {
            self.undelivered.push_back(task);
        }
    }

    /// Keep an answer that was the first, again.
    pub(super) fn keep_first(&mut self, task: Undelivered) {
        self.undelivered.retain(|other| other.lease != task.lease);
        self.undelivered.push_front(task);
        debug_assert!(self.has_tasks(), "the next poller finds it");
    }

    /// A worker polls.
    pub(crate) fn see(&mut self, identity: &str, wall: Instant) {
        self.last_poll = Some(wall);
        if let Some(at) = self.polled_by.get_mut(identity) {
            *at = wall;
            return;
        }
        self.polled_by.retain(|_, at| wall.duration_since(*at) < POLLERS_KEPT);
        self.polled_by.insert(identity.to_owned(), wall);
    }

    /// The workers that polled lately, and how long ago.
    pub(crate) fn polled_by(&self, wall: Instant) -> impl Iterator<Item = (&String, Duration)> {
        let all = self.polled_by.iter().map(move |(by, at)| (by, wall.duration_since(*at)));
        all.filter(|(_, ago)| *ago < POLLERS_KEPT)
    }

    /// Put a task behind those that go before it.
    pub(crate) fn push(&mut self, task: Task) {
        // Behind its equals, so that no task of a level is overtaken for ever.
        let at = self.tasks.partition_point(|other| other.level <= task.level);
        self.tasks.insert(at, task);
        debug_assert!(
            self.tasks.iter().is_sorted_by_key(|task| task.level),
            "lower levels go first"
        );
    }

    /// Take back an activity that is not to be had here any more.
    pub(crate) fn withdraw(&mut self, run: RunKey, activity: EventId) {
        self.tasks.retain(|task| task.run != run || task.subject != activity);
    }

    pub(crate) fn is_seen(&self, wall: Instant, within: Duration) -> bool {
        self.pollers.iter().any(|poller| !poller.responder.is_gone())
            || self.last_poll.is_some_and(|at| wall.duration_since(at) < within)
    }

    pub(crate) fn is_idle(&self, wall: Instant, after: Duration) -> bool {
        self.tasks.is_empty()
            && self.queries.is_empty()
            && self.undelivered.is_empty()
            && self.pollers.is_empty()
            && !self.is_seen(wall, after)
    }

    /// Take back a poll whose time is over.
    pub(crate) fn remove_poller(&mut self, ticket: Ticket) -> Option<Poller> {
        let at = self.pollers.iter().position(|poller| poller.ticket == ticket)?;
        self.pollers.remove(at)
    }
}
