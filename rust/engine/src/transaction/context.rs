//! The context of a handler.
//!
//! A handler reads and changes runs through the context and says in [`Env::work`] what has become of
//! interest: a task to be offered, a history that grew. When it succeeds, the context matches tasks
//! with waiting pollers, writes the changed runs and remembers the answers; when it fails, the runs it
//! touched are read again and nothing of it remains. Nobody is answered before the commit.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ids::{NamespaceKey, RunKey};
use crate::machine::workflow;
use crate::state::env::{Env, Work};
use crate::state::evicted::EvictedRuns;
use crate::state::precommit::Precommit;
use crate::state::queries::Queries;
use crate::state::reply::{Action, Reply, Responder};
use crate::state::run::Run;
use crate::state::task_queues::Matching;
use crate::state::time_skipping::TimeSkipping;
use crate::state::timers::Timers;
use crate::state::updates::Updates;
use crate::state::waiters::Waiters;
use crate::store::outage::Outage;
use crate::store::{NamespaceRecord, RunRow, Store, StoreError};
use crate::{Clock, Code, Entropy, HistoryLimits, RpcStatus};

/// Why a handler did not succeed.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The caller is told; nothing of the call remains.
    Status(RpcStatus),
    /// The store failed: so does everything in the transaction.
    Store(StoreError),
}

impl CallError {
    /// The store's error, of something of the engine's own: nothing else can fail it.
    pub(crate) fn of_store(self) -> Option<StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Status(status) => {
                tracing::error!(%status, "something of the engine's own was refused");
                None
            }
        }
    }
}

impl From<RpcStatus> for CallError {
    fn from(status: RpcStatus) -> Self {
        Self::Status(status)
    }
}

impl From<StoreError> for CallError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The outcome of a handler.
pub(crate) enum Outcome {
    /// The response is ready.
    Done(Reply),
    /// Nothing yet: the caller's responder was taken and is parked somewhere.
    Parked,
}

/// The caller of the call being handled.
pub(crate) struct Caller {
    pub(crate) responder: Option<Responder>,
    /// The time that it waits from now on.
    pub(crate) remaining: Option<Duration>,
}

/// The engine's state. Owned by its thread.
pub(crate) struct Context {
    pub(crate) store: Box<dyn Store>,
    pub(crate) env: Env,
    pub(crate) runs: HashMap<RunKey, Run>,
    pub(crate) matching: Matching,
    pub(crate) timers: Timers,
    pub(crate) waiters: Waiters,
    pub(crate) queries: Queries,
    pub(crate) updates: Updates,
    pub(crate) evicted: EvictedRuns,
    pub(crate) time_skipping: Option<TimeSkipping>,
    /// More runs in memory than this are looked through for idle ones.
    pub(crate) crowded: usize,
    pub(crate) caller: Caller,
    /// Of the whole transaction, in order.
    pub(crate) actions: Vec<Action>,
    pub(crate) precommit: Precommit,
    /// Made by the transaction.
    pub(crate) added_namespaces: Vec<String>,
    /// As they were before.
    pub(crate) changed_namespaces: Vec<(NamespaceKey, NamespaceRecord)>,
    last_run_key: i64,
    pub(crate) in_transaction: bool,
    /// Touched by the call being handled, and by the transaction.
    pub(crate) touched: Vec<RunKey>,
    /// Invariant: holds every run that the transaction changed, so that an abort finds them.
    pub(crate) batch: BTreeSet<RunKey>,
    /// Workers whose tasks the transaction gives to others; with the tokens of activities that go on.
    pub(crate) gone: BTreeMap<String, Vec<Vec<u8>>>,
    pub(crate) outage: Outage,
    /// Stored runs that can't be read. They are left alone, and the others go on.
    pub(crate) damaged: BTreeSet<RunKey>,
}

impl Context {
    /// Read what has to be in memory.
    pub(crate) fn load(
        mut store: Box<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StoreError> {
        let namespaces = store.namespaces()?;
        let last_run_key = store.last_run_key()?.0;
        let env = Env {
            now: clock.now(),
            steady: clock.steady(),
            wall: clock.wall(),
            clock,
            entropy,
            work: Vec::new(),
            task_timers: Vec::new(),
            next_dispatch: 0,
            effects: Vec::new(),
            history_limits: HistoryLimits::default(),
            namespaces: namespaces.into_iter().map(|(k, r)| (r.name.clone(), (k, r))).collect(),
        };
        let mut context = Self {
            store,
            env,
            runs: HashMap::new(),
            matching: Matching::default(),
            timers: Timers::default(),
            waiters: Waiters::default(),
            queries: Queries::default(),
            updates: Updates::default(),
            evicted: EvictedRuns::default(),
            time_skipping: None,
            crowded: 0,
            caller: Caller { responder: None, remaining: None },
            actions: Vec::new(),
            precommit: Precommit::default(),
            added_namespaces: Vec::new(),
            changed_namespaces: Vec::new(),
            last_run_key,
            in_transaction: false,
            touched: Vec::new(),
            batch: BTreeSet::new(),
            gone: BTreeMap::new(),
            outage: Outage::default(),
            damaged: BTreeSet::new(),
        };
        context.queue_stored_tasks()?;
        context.timers.load(context.store.as_mut())?;
        Ok(context)
    }

    // --- finding things ----------------------------------------------------------------------

    pub(crate) fn namespace(&self, name: &str) -> Result<NamespaceKey, RpcStatus> {
        match self.env.namespaces.get(name) {
            Some((key, _)) => Ok(*key),
            None if name.is_empty() => {
                Err(RpcStatus::invalid_argument("Namespace not set on request."))
            }
            None => Err(RpcStatus::with_detail(
                Code::NotFound,
                format!("Namespace {name} is not found."),
                "NamespaceNotFoundFailure",
                &crate::proto::errordetails::NamespaceNotFoundFailure { namespace: name.into() },
            )),
        }
    }

    pub(crate) fn namespace_name(&self, key: NamespaceKey) -> String {
        self.env.namespace(key).0
    }

    /// An open run, to be changed, and the environment to do it in.
    pub(crate) fn open_run(
        &mut self,
        key: RunKey,
    ) -> Result<Option<(&mut Run, &mut Env)>, StoreError> {
        if !self.load_run(key)? {
            return Ok(None);
        }
        let Some(run) = self.runs.get_mut(&key) else { return Ok(None) };
        run.volatile.last_used = Some(self.env.wall);
        if run.touch() {
            self.touched.push(key);
        }
        Ok(if run.is_open() { Some((run, &mut self.env)) } else { None })
    }

    // --- starting and parking ----------------------------------------------------------------

    pub(crate) fn next_run_key(&mut self) -> RunKey {
        self.last_run_key += 1;
        RunKey(self.last_run_key)
    }

    /// Take a run in that was just made.
    pub(crate) fn insert_run(&mut self, mut run: Run) {
        let key = run.key();
        debug_assert!(!self.runs.contains_key(&key), "a key is given once");
        run.touch();
        self.touched.push(key);
        self.runs.insert(key, run);
    }

    /// A transaction is under way from here on, for a write that does not go through a run.
    pub(crate) fn begin(&mut self) -> Result<(), StoreError> {
        if !self.in_transaction {
            self.store.begin()?;
            self.in_transaction = true;
        }
        Ok(())
    }

    /// When a call that may wait for `limit` has to be ended with an empty answer: a little before its
    /// caller gives up.
    pub(crate) fn expiry(&self, limit: Duration) -> Instant {
        let allowed = self.caller.remaining.map_or(limit, |remaining| {
            let margin = (remaining / 10).min(Duration::from_secs(1));
            limit.min(remaining.saturating_sub(margin))
        });
        self.env.wall + allowed
    }

    /// Answer somebody after the commit, or before it with a workflow task.
    pub(crate) fn reply(&mut self, responder: Responder, reply: Reply) {
        let later = self.precommit.take(responder, reply);
        self.actions.extend(later);
    }

    /// The call changed something, and its caller gets an error: unlike a handler that fails.
    pub(crate) fn fail_after_commit(&mut self, status: RpcStatus) {
        if let Some(responder) = self.caller.responder.take() {
            self.reply(responder, Reply::new(Err(status)));
        }
    }

    // --- the life of a call ------------------------------------------------------------------

    /// Handle one call, or one thing of the engine's own, as a whole or not at all.
    pub(crate) fn handle<T>(
        &mut self,
        handler: impl FnOnce(&mut Self) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        debug_assert!(self.env.effects.is_empty(), "a call leaves no effect to the next");
        debug_assert!(self.env.work.is_empty(), "a call leaves no task to the next");
        self.env.now = self.env.clock.now();
        self.env.steady = self.env.clock.steady();
        self.env.wall = self.env.clock.wall();
        let outcome = handler(self).map_err(|failure| match failure {
            // What one run holds can't be read: that is of no concern to the others' calls.
            CallError::Store(error @ StoreError::Damaged(_)) => {
                if let Err(lost) = self.store.verify() {
                    return CallError::Store(lost);
                }
                let status = error.status(self.store.path());
                self.outage.damaged(&status);
                CallError::Status(status)
            }
            failure => failure,
        });
        let result = outcome.and_then(|value| {
            self.apply_changes()?;
            Ok(value)
        });
        if let Err(CallError::Status(_)) = &result {
            self.forget_touched()?;
        }
        result
    }

    /// Match tasks, write runs, tell those who wait for history.
    fn apply_changes(&mut self) -> Result<(), CallError> {
        self.apply_effects()?;
        for key in self.touched.clone() {
            if let Some(run) = self.runs.get_mut(&key) {
                workflow::end_if_too_long(run, &mut self.env);
            }
        }
        self.apply_effects()?;
        // All at once: when one can't be written, what was to become of the others is retried too.
        self.batch.extend(self.touched.iter().copied());
        let mut closed = Vec::new();
        for key in std::mem::take(&mut self.touched) {
            self.flush(key)?;
            if self.runs.get(&key).is_some_and(|run| !run.is_open()) {
                closed.push(key);
            }
        }
        for key in closed {
            self.leave_closed(key)?;
        }
        for (due, timer) in self.env.task_timers.drain(..) {
            self.timers.arm_task(due, timer);
        }
        Ok(())
    }

    /// Apply effects, and offer tasks. Effects come first: a worker then finds them in the task it is given.
    fn apply_effects(&mut self) -> Result<(), CallError> {
        while !self.env.effects.is_empty() || !self.env.work.is_empty() {
            while !self.env.effects.is_empty() {
                for effect in std::mem::take(&mut self.env.effects) {
                    self.apply_effect(effect)?;
                }
            }
            for work in std::mem::take(&mut self.env.work) {
                match work {
                    Work::WorkflowTask(run) => self.offer_workflow_task(run)?,
                    Work::ActivityTask(run, event) => self.offer_activity_task(run, event)?,
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self, key: RunKey) -> Result<(), CallError> {
        let Some(run) = self.runs.get(&key) else { return Ok(()) };
        let changed = run.row.is_activity() && run.is_dirty();
        let (grew, updated) = (changed || run.has_new_events(), run.has_changed_updates());
        if run.is_dirty() {
            self.begin()?;
        }
        let Some(run) = self.runs.get_mut(&key) else { return Ok(()) };
        let timers = run.flush(self.store.as_mut())?;
        let closed = !run.is_open();
        for (timer, arm) in timers {
            self.actions.push(if arm {
                Action::TimerArmed(timer)
            } else {
                Action::TimerDisarmed(timer)
            });
        }
        if grew {
            self.answer_waiters(key)?;
        }
        if updated {
            self.answer_update_waiters(key)?;
        }
        self.count_in_flight(key);
        if closed {
            self.actions.push(Action::Forget(key));
        }
        self.release_queries(key)
    }

    /// A call failed after it had touched runs: read them again.
    fn forget_touched(&mut self) -> Result<(), CallError> {
        self.env.work.clear();
        self.env.effects.clear();
        self.env.task_timers.clear();
        self.batch.extend(self.touched.iter().copied());
        for key in std::mem::take(&mut self.touched) {
            if self.runs.get(&key).is_some_and(Run::is_dirty) {
                self.reload(key)?;
            } else if let Some(run) = self.runs.get_mut(&key) {
                run.flush(self.store.as_mut())?; // writes nothing, ends the touch
            }
        }
        Ok(())
    }

    /// Undo everything that the call being handled did to a run. Whoever has its workflow task keeps it.
    pub(crate) fn reload(&mut self, key: RunKey) -> Result<(), StoreError> {
        self.touched.retain(|touched| *touched != key);
        self.batch.insert(key);
        let volatile = self.runs.remove(&key).map(|run| run.volatile).unwrap_or_default();
        if volatile.lease.is_none() {
            self.load_run(key)?;
        } else if let Some(row) = self.store.run(key)?.filter(RunRow::is_open) {
            let pending = self.store.pending(key)?;
            self.runs.insert(key, Run::load(row, pending)?);
        }
        if let Some(run) = self.runs.get_mut(&key) {
            run.volatile = volatile;
        }
        self.count_in_flight(key);
        Ok(())
    }
}
