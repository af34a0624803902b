//! Task queues: tasks that wait for workers, and polls that wait for tasks.
//!
//! All in memory: what is to be done is in the runs, so queues are rebuilt when a database is opened.
//! An entry in a queue is only a hint; whoever takes it looks at the run.

mod queue;
mod taken;

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crate::ids::{EventId, NamespaceKey, QueryId, RunKey};
#[cfg(feature = "simulation")]
use crate::state::reply::LeaseName;
use crate::state::reply::Responder;
pub(crate) use queue::{Poller, Queue, Task, Undelivered};
use taken::Taken;

/// A sticky queue that was not polled for this long has lost its worker.
const STICKY_UNSEEN: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum QueueKind {
    Workflow,
    Activity,
}

/// A task queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct QueueKey {
    pub(crate) namespace: NamespaceKey,
    pub(crate) kind: QueueKind,
    pub(crate) name: String,
}

/// Where a call is parked that the engine has to end in time.
#[derive(Clone, Debug)]
pub(crate) enum ParkedAt {
    Queue(QueueKey),
    History(RunKey),
    Query(QueryId),
    Sleep(u64),
    Update,
}

/// A place in the order of expiry.
pub(crate) type Ticket = (Instant, u64);

/// All queues.
#[derive(Default)]
pub(crate) struct Matching {
    queues: HashMap<QueueKey, Queue>,
    /// Invariant: one entry for each parked call.
    expiry: BTreeMap<Ticket, ParkedAt>,
    next_ticket: u64,
    /// Workers that said they shut down: their polls come back empty, also those on their way.
    shut_down: HashMap<String, Instant>,
    /// By the transaction.
    taken: Vec<(QueueKey, Taken)>,
}

impl Matching {
    pub(crate) fn queue(&mut self, key: &QueueKey) -> &mut Queue {
        if !self.queues.contains_key(key) {
            self.queues.insert(key.clone(), Queue::default());
        }
        self.queues.entry(key.clone()).or_default()
    }

    /// A queue, if there is or was anything in it lately.
    pub(crate) fn existing(&self, key: &QueueKey) -> Option<&Queue> {
        self.queues.get(key)
    }

    /// Tell whether the worker behind a sticky queue is likely to be there.
    pub(crate) fn is_seen(&self, key: &QueueKey, wall: Instant) -> bool {
        self.queues.get(key).is_some_and(|queue| queue.is_seen(wall, STICKY_UNSEEN))
    }

    /// A ticket for a call that waits until `expires`.
    pub(crate) fn park(&mut self, expires: Instant, at: ParkedAt) -> Ticket {
        self.next_ticket += 1;
        let ticket = (expires, self.next_ticket);
        let before = self.expiry.insert(ticket, at);
        debug_assert!(before.is_none(), "a ticket is given once");
        ticket
    }

    /// The call does not wait any more.
    pub(crate) fn unpark(&mut self, ticket: Ticket) {
        self.expiry.remove(&ticket);
    }

    /// Wait in a queue for a task.
    pub(crate) fn park_poller(&mut self, key: &QueueKey, expires: Instant, poller: PollerSeed) {
        let ticket = self.park(expires, ParkedAt::Queue(key.clone()));
        let PollerSeed { responder, identity, worker } = poller;
        self.queue(key).pollers.push_back(Poller { responder, identity, worker, ticket });
    }

    /// The poller that has waited longest and is still there.
    pub(crate) fn take_poller(&mut self, key: &QueueKey) -> Option<Poller> {
        loop {
            let poller = self.queues.get_mut(key)?.pollers.pop_front()?;
            let parked = self.expiry.remove(&poller.ticket);
            debug_assert!(parked.is_some(), "a parked poll has a time to end");
            if !poller.responder.is_gone() {
                return Some(poller);
            }
        }
    }

    /// When the next parked call has to be ended.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.expiry.first_key_value().map(|((expires, _), _)| *expires)
    }

    /// Take a parked call that has to be ended.
    pub(crate) fn pop_expired(&mut self, wall: Instant) -> Option<(Ticket, ParkedAt)> {
        let entry = self.expiry.first_entry()?;
        if entry.key().0 > wall { None } else { Some(entry.remove_entry()) }
    }

    /// Every parked poller, to be told that the engine closes.
    pub(crate) fn drain_pollers(&mut self) -> Vec<Responder> {
        let queues = self.queues.values_mut();
        queues.flat_map(|queue| queue.pollers.drain(..)).map(|poller| poller.responder).collect()
    }

    /// A worker shuts down: give back its parked polls, and remember it for those still on their way.
    pub(crate) fn shut_down(&mut self, worker: &str, wall: Instant) -> Vec<Responder> {
        self.shut_down.retain(|_, since| wall.duration_since(*since) < Duration::from_mins(5));
        self.shut_down.insert(worker.to_owned(), wall);
        let mut gone = Vec::new();
        for queue in self.queues.values_mut() {
            let pollers = std::mem::take(&mut queue.pollers);
            let (leaving, staying) =
                pollers.into_iter().partition(|poller| poller.worker == worker);
            queue.pollers = staying;
            gone.extend(Vec::from(leaving));
        }
        for poller in &gone {
            let parked = self.expiry.remove(&poller.ticket);
            debug_assert!(parked.is_some(), "a parked poll has a time to end");
        }
        gone.into_iter().map(|poller| poller.responder).collect()
    }

    pub(crate) fn is_shut_down(&self, worker: &str) -> bool {
        !worker.is_empty() && self.shut_down.contains_key(worker)
    }

    /// Everything that waits in a queue.
    #[cfg(feature = "simulation")]
    pub(crate) fn tasks(&self) -> impl Iterator<Item = (&QueueKey, Task)> {
        self.queues.iter().flat_map(|(key, queue)| queue.tasks.iter().map(move |task| (key, *task)))
    }

    /// Activities whose answers nobody took.
    #[cfg(feature = "simulation")]
    pub(crate) fn kept_activities(&self) -> impl Iterator<Item = (RunKey, EventId)> {
        let kept = self.queues.values().flat_map(|queue| &queue.undelivered);
        kept.filter_map(|task| match task.lease {
            LeaseName::Activity { run, scheduled_event_id, .. } => Some((run, scheduled_event_id)),
            _ => None,
        })
    }

    /// Drop a sticky queue; its tasks go elsewhere.
    pub(crate) fn drop_queue(&mut self, key: &QueueKey) -> Vec<Task> {
        let Some(queue) = self.queues.get_mut(key) else { return Vec::new() };
        queue.last_poll = None;
        queue.tasks.drain(..).collect()
    }

    /// Queues that hold nothing and that nobody polls any more are forgotten.
    pub(crate) fn sweep(&mut self, wall: Instant) {
        self.queues.retain(|_, queue| !queue.is_idle(wall, queue::POLLERS_KEPT));
    }
}

/// A poller before it has its ticket.
pub(crate) struct PollerSeed {
    pub(crate) responder: Responder,
    pub(crate) identity: String,
    pub(crate) worker: String,
}

/// A task of an activity or of a workflow.
impl Task {
    pub(crate) const fn workflow(run: RunKey, dispatch: u64, level: i32) -> Self {
        Self { run, subject: 0, dispatch, level }
    }

    pub(crate) const fn activity(run: RunKey, scheduled_event_id: EventId, level: i32) -> Self {
        Self { run, subject: scheduled_event_id, dispatch: 0, level }
    }
}
