//! Bringing tasks and pollers together.
//!
//! A task is leased at the moment it is put into an answer, in the same transaction as what made it:
//! a worker that waits gets the activity that a workflow task scheduled with the commit of that task.

use bytes::Bytes;

use crate::ids::{EventId, NamespaceKey, RunKey};
use crate::machine::{activity, workflow_task};
use crate::policy::priority;
use crate::state::env::Work;
use crate::state::reply::{LeaseName, Reply, Responder, Returned};
use crate::state::task_queues::{Poller, PollerSeed, QueueKey, QueueKind, Task, Undelivered};
use crate::state::timers::TaskTimer;
use crate::store::StoreError;
use crate::store::record::ActivityState;
use crate::transaction::context::{CallError, Context};
use crate::transaction::workflow_tasks;

/// The taker of a task.
pub(crate) struct Taker {
    pub(crate) identity: String,
    /// The worker instance.
    pub(crate) worker: String,
    pub(crate) responder: Responder,
}

impl From<Poller> for Taker {
    fn from(poller: Poller) -> Self {
        Self { identity: poller.identity, worker: poller.worker, responder: poller.responder }
    }
}

impl Context {
    /// A run has a workflow task: give it to a poller, or put it into its queue.
    pub(crate) fn offer_workflow_task(&mut self, key: RunKey) -> Result<(), CallError> {
        let Some((run, env)) = self.open_run(key)? else { return Ok(()) };
        if run.workflow_task().is_none() || run.volatile.lease.is_some() {
            return Ok(());
        }
        // A newer entry voids the older ones, wherever they are: nobody has to search queues for them.
        env.next_dispatch += 1;
        run.volatile.dispatch = env.next_dispatch;
        let level = priority::level(run.row.record.priority.as_ref());
        let entry = Task::workflow(key, env.next_dispatch, level);
        let namespace = run.row.namespace;
        let normal =
            QueueKey { namespace, kind: QueueKind::Workflow, name: run.row.task_queue.clone() };
        let (steady, wall) = (env.steady, env.wall);
        let sticky = run.volatile.sticky.clone();
        let sticky = sticky.map(|sticky| {
            (QueueKey { name: sticky.queue, ..normal.clone() }, sticky.schedule_to_start)
        });
        let queue = match sticky {
            Some((queue, patience)) if self.matching.is_seen(&queue, wall) => {
                let timer = TaskTimer::StickyScheduleToStart(key, entry.dispatch);
                self.env.task_timers.push((steady.after(patience), timer));
                queue
            }
            _ => normal,
        };
        self.matching.queue(&queue).push(entry);
        self.feed(&queue)
    }

    /// An activity waits for a worker: give it to a poller, or put it into its queue.
    pub(crate) fn offer_activity_task(
        &mut self,
        key: RunKey,
        event: EventId,
    ) -> Result<(), CallError> {
        let Some((run, _)) = self.open_run(key)? else { return Ok(()) };
        let Some(record) = run.activities.get(&event) else { return Ok(()) };
        if !record.is_ready() {
            return Ok(());
        }
        let queue = QueueKey {
            namespace: run.row.namespace,
            kind: QueueKind::Activity,
            name: record.task_queue.clone(),
        };
        let level = record.level;
        self.matching.queue(&queue).push(Task::activity(key, event, level));
        self.feed(&queue)
    }

    /// Give tasks to those who wait, until either runs out.
    pub(crate) fn feed(&mut self, queue: &QueueKey) -> Result<(), CallError> {
        while self.matching.queue(queue).has_tasks() {
            let Some(poller) = self.matching.take_poller(queue) else { return Ok(()) };
            let ticket = poller.ticket;
            if let Some(taker) = self.give(queue, poller.into())? {
                // Everything in the queue was void: the poller goes on waiting.
                let Taker { identity, worker, responder } = taker;
                let seed = PollerSeed { responder, identity, worker };
                self.matching.park_poller(queue, ticket.0, seed);
            }
        }
        Ok(())
    }

    /// A poll: answer it with a task, or park it.
    pub(crate) fn poll(
        &mut self,
        queue: &QueueKey,
        identity: String,
        worker: String,
        responder: Responder,
    ) -> Result<(), CallError> {
        if self.matching.is_shut_down(&worker) {
            self.reply(responder, Reply::new(Ok(Bytes::new())));
            return Ok(());
        }
        let wall = self.env.wall;
        self.matching.queue(queue).see(&identity, wall);
        let taker = Taker { identity, worker, responder };
        if let Some(Taker { identity, worker, responder }) = self.give(queue, taker)? {
            let expires = self.expiry(crate::state::waiters::LONG_POLL);
            let seed = PollerSeed { responder, identity, worker };
            self.matching.park_poller(queue, expires, seed);
        }
        Ok(())
    }

    /// Give the queue's next task. `Some`: there is none, the taker comes back.
    fn give(&mut self, queue: &QueueKey, taker: Taker) -> Result<Option<Taker>, CallError> {
        while let Some(undelivered) = self.matching.take_kept(queue) {
            if let Some(Undelivered { lease, body }) = self.as_it_stands(undelivered)? {
                let lease = Some((queue.clone(), self.reassign(lease, &taker)?));
                self.reply(taker.responder, Reply { result: Ok(body), lease });
                return Ok(None);
            }
        }
        while let Some(query) = self.matching.take_query(queue) {
            if let Some(body) = self.query_response(queue, query)? {
                let lease = Some((queue.clone(), LeaseName::Query(query)));
                self.reply(taker.responder, Reply { result: Ok(body.into()), lease });
                return Ok(None);
            }
        }
        while let Some(task) = self.matching.queue(queue).tasks.pop_front() {
            let given = match queue.kind {
                QueueKind::Workflow => self.lease_workflow_task(queue, task, &taker)?,
                QueueKind::Activity if !self.is_of_queue(task, queue)? => None,
                QueueKind::Activity => self.lease_activity(task, &taker.identity, &taker.worker)?,
            };
            if let Some((body, lease)) = given {
                let lease = Some((queue.clone(), lease));
                self.reply(taker.responder, Reply { result: Ok(body), lease });
                return Ok(None);
            }
        }
        Ok(Some(taker))
    }

    fn lease_workflow_task(
        &mut self,
        queue: &QueueKey,
        task: Task,
        taker: &Taker,
    ) -> Result<Option<(Bytes, LeaseName)>, CallError> {
        let Some((run, env)) = self.open_run(task.run)? else { return Ok(None) };
        if run.volatile.dispatch != task.dispatch || run.volatile.lease.is_some() {
            return Ok(None);
        }
        let sticky = run.volatile.sticky.as_ref().is_some_and(|sticky| sticky.queue == queue.name);
        let lease = workflow_task::start(run, env, &taker.identity, &taker.worker);
        let Some(lease) = lease else { return Ok(None) };
        let Some(run) = self.runs.get(&task.run) else { return Ok(None) };
        let response = workflow_tasks::response(run, self.store.as_mut(), &lease, sticky);
        let Some(mut body) = readable(task.run, response.map_err(CallError::from))? else {
            return Ok(None);
        };
        body.extend(self.attached_queries(task.run));
        body.extend(self.attached_updates(task.run, lease.started_event_id, true));
        Ok(Some((body.into(), LeaseName::Workflow { run: task.run, lease: lease.id })))
    }

    /// Tell whether an activity still waits in that queue: its options may have changed.
    fn is_of_queue(&mut self, task: Task, queue: &QueueKey) -> Result<bool, CallError> {
        let Some((run, _)) = self.open_run(task.run)? else { return Ok(false) };
        let record = run.activities.get(&task.subject);
        Ok(record.is_some_and(|record| record.task_queue == queue.name))
    }

    /// Give an activity to a worker, if it is still to be had.
    pub(crate) fn lease_activity(
        &mut self,
        task: Task,
        identity: &str,
        worker: &str,
    ) -> Result<Option<(Bytes, LeaseName)>, CallError> {
        let Some((run, env)) = self.open_run(task.run)? else { return Ok(None) };
        if !activity::start(run, env, task.subject, identity, worker) {
            return Ok(None);
        }
        self.started_activity(task.run, task.subject)
    }

    /// A started activity as its worker gets it.
    pub(super) fn started_activity(
        &mut self,
        key: RunKey,
        event: EventId,
    ) -> Result<Option<(Bytes, LeaseName)>, CallError> {
        let Some((run, _)) = self.open_run(key)? else { return Ok(None) };
        let Some(record) = run.activities.get(&event).cloned() else { return Ok(None) };
        let namespace = run.row.namespace;
        let namespace = self.namespace_name(namespace);
        let response = self.activity_response(key, &record, namespace);
        let Some(body) = readable(key, response)? else { return Ok(None) };
        let lease = LeaseName::Activity {
            run: key,
            scheduled_event_id: record.scheduled_event_id,
            attempt: record.attempt,
            started_time: record.started_time,
            worker: record.worker,
        };
        Ok(Some((body, lease)))
    }

    /// A lease that nobody has goes to a worker. An activity's record says who that is: if it is gone
    /// too, the activity is passed on again, and not when the one before is.
    fn reassign(&mut self, mut lease: LeaseName, taker: &Taker) -> Result<LeaseName, CallError> {
        match &mut lease {
            LeaseName::Activity { run, scheduled_event_id, worker, .. } => {
                if let Some((run, _)) = self.open_run(*run)? {
                    activity::reassign(run, *scheduled_event_id, &taker.identity, &taker.worker);
                    worker.clone_from(&taker.worker);
                }
            }
            LeaseName::Workflow { run, .. } => {
                let run = self.runs.get_mut(run);
                if let Some(lease) = run.and_then(|run| run.volatile.lease.as_mut()) {
                    lease.worker.clone_from(&taker.worker);
                }
            }
            LeaseName::Inline { .. } | LeaseName::Query(_) => {}
        }
        Ok(lease)
    }

    /// Renew an undelivered answer, unless its lease is over. An activity that was begun anew meanwhile
    /// is still leased, and
    /// counts its attempts from the first one again.
    pub(super) fn as_it_stands(
        &mut self,
        kept: Undelivered,
    ) -> Result<Option<Undelivered>, CallError> {
        let mut now = kept.lease.clone();
        if let LeaseName::Activity { run, scheduled_event_id, attempt, .. } = &mut now
            && let Some((run, _)) = self.open_run(*run)?
            && let Some(record) = run.activities.get(scheduled_event_id)
        {
            *attempt = record.attempt;
        }
        if !self.lease_stands(&now)? {
            return Ok(None);
        }
        match now {
            LeaseName::Activity { run, scheduled_event_id, .. } if now != kept.lease => {
                let again = self.started_activity(run, scheduled_event_id)?;
                Ok(again.map(|(body, lease)| Undelivered { lease, body }))
            }
            _ => Ok(Some(kept)),
        }
    }

    fn lease_stands(&mut self, name: &LeaseName) -> Result<bool, CallError> {
        Ok(match name {
            LeaseName::Workflow { run, lease } | LeaseName::Inline { run, lease } => {
                self.open_run(*run)?.is_some_and(|(run, _)| {
                    run.volatile.lease.as_ref().is_some_and(|held| held.id == *lease)
                })
            }
            LeaseName::Query(id) => self.queries.is_asked(*id),
            LeaseName::Activity { run, scheduled_event_id, attempt, started_time, worker } => {
                self.open_run(*run)?.is_some_and(|(run, _)| {
                    run.activities.get(scheduled_event_id).is_some_and(|record| {
                        record.state() == ActivityState::Started
                            && record.attempt == *attempt
                            && record.started_time == *started_time
                            && record.worker == *worker
                    })
                })
            }
        })
    }

    /// Take back an answer that was not taken: it goes to the queue's next poller, with its lease.
    pub(crate) fn take_back(&mut self, returned: Returned) -> Result<(), CallError> {
        let Returned { queue, lease, body } = returned;
        if let LeaseName::Inline { run, .. } = lease {
            return if self.lease_stands(&lease)? { self.offer_leased_again(run) } else { Ok(()) };
        }
        let task = Undelivered { lease, body };
        self.matching.note_taken(&queue, task.clone());
        let Some(task) = self.as_it_stands(task)? else { return Ok(()) };
        self.matching.queue(&queue).keep(task);
        self.feed_kept(&queue)
    }

    /// Give what a queue keeps to those who wait, or to other queues if it is likely that nobody will.
    pub(crate) fn feed_kept(&mut self, queue: &QueueKey) -> Result<(), CallError> {
        if self.matching.is_seen(queue, self.env.wall) {
            self.feed(queue)
        } else {
            self.abandon_undelivered(queue)
        }
    }

    /// Offer a leased task again whose worker is gone, as if it had not been leased. What it buffered is
    /// let in first.
    pub(super) fn offer_leased_again(&mut self, key: RunKey) -> Result<(), CallError> {
        if let Some((run, env)) = self.open_run(key)? {
            run.volatile.lease = None;
            workflow_task::flush_buffered(run);
            env.work.push(Work::WorkflowTask(key));
        }
        Ok(())
    }

    /// The tasks of a sticky queue whose worker is gone go to normal queues.
    pub(crate) fn abandon_sticky(&mut self, queue: &QueueKey) -> Result<(), CallError> {
        for task in self.matching.drop_queue(queue) {
            let Some((run, env)) = self.open_run(task.run)? else { continue };
            if run.volatile.dispatch == task.dispatch {
                run.volatile.sticky = None;
                env.work.push(Work::WorkflowTask(task.run));
            }
        }
        self.abandon_undelivered(queue)
    }

    /// Put every task into its queue that is on the disk: at open.
    pub(crate) fn queue_stored_tasks(&mut self) -> Result<(), StoreError> {
        for task in self.store.workflow_tasks()? {
            let entry = Task::workflow(task.run, 0, task.level);
            self.requeue(task.namespace, QueueKind::Workflow, task.queue, entry);
        }
        for task in self.store.activity_tasks()? {
            let entry = Task::activity(task.run, task.subject, task.level);
            self.requeue(task.namespace, QueueKind::Activity, task.queue, entry);
        }
        Ok(())
    }

    fn requeue(&mut self, namespace: NamespaceKey, kind: QueueKind, name: String, task: Task) {
        let key = QueueKey { namespace, kind, name };
        self.matching.queue(&key).push(task);
    }
}

/// Keep what was read for a task, unless it is damaged: then the poller gets another task, and this one's
/// timeouts see to it that it is tried again at times.
fn readable<T>(run: RunKey, read: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(CallError::Store(StoreError::Damaged(detail))) => {
            tracing::error!(run = run.0, detail, "a task can't be read");
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}
