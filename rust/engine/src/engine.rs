//! The engine: its handle, its thread, and how it works.
//!
//! # The problem
//!
//! Every step of every workflow must be on the disk before anybody is told of it, and a disk does some
//! hundreds to some thousands of syncs a second. An engine that syncs once per step does no more steps
//! than that.
//!
//! # The options
//!
//! *A lock per workflow and a connection per thread*: SQLite has one writer at a time anyway, so the
//! threads would wait for each other in the database, each for a sync of its own. *A log of our own
//! beside the database*: two files to keep in agreement, and a recovery of our own to get right. *One
//! writer with group commit*: whatever has arrived while the last transaction was being synced goes
//! into the next one. The more is waiting, the more a sync carries.
//!
//! # The choice
//!
//! One thread owns everything: the connection, the open runs in memory, the queues and the timers.
//! There are no locks, because nobody else touches anything. In turns ([`crate::event_loop`]) it
//!
//! 1. takes all calls that wait in its channel, and the timers that are due,
//! 2. handles one after the other. A handler works on runs in memory ([`crate::state::run`]); when it
//!    succeeds as a whole its changes are written, when it fails nothing of it remains
//!    ([`crate::transaction::context`]),
//! 3. commits once,
//! 4. and only then answers the callers and arms the timers ([`crate::state::reply`]).
//!
//! One kind of answer is given earlier: workflow tasks ([`crate::transaction::precommit`]).
//!
//! When the commit fails, every caller of the turn is told so, the runs of the turn are read again from
//! the disk, and the engine goes on.
//!
//! # What is on the disk, and what is not
//!
//! On the disk: events, the state of runs, pending activities and timers, events that were buffered,
//! and that a worker has an activity (an activity is not to run twice because the engine restarted).
//! In memory: queues, waiting callers, and that a worker has a *workflow* task. Polling for workflow
//! tasks therefore writes nothing, and a crash costs a workflow task no attempt and no timeout: it is
//! offered again at once, and the history is the one of a run without the crash. The price: the
//! started event gets its place in the history when the task ends. Until then, readers that page
//! through a history see it at the end; readers that wait for new events don't.
//!
//! Matching happens in the turn: when a workflow task schedules an activity and a worker waits for one,
//! the start of the activity is in the same commit.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use tokio::sync::{oneshot, watch};

use crate::event_loop::Loop;
use crate::service::dispatch::{CONFIRM_WORKFLOW_TASK, OWN_SERVICE};
use crate::state::message::{Call, EngineMessage};
use crate::state::reply::Responder;
use crate::state::time_skipping::TimeSkipping;
use crate::store::sqlite::{LockedFile, SqliteStore};
use crate::store::{Store, StoreError};
use crate::transaction::context::Context;
use crate::{
    Clock, EngineError, Entropy, HistoryLimits, RpcStatus, Synchronous, SystemClock, SystemEntropy,
};

/// Options of [`Engine::open`].
#[derive(Clone)]
pub struct EngineOptions {
    /// The database file; `None` keeps everything in memory.
    pub path: Option<PathBuf>,
    /// When a commit counts as done.
    pub synchronous: Synchronous,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub entropy: Arc<dyn Entropy>,
    /// Serve the test service, by which tests let workflow time skip to the next timer. Only in memory:
    /// time that was skipped would come again when a file is opened the next time.
    pub time_skipping: bool,
    /// Limits of histories.
    pub history_limits: HistoryLimits,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            path: None,
            synchronous: Synchronous::Full,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            time_skipping: false,
            history_limits: HistoryLimits::default(),
        }
    }
}

impl fmt::Debug for EngineOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineOptions")
            .field("path", &self.path)
            .field("synchronous", &self.synchronous)
            .field("time_skipping", &self.time_skipping)
            .finish_non_exhaustive()
    }
}

/// A running engine. Clones share it.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    sender: Sender<EngineMessage>,
    clock: Arc<dyn Clock>,
    thread: Mutex<Option<JoinHandle<()>>>,
    file: Option<LockedFile>,
    /// The reason why the thread ended, once it has.
    ending: watch::Receiver<Option<RpcStatus>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// Open the database, or make it, and start the engine's thread. Blocks while it does.
    pub fn open(options: EngineOptions) -> Result<Self, EngineError> {
        let (store, file) = open_store(&options)?;
        Self::with_store(store, file, options)
    }

    /// An engine over any store.
    pub(crate) fn with_store(
        store: Box<dyn Store>,
        file: Option<LockedFile>,
        options: EngineOptions,
    ) -> Result<Self, EngineError> {
        let clock = options.clock.clone();
        let (engine, sender) = make_loop(store, options)?;
        let ending = engine.ending();
        // What the thread logs goes where the opener's logs go.
        let logs = tracing::dispatcher::get_default(Clone::clone);
        let thread = std::thread::Builder::new()
            .name("hourglass-engine".into())
            .spawn(move || tracing::dispatcher::with_default(&logs, || engine.run()))
            .map_err(EngineError::Thread)?;
        Ok(Self {
            shared: Arc::new(Shared {
                sender,
                clock,
                thread: Mutex::new(Some(thread)),
                file,
                ending,
            }),
        })
    }

    /// Make one call. The future may be dropped at any time: a poll that was dropped takes no task.
    /// What a dropped call was to change may or may not be changed.
    pub fn dispatch(
        &self,
        call: Call,
    ) -> impl Future<Output = Result<Bytes, RpcStatus>> + Send + use<> {
        let (sender, receiver) = oneshot::channel();
        let responder = Responder::new(sender, self.shared.clock.as_ref(), call.timeout);
        let sent = self.shared.sender.send(EngineMessage::Call { call, responder });
        let ending = self.shared.ending.clone();
        async move {
            let ended = || ending.borrow().clone().unwrap_or_else(RpcStatus::closed);
            sent.map_err(|_| ended())?;
            // The engine answers every call that it takes; it drops one only when it ends.
            receiver.await.map_err(|_| ended())?.accept()
        }
    }

    /// Wait until the workflow task that a worker has of this run, and what it was made of, is on the disk:
    /// workers get their workflow tasks earlier. To be asked before anything is done for the task that the
    /// world can see, as a local activity is; the completion of the task needs no asking. `instance` is the
    /// `worker_instance_key` of the worker's polls.
    ///
    /// `NOT_FOUND`: the task was withdrawn, and must have no effect. Other errors: ask again.
    pub fn confirm_workflow_task(
        &self,
        run_id: &str,
        instance: &str,
    ) -> impl Future<Output = Result<(), RpcStatus>> + Send + use<> {
        let answer = self.dispatch(Call {
            service: OWN_SERVICE.to_owned(),
            method: CONFIRM_WORKFLOW_TASK.to_owned(),
            timeout: None,
            body: format!("{run_id} {instance}").into(),
        });
        async move { answer.await.map(drop) }
    }

    /// Say that a worker has ended for good: tasks that it had and did not answer go to others at
    /// once. `instance` is the `worker_instance_key` of its polls; `going_on` are the tokens of
    /// activities that go on without it and answer by themselves. For whoever runs workers in the
    /// process; a worker elsewhere is known to be gone only by its timeouts.
    pub fn worker_gone(&self, instance: &str, going_on: Vec<Vec<u8>>) {
        if !instance.is_empty() {
            let worker = instance.to_owned();
            // A closed engine has nothing to pass on.
            let _ = self.shared.sender.send(EngineMessage::WorkerGone { worker, going_on });
        }
    }

    /// Call `gate` on the engine's thread between two turns: while it runs, nothing is under way
    /// and no lock is held. It is dropped uncalled if the engine is closed.
    pub fn hold(&self, gate: impl FnOnce() + Send + 'static) {
        // Fails when the thread has ended, which drops the gate.
        let _ = self.shared.sender.send(EngineMessage::Hold(Box::new(gate)));
    }

    /// In a process that was forked from the engine's: let go of the copy of the file's lock, so
    /// that the file is free when the engine ends. Everything else of it is never touched here.
    pub fn leave_to_parent(&self) {
        if let Some(file) = &self.shared.file {
            file.leave_to_parent();
        }
    }

    /// The reason why the engine has ended; `None` while it has not. An engine that was not closed ends when its
    /// database is lost: the file may be opened again then.
    #[must_use]
    pub fn ended(&self) -> Option<RpcStatus> {
        self.shared.ending.borrow().clone()
    }

    /// Wait for the end, and tell why.
    pub fn end(&self) -> impl Future<Output = RpcStatus> + Send + use<> {
        let mut ending = self.shared.ending.clone();
        async move {
            let ended = ending.wait_for(Option::is_some).await;
            ended.ok().and_then(|status| status.clone()).unwrap_or_else(RpcStatus::closed)
        }
    }

    /// Commit what is in flight, end long polls and join the thread. Closing twice is fine.
    pub fn close(&self) {
        // Both fail only when the thread has ended already.
        let _ = self.shared.sender.send(EngineMessage::Close);
        let thread = self.shared.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the engine's thread panicked");
        }
    }
}

/// The store that the options ask for, and the file that it has locked.
pub(crate) fn open_store(
    options: &EngineOptions,
) -> Result<(Box<dyn Store>, Option<LockedFile>), EngineError> {
    let store = match &options.path {
        Some(path) if options.time_skipping => {
            return Err(EngineError::TimeSkippingOnFile { path: path.clone() });
        }
        Some(path) => SqliteStore::open(path, options.synchronous)?,
        None => SqliteStore::memory()?,
    };
    let file = store.locked_file();
    Ok((Box::new(store), file))
}

/// An engine that nothing turns yet, and the way to send it messages.
pub(crate) fn make_loop(
    store: Box<dyn Store>,
    options: EngineOptions,
) -> Result<(Loop, Sender<EngineMessage>), EngineError> {
    let EngineOptions { path, clock, entropy, time_skipping, history_limits, .. } = options;
    let time_skipping = time_skipping.then(|| TimeSkipping::over(Arc::clone(&clock)));
    let clock = time_skipping.as_ref().map_or(clock, TimeSkipping::clock);
    let failed = |error: StoreError| {
        let path = path.unwrap_or_else(|| PathBuf::from(":memory:"));
        match error {
            StoreError::Full(detail) => EngineError::Full { path, detail },
            error => EngineError::Storage { path, detail: error.to_string() },
        }
    };
    let (sender, receiver) = channel();
    let mut context = Context::load(store, clock, entropy).map_err(failed)?;
    context.time_skipping = time_skipping;
    context.env.history_limits = history_limits;
    Ok((Loop::new(context, receiver, sender.clone()), sender))
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = self.sender.send(EngineMessage::Close);
    }
}
