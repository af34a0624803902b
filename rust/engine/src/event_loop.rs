//! The engine's loop. One turn: take what waits, handle it, commit once, do what follows. Before the commit
//! it may wait a little for workers ([`crate::transaction::precommit`]).

use std::cell::OnceCell;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::mutation::{Mutation, is_active};
use crate::service::dispatch::dispatch;
use crate::service::namespaces::make_default_namespace;
use crate::state::message::{Call, EngineMessage};
use crate::state::reply::{Action, Reply, Responder};
use crate::state::retry_list::RetryList;
use crate::state::time_skipping::TimeSkipping;
use crate::store::{StoreError, TimerRow};
use crate::transaction::context::{CallError, Caller, Context, Outcome};
use crate::transaction::timers::fire_stored;
use crate::{Code, RpcStatus};

/// Calls in one transaction at most, and timers.
const BATCH: usize = 256;

/// After a failed transaction, timers wait this long before they are tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Where nobody tells that the clock was set or the machine slept, it is noticed within this time.
const SLICE: Duration = Duration::from_secs(5);

/// The time between two sweeps, which forget unused queues and runs.
const SWEEP: Duration = Duration::from_mins(1);

/// The engine's thread.
pub(crate) struct Loop {
    context: Context,
    receiver: Receiver<EngineMessage>,
    sender: Sender<EngineMessage>,
    /// Timers are not tried before this time: the store failed.
    paused_until: Option<Instant>,
    /// The retry list: applied when the store works again.
    retry_list: RetryList,
    last_sweep: Option<Instant>,
    /// Nothing has happened since the last sweep, and another one would forget no more.
    is_swept: bool,
    /// The watch that tells of a clock that was set, from the first stored timer on; `None` in it:
    /// nothing does.
    watch: OnceCell<Option<Box<dyn Send>>>,
    closing: bool,
    /// The answer to everybody, once the database is lost.
    lost: Option<RpcStatus>,
    /// The reason of the end, once it has come.
    ending: watch::Sender<Option<RpcStatus>>,
    /// Callers that are told after the end.
    unanswered: Vec<Responder>,
    /// The transaction of the last turn is still open.
    #[cfg(feature = "simulation")]
    is_uncommitted: bool,
}

impl Loop {
    pub(crate) fn new(
        context: Context,
        receiver: Receiver<EngineMessage>,
        sender: Sender<EngineMessage>,
    ) -> Self {
        Self {
            context,
            receiver,
            sender,
            paused_until: None,
            retry_list: RetryList::default(),
            last_sweep: None,
            is_swept: false,
            watch: OnceCell::new(),
            closing: false,
            lost: None,
            ending: watch::Sender::default(),
            unanswered: Vec::new(),
            #[cfg(feature = "simulation")]
            is_uncommitted: false,
        }
    }

    /// The place where the reason of the end is put.
    pub(crate) fn ending(&self) -> watch::Receiver<Option<RpcStatus>> {
        self.ending.subscribe()
    }

    /// Turn until closed.
    pub(crate) fn run(mut self) {
        self.begin();
        while !self.closing {
            let messages = self.wait();
            self.turn(messages);
        }
        self.end();
    }

    /// Make the namespace that is always there.
    pub(crate) fn begin(&mut self) {
        let made = self.context.handle(make_default_namespace);
        self.commit_or_abort(made.err().and_then(CallError::of_store));
    }

    /// Wait for calls, or for time to pass, and take all that is there.
    fn wait(&mut self) -> Vec<EngineMessage> {
        let mut messages = Vec::new();
        let longest = self.longest_wait(); // first, so that no jump of the clock is missed
        match self.patience() {
            Some(patience) => match self.receiver.recv_timeout(patience.min(longest)) {
                Ok(message) => messages.push(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.closing = true,
            },
            None => match self.receiver.recv() {
                Ok(message) => messages.push(message),
                Err(_) => self.closing = true,
            },
        }
        self.take_more(&mut messages);
        messages
    }

    /// Take all that is there, as far as there is room in a transaction.
    fn take_more(&self, messages: &mut Vec<EngineMessage>) {
        messages.extend(self.receiver.try_iter().take(BATCH - messages.len()));
    }

    /// The time to wait at most before the clock is read again: it may be set, or the machine may
    /// sleep, and neither ends a wait. There is no limit where something tells of that.
    fn longest_wait(&self) -> Duration {
        if !self.context.timers.has_stored() || self.is_watched() { Duration::MAX } else { SLICE }
    }

    fn is_watched(&self) -> bool {
        let watch = || {
            let sender = self.sender.clone();
            // Fails when the engine has ended, which has nothing to look at.
            let told = move || drop(sender.send(EngineMessage::ClockJumped));
            self.context.env.clock.watch(Box::new(told))
        };
        self.watch.get_or_init(watch).is_some()
    }

    /// The time until something is due, calls apart; `None`: nothing is.
    pub(crate) fn patience(&self) -> Option<Duration> {
        if self.paused_until.is_none() && self.context.may_skip() {
            return Some(Duration::ZERO);
        }
        let clock = &self.context.env.clock;
        let wall = clock.wall();
        let timer = self.context.timers.next(clock.now(), clock.steady());
        let timer = match self.paused_until {
            Some(until) => Some(until.saturating_duration_since(wall)),
            None => timer,
        };
        let expiry =
            self.context.matching.next_expiry().map(|at| at.saturating_duration_since(wall));
        // Once after something has happened, so that what it leaves in memory is forgotten in time.
        let sweep = self.last_sweep.filter(|_| !self.is_swept);
        let sweep = sweep.map(|at| (at + SWEEP).saturating_duration_since(wall));
        timer.into_iter().chain(expiry).chain(sweep).min()
    }

    fn turn(&mut self, messages: Vec<EngineMessage>) {
        self.process(messages);
        self.await_completions();
        self.commit_turn();
    }

    /// Handle messages and what is due. Nothing is committed yet.
    fn process(&mut self, messages: Vec<EngineMessage>) {
        let clock = &self.context.env.clock;
        let timer = self.context.timers.next(clock.now(), clock.steady());
        let is_idle = messages.is_empty() && timer.is_none_or(|wait| !wait.is_zero());
        self.is_swept &= is_idle;
        self.receive(messages);
        if self.context.may_skip() {
            self.commit_or_abort(None); // the first timer may be one that is not armed before the commit
        }
        if let Some(error) = self.fire_timers() {
            self.commit_or_abort(Some(error));
        }
        self.context.expire();
        self.context.dispatch_tasks(&self.sender);
    }

    /// Wait for workers whose completions the commit can carry, too.
    fn await_completions(&mut self) {
        let wall = |this: &Self| this.context.env.clock.wall();
        let until = wall(self) + self.context.precommit.patience();
        while !self.closing && self.context.awaits_workers() {
            let left = until.saturating_duration_since(wall(self));
            if left.is_zero() {
                return;
            }
            let Ok(message) = self.receiver.recv_timeout(left) else { return };
            let mut messages = vec![message];
            self.take_more(&mut messages);
            self.receive(messages);
        }
    }

    /// Commit, and do what follows.
    fn commit_turn(&mut self) {
        self.commit_or_abort(None);
        self.sweep();
    }

    /// Handle messages, and give workers what comes of them.
    fn receive(&mut self, messages: Vec<EngineMessage>) {
        for message in messages {
            let failed = match message {
                EngineMessage::Call { call, responder } => self.call(call, responder),
                EngineMessage::Returned(returned) => self
                    .context
                    .handle(|context| context.take_back(returned))
                    .err()
                    .and_then(CallError::of_store),
                EngineMessage::Hold(gate) => {
                    self.commit_or_abort(None);
                    gate();
                    None
                }
                EngineMessage::ClockJumped => None,
                EngineMessage::WorkerGone { worker, going_on } => self
                    .context
                    .handle(|context| context.worker_gone(&worker, &going_on))
                    .err()
                    .and_then(CallError::of_store),
                EngineMessage::Close => {
                    self.closing = true;
                    None
                }
            };
            if failed.is_some() {
                self.commit_or_abort(failed); // the rest of the batch gets a transaction of its own
            }
        }
        self.context.dispatch_tasks(&self.sender);
    }

    /// Handle one call. `Some`: the store failed.
    fn call(&mut self, call: Call, responder: Responder) -> Option<StoreError> {
        let wall = self.context.env.clock.wall();
        let remaining = responder.deadline.map(|deadline| deadline.saturating_duration_since(wall));
        if responder.is_gone() {
            return None;
        }
        if remaining.is_some_and(|remaining| remaining.is_zero()) {
            let status = RpcStatus::new(Code::DeadlineExceeded, "context deadline exceeded");
            self.context.reply(responder, Reply::new(Err(status)));
            return None;
        }
        self.context.caller = Caller { responder: Some(responder), remaining };
        let outcome = self
            .context
            .handle(|context| dispatch(context, &call.service, &call.method, call.body));
        let responder = self.context.caller.responder.take();
        let (reply, failed) = match outcome {
            Ok(Outcome::Done(reply)) => (reply, None),
            Ok(Outcome::Parked) => return None,
            Err(CallError::Status(status)) => (Reply::new(Err(status)), None),
            Err(CallError::Store(error)) => {
                let status = error.status(self.context.store.path());
                (Reply::new(Err(status)), Some(error))
            }
        };
        if let Some(responder) = responder {
            self.context.reply(responder, reply);
        }
        failed
    }

    /// Fire what is due. `Some`: the store failed.
    fn fire_timers(&mut self) -> Option<StoreError> {
        let wall = self.context.env.clock.wall();
        if self.paused_until.is_some_and(|until| until > wall) {
            return None;
        }
        if self.paused_until.take().is_some() {
            let again = std::mem::take(&mut self.retry_list);
            let result = self.context.handle(|context| {
                make_default_namespace(context)?;
                context.timers.load(context.store.as_mut())?;
                context.retry_pending(&again)
            });
            if let Some(error) = result.err().and_then(CallError::of_store) {
                self.retry_list = again;
                return Some(error);
            }
        }
        if self.context.can_skip() {
            return self.skip();
        }
        let (now, steady) = (self.context.env.clock.now(), self.context.env.clock.steady());
        while let Some(timer) = self.context.timers.pop_task(steady) {
            let fired = self.context.handle(|context| context.fire_task(timer));
            if let Some(error) = fired.err().and_then(CallError::of_store) {
                return Some(error);
            }
        }
        self.fire_due(self.context.timers.due(now, BATCH))
    }

    /// Let time jump to the first timer, and fire it alone. `Some`: the store failed.
    fn skip(&mut self) -> Option<StoreError> {
        self.context.skip();
        let (now, steady) = (self.context.env.clock.now(), self.context.env.clock.steady());
        let stored = self.context.timers.due(now, 1);
        let late = stored.first().map_or(Duration::ZERO, |timer| now.since(timer.due));
        let Some(timer) = self.context.timers.pop_task_due_for(late, steady) else {
            return self.fire_due(stored);
        };
        self.context.handle(|context| context.fire_task(timer)).err().and_then(CallError::of_store)
    }

    fn fire_due(&mut self, due: Vec<TimerRow>) -> Option<StoreError> {
        for timer in due {
            match self.context.handle(|context| fire_stored(context, timer)) {
                Ok(()) => {}
                Err(CallError::Store(error)) => return Some(error),
                Err(CallError::Status(status)) => {
                    tracing::error!(run = timer.run.0, %status, "a timer can't fire");
                    self.context.timers.remove(timer); // stays in the store, for another day
                }
            }
        }
        None
    }

    /// Commit, and do what had to wait for it; or undo everything, and tell everybody.
    fn commit_or_abort(&mut self, failed: Option<StoreError>) {
        if is_active(Mutation::PrecommitReply) {
            self.reply_early();
        }
        let committed = match failed {
            None => {
                // First, so that workers are at their tasks while the disk syncs.
                self.context.dispatch_tasks(&self.sender);
                self.context.commit()
            }
            Some(error) => Err(error),
        };
        match committed {
            Ok(actions) => self.run_actions(actions),
            Err(error) => self.fail(error),
        }
    }

    /// The mutation: answer callers before the commit.
    fn reply_early(&mut self) {
        for action in std::mem::take(&mut self.context.actions) {
            match action {
                Action::Reply(responder, reply) => responder.send(reply, &self.sender),
                other => self.context.actions.push(other),
            }
        }
    }

    fn run_actions(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Reply(responder, reply) => responder.send(reply, &self.sender),
                Action::TimerArmed(timer) => self.context.timers.insert(timer),
                Action::TimerDisarmed(timer) => self.context.timers.remove(timer),
                Action::Forget(key) => {
                    self.context.runs.remove(&key);
                }
            }
        }
        if self.context.timers.needs_load()
            && let Err(error) = self.context.timers.load(self.context.store.as_mut())
        {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: StoreError) {
        // A database that is not there any more fails in many ways.
        let error = self.context.store.verify().err().unwrap_or(error);
        let wall = self.context.env.clock.wall();
        let status = error.status(self.context.store.path());
        let goes_on = self.context.outage.goes_on(&status, wall);
        let (mut responders, retry_list) = self.context.abort();
        self.retry_list.add(retry_list);
        self.paused_until = Some(wall + PAUSE);
        if let StoreError::Lost(_) = error {
            self.closing = true;
            self.unanswered.extend(responders); // until the file is let go of
            self.lost = Some(status);
            return;
        }
        if goes_on {
            // What they wait for can't become of it now.
            responders.extend(self.context.waiters.drain());
            responders.extend(self.context.updates.drain());
        }
        for responder in responders {
            responder.send(Reply::new(Err(status.clone())), &self.sender);
        }
    }

    fn sweep(&mut self) {
        let wall = self.context.env.wall;
        let is_due = self.last_sweep.is_none_or(|at| wall.duration_since(at) >= SWEEP);
        if is_due || self.context.is_crowded() {
            let more = self.context.evict_idle_runs(wall);
            if is_due {
                self.context.matching.sweep(wall);
                (self.last_sweep, self.is_swept) = (Some(wall), !more);
            }
        }
    }

    /// Answer everybody who waits.
    pub(crate) fn end(mut self) {
        if self.lost.is_none() {
            self.commit_turn();
            self.turn(Vec::new());
        }
        let Self { mut context, receiver, sender, ending, lost, unanswered: mut waiting, .. } =
            self;
        waiting.extend(context.matching.drain_pollers());
        waiting.extend(context.waiters.drain());
        waiting.extend(context.queries.drain());
        waiting.extend(context.updates.drain());
        waiting.extend(context.time_skipping.iter_mut().flat_map(TimeSkipping::drain));
        if lost.is_some() {
            drop(context); // whoever is told may open the file at once
        }
        let status = lost.unwrap_or_else(RpcStatus::closed);
        ending.send_replace(Some(status.clone()));
        for message in receiver.try_iter() {
            if let EngineMessage::Call { responder, .. } = message {
                waiting.push(responder);
            }
        }
        for responder in waiting {
            responder.send(Reply::new(Err(status.clone())), &sender);
        }
    }
}

/// For an engine that its owner turns.
#[cfg(feature = "simulation")]
impl Loop {
    /// Turn once, with the messages that wait now; tells how many messages that were. To `await_completions` is to
    /// leave the
    /// transaction open for completions of the next turn.
    pub(crate) fn turn_once(&mut self, await_completions: bool) -> usize {
        let mut messages = Vec::new();
        self.take_more(&mut messages);
        let count = messages.len();
        if self.is_uncommitted {
            self.receive(messages);
        } else {
            self.process(messages);
        }
        self.is_uncommitted = await_completions && self.context.awaits_workers();
        if !self.is_uncommitted {
            self.commit_turn();
        }
        count
    }

    /// Tell whether the transaction of the last turn is still open.
    pub(crate) const fn is_uncommitted(&self) -> bool {
        self.is_uncommitted
    }

    pub(crate) const fn context(&self) -> &Context {
        &self.context
    }

    pub(crate) const fn retry_list(&self) -> &RetryList {
        &self.retry_list
    }
}
