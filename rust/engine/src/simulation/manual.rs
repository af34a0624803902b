//! An engine that its owner turns: nothing happens between two of its calls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::engine::{make_loop, open_store};
use crate::event_loop::Loop;
use crate::simulation::Faults;
use crate::simulation::faulty_store::FaultyStore;
use crate::state::message::EngineMessage;
use crate::state::reply::{Delivery, Responder};
use crate::state::task_queues::QueueKind;
use crate::state::timers::TaskTimer;
use crate::{Call, Clock, EngineError, EngineOptions, RpcStatus};

/// An engine without a thread. To drop it is to crash; to close it is to close it.
pub struct ManualEngine {
    engine: Loop,
    sender: Sender<EngineMessage>,
    clock: Arc<dyn Clock>,
}

/// The caller's end of a call. To drop it is to be gone.
pub struct Answer(oneshot::Receiver<Delivery>);

impl Answer {
    /// Take the engine's answer, once there is one; an engine that crashed says that it is closed.
    pub fn take(&mut self) -> Option<Result<Bytes, RpcStatus>> {
        match self.0.try_recv() {
            Ok(delivery) => Some(delivery.accept()),
            Err(oneshot::error::TryRecvError::Empty) => None,
            Err(oneshot::error::TryRecvError::Closed) => Some(Err(RpcStatus::closed())),
        }
    }
}

/// The engine's memory, as far as invariants speak of it. Runs are named by their keys.
#[derive(Debug, Default)]
pub struct Memory {
    /// Workflow tasks that workers have.
    pub leases: Vec<Lease>,
    /// Runs with a workflow task that is not stored.
    pub speculative: BTreeSet<i64>,
    /// Updates that are not accepted yet: run and id.
    pub admitted: BTreeSet<(i64, String)>,
    /// Callers that wait for an update: run, id, and whether for the outcome.
    pub update_waiters: BTreeSet<(i64, String, bool)>,
    /// Runs whose history somebody waits for.
    pub history_waiters: BTreeSet<i64>,
    /// Runs with a valid entry in a queue for workflow tasks.
    pub workflow_tasks: BTreeSet<i64>,
    /// Those of them that wait for one worker, and whether a timeout is armed for that.
    pub sticky_tasks: BTreeMap<i64, bool>,
    /// Activities with an entry in a queue: run and scheduled event.
    pub activity_tasks: BTreeSet<(i64, i64)>,
    /// Runs that will be offered again when the store works again.
    pub retry_list: BTreeSet<i64>,
    /// Activities that were started and are kept for the next poller: run and scheduled event.
    pub kept_activities: BTreeSet<(i64, i64)>,
    /// Workers that are gone, and whose tasks will go to others when the store works again.
    pub retry_gone: BTreeSet<String>,
    /// The number of runs held.
    pub runs: usize,
}

/// A workflow task that a worker has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lease {
    /// The run's key.
    pub run: i64,
    /// The worker's instance; empty when it did not say.
    pub worker: String,
    /// A timeout is armed for it.
    pub ends: bool,
}

impl ManualEngine {
    /// Open an engine whose store fails as `faults` says.
    pub fn open(options: EngineOptions, faults: &Faults) -> Result<Self, EngineError> {
        let (store, _) = open_store(&options)?;
        let store = FaultyStore::new(store, faults.clone());
        let clock = options.clock.clone();
        let (mut engine, sender) = make_loop(Box::new(store), options)?;
        engine.begin();
        Ok(Self { engine, sender, clock })
    }

    /// Send a call. It is handled in the next turn, together with all others that were sent.
    pub fn send(&self, call: Call) -> Answer {
        let (sender, receiver) = oneshot::channel();
        let responder = Responder::new(sender, self.clock.as_ref(), call.timeout);
        // The engine has the other end for as long as it lives.
        let _ = self.sender.send(EngineMessage::Call { call, responder });
        Answer(receiver)
    }

    /// A worker has ended for good, and so has all that it did, as [`crate::Engine::worker_gone`] says it.
    pub fn worker_gone(&self, instance: &str) {
        let worker = instance.to_owned();
        let _ = self.sender.send(EngineMessage::WorkerGone { worker, going_on: Vec::new() });
    }

    /// Turn once: calls, due timers, one commit, answers. Tells how many messages there were. To
    /// `await_completions` is to leave the commit to a later turn, if workers have tasks of the transaction: they
    /// were given them already, and may complete them within it. Time may pass, and the engine crash.
    pub fn turn(&mut self, await_completions: bool) -> usize {
        self.engine.turn_once(await_completions)
    }

    /// Tell whether the last turn left its commit to a later one.
    #[must_use]
    pub fn is_uncommitted(&self) -> bool {
        self.engine.is_uncommitted()
    }

    /// The time until something is due, calls apart; `None`: nothing is.
    #[must_use]
    pub fn patience(&self) -> Option<Duration> {
        self.engine.patience()
    }

    /// Commit what is in flight and answer everybody who waits.
    pub fn close(self) {
        self.engine.end();
    }

    /// Read the engine's memory.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let context = self.engine.context();
        let ends = |timer| context.timers.has_task(timer) && context.is_live(timer);
        let retry_list = self.engine.retry_list();
        let mut memory = Memory {
            retry_list: retry_list.runs.iter().map(|run| run.0).collect(),
            retry_gone: retry_list.gone.keys().cloned().collect(),
            kept_activities: context.matching.kept_activities().map(|(r, id)| (r.0, id)).collect(),
            runs: context.runs.len(),
            ..Memory::default()
        };
        for (key, run) in &context.runs {
            if let Some(lease) = &run.volatile.lease {
                let ends = ends(TaskTimer::StartToClose(*key, lease.id));
                memory.leases.push(Lease { run: key.0, worker: lease.worker.clone(), ends });
            }
            if run.volatile.speculative.is_some() {
                memory.speculative.insert(key.0);
            }
        }
        memory.leases.sort_unstable();
        let admitted = context.updates.all_admitted();
        memory.admitted = admitted.map(|(run, id)| (run.0, id.to_owned())).collect();
        let waiting = context.updates.all_waiting();
        memory.update_waiters =
            waiting.map(|(run, id, outcome)| (run.0, id.to_owned(), outcome)).collect();
        memory.history_waiters = context.waiters.runs().map(|run| run.0).collect();
        for (queue, task) in context.matching.tasks() {
            let run = context.runs.get(&task.run);
            match queue.kind {
                QueueKind::Workflow => {
                    if run.is_none_or(|run| run.volatile.dispatch == task.dispatch) {
                        memory.workflow_tasks.insert(task.run.0);
                        if run.is_some_and(|run| run.row.task_queue != queue.name) {
                            let timer = TaskTimer::StickyScheduleToStart(task.run, task.dispatch);
                            memory.sticky_tasks.insert(task.run.0, ends(timer));
                        }
                    }
                }
                QueueKind::Activity => {
                    memory.activity_tasks.insert((task.run.0, task.subject));
                }
            }
        }
        memory
    }
}
