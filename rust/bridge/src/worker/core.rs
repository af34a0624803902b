//! The native side of a worker or a replayer: its pumps, completions on their way back,
//! and the way down: initiate, drain, finalize.

use std::{
    convert::Infallible,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Weak},
};

use futures_util::{FutureExt, future::join_all};
use temporalio_client::tonic::{Code, Status};
use temporalio_protos::{
    coresdk::{
        ActivityTaskCompletion, activity_result::ActivityExecutionResult,
        workflow_completion::WorkflowActivationCompletion,
    },
    temporal::api::failure::v1::Failure as ApiFailure,
};
use temporalio_sdk_core::{Worker as Native, WorkerValidationError};
use tokio::{
    runtime::Handle,
    sync::{Notify, OnceCell, oneshot, watch},
};

use super::{
    embedded::Embedded,
    ledger::{Ledger, Outstanding, Reply, Shipment},
    pump::Pump,
};
use crate::{
    delivery::{Delivery, Poll},
    error::{Failure, Kind, Outcome},
    handle::Stamp,
    inbox::InboxCore,
    panics,
    sync::Mutex,
};

const REPLACED: &str = "the native runtime of the worker was replaced";

/// Where deliveries go.
pub(crate) struct Inboxes {
    pub(crate) tag: i64,
    pub(crate) workflow: Arc<InboxCore>,
    pub(crate) activity: Arc<InboxCore>,
}

/// The native side of a worker.
pub(crate) struct WorkerCore {
    pub(super) stamp: Stamp,
    handle: Handle,
    pub(crate) inboxes: Inboxes,
    /// Where its tasks come from, if not from a cluster.
    embedded: Option<Embedded>,
    /// True once it takes no more work.
    leaving: watch::Sender<bool>,
    /// Core has a reason to poll.
    wanted: OnceCell<()>,
    /// `None` once finalized.
    native: Mutex<Option<Arc<Native>>>,
    pub(super) ledger: Mutex<Ledger>,
    /// Something in the ledger went to zero.
    pub(super) settled: Notify,
    /// The failure of the engine's database, if that is lost.
    lost: OnceCell<Failure>,
    validated: OnceCell<Outcome<()>>,
    finalized: OnceCell<Outcome<()>>,
}

impl WorkerCore {
    /// Wrap a worker of core's and start its pumps.
    pub(crate) fn start(
        stamp: Stamp,
        handle: Handle,
        native: Native,
        inboxes: Inboxes,
        embedded: Option<Embedded>,
        polls: &[Poll],
    ) -> Arc<Self> {
        let worker = Arc::new(Self {
            stamp,
            handle,
            inboxes,
            embedded,
            leaving: watch::Sender::new(false),
            wanted: OnceCell::new(),
            native: Mutex::new(Some(Arc::new(native))),
            ledger: Mutex::new(Ledger::new(polls.len())),
            settled: Notify::new(),
            lost: OnceCell::new(),
            validated: OnceCell::new(),
            finalized: OnceCell::new(),
        });
        worker.handle.spawn(until_lost(&worker));
        for poll in polls {
            let pump = Pump::new(&worker, *poll, polls.len() == 1);
            worker.handle.spawn(pump.run());
        }
        worker
    }

    /// The failure of the engine's database, if that is lost: there are no more tasks.
    pub(super) fn lost(&self) -> Option<Failure> {
        self.lost.get().cloned()
    }

    pub(crate) fn native(&self) -> Outcome<Arc<Native>> {
        self.native
            .lock()
            .clone()
            .ok_or_else(|| Failure::new(Kind::Shutdown, "the worker is shut down and finalized"))
    }

    /// Ask the service about the namespace, once. Core builds all of a worker when it asks; an engine
    /// in the process needn't be asked by core.
    pub(crate) async fn validate(&self) -> Outcome<()> {
        let native = self.native()?;
        let ask =
            || async {
                match &self.embedded {
                    Some(embedded) => embedded.validate().await,
                    None => native.validate().await.map(drop).map_err(
                        |WorkerValidationError::NamespaceDescribeError { source, .. }| source,
                    ),
                }
                .map_err(|status| invalid(&native.get_config().namespace, &status))
            };
        self.validated.get_or_init(ask).await.clone()
    }

    /// Hand over a completion without waiting.
    pub(crate) fn complete_workflow(
        self: &Arc<Self>,
        completion: WorkflowActivationCompletion,
        reply: Reply,
    ) -> Outcome<()> {
        let native = self.native()?;
        let shipment = Shipment { completion, reply };
        let Some(first) = self.ledger.lock().complete(shipment) else {
            return Ok(());
        };
        let worker = Arc::clone(self);
        self.handle.spawn(async move {
            let mut next = Some(first);
            while let Some(Shipment { completion, reply }) = next {
                let run_id = completion.run_id.clone();
                let answer =
                    contained(Box::pin(native.complete_workflow_activation(completion))).await;
                worker.answer(Poll::Workflow, &run_id, &[], reply, answer);
                next = worker.ledger.lock().shipped(&run_id);
            }
            worker.settled.notify_waiters();
        });
        Ok(())
    }

    /// Hand over the completion of an activity without waiting.
    pub(crate) fn complete_activity(
        self: &Arc<Self>,
        completion: ActivityTaskCompletion,
        reply: Reply,
    ) -> Outcome<()> {
        let native = self.native()?;
        if !self.ledger.lock().report(&completion.task_token) {
            return Err(self.stamp.stale("Worker"));
        }
        let worker = Arc::clone(self);
        self.handle.spawn(async move {
            let token = completion.task_token.clone();
            let answer = contained(native.complete_activity_task(completion)).await;
            worker.answer(Poll::Activity, "", &token, reply, answer);
            worker.ledger.lock().reported();
            worker.settled.notify_waiters();
        });
        Ok(())
    }

    /// Tell the caller that waits; without one an error goes to the inbox.
    fn answer(&self, poll: Poll, run_id: &str, token: &[u8], reply: Reply, answer: Outcome<()>) {
        let answer = match reply.map(|reply| reply.send(answer.clone())) {
            Some(Ok(())) => return,
            Some(Err(unheard)) => unheard,
            None => answer,
        };
        if let Err(failure) = answer {
            self.inbox(poll).push(Delivery::Rejected {
                tag: self.inboxes.tag,
                run_id: run_id.to_owned(),
                task_token: token.to_vec(),
                failure,
            });
        }
    }

    pub(super) fn inbox(&self, poll: Poll) -> &InboxCore {
        match poll {
            Poll::Workflow => &self.inboxes.workflow,
            Poll::Activity => &self.inboxes.activity,
        }
    }

    /// Stop taking work. Needs tokio's context.
    pub(crate) fn initiate_shutdown(&self) {
        self.leaving.send_replace(true);
        if let Ok(native) = self.native() {
            native.initiate_shutdown();
        }
    }

    /// Wait until core has a reason to poll: a task, or the end. As one for all its polls: workflows
    /// bring local activities.
    pub(super) async fn until_wanted(&self) {
        let Some(embedded) = &self.embedded else { return };
        let first_task = || async {
            let mut leaving = self.leaving.subscribe();
            tokio::select! {
                biased;
                _ = leaving.wait_for(|leaving| *leaving) => return,
                () = embedded.first_task() => {}
            }
            if let Ok(native) = self.native() {
                drop(native.validate().await); // now core wants to know what the service can do
            }
        };
        self.wanted.get_or_init(first_task).await;
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.ledger.lock().is_drained()
    }

    /// Tasks in use: of workflows and of activities.
    pub(crate) fn in_use(&self) -> (usize, usize) {
        let ledger = self.ledger.lock();
        (ledger.workflow_tasks(), ledger.activity_tasks())
    }

    /// Fail the tasks that are out, and end: the runtime goes.
    pub(crate) async fn fail_outstanding(&self) {
        self.initiate_shutdown();
        if let Ok(native) = self.native() {
            loop {
                let changed = self.settled.notified();
                let outstanding = self.ledger.lock().take_outstanding();
                fail(&native, outstanding).await;
                if self.is_drained() {
                    break;
                }
                changed.await;
            }
        }
        // No caller is left for what core or the service answer.
        drop(self.finalize().await);
    }

    pub(super) const fn embedded(&self) -> Option<&Embedded> {
        self.embedded.as_ref()
    }

    async fn drain(&self) {
        loop {
            let changed = self.settled.notified();
            if self.is_drained() {
                return;
            }
            changed.await;
        }
    }

    /// Initiate, wait until every delivered task is answered, release everything. Idempotent.
    pub(crate) async fn finalize(&self) -> Outcome<()> {
        self.initiate_shutdown();
        self.drain().await;
        self.finalized.get_or_init(|| async { self.release().await }).await.clone()
    }

    async fn release(&self) -> Outcome<()> {
        let Some(native) = self.native.lock().take() else {
            return Ok(());
        };
        let released = contained(async {
            native.shutdown().await;
            Ok::<(), Infallible>(())
        })
        .await;
        if let Some(embedded) = &self.embedded {
            embedded.gone(self.ledger.lock().going_on());
        }
        released?;
        // Calls that are under way on other threads hold it for a moment more.
        let mut shared = native;
        loop {
            match Arc::try_unwrap(shared) {
                Ok(alone) => {
                    return contained(async {
                        alone.finalize_shutdown().await;
                        Ok::<(), Infallible>(())
                    })
                    .await;
                }
                Err(still) => shared = still,
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Answer for tasks that this worker will not complete. A workflow task is failed, so that the service
/// gives it out again at once. An activity goes on, and its executor tells the service itself.
async fn fail(native: &Native, out: Outstanding) {
    let runs = out.runs.into_iter().map(|run_id| {
        let failure = ApiFailure::application_failure(REPLACED.to_owned(), false);
        let completion = WorkflowActivationCompletion::fail(run_id, failure, None);
        contained(native.complete_workflow_activation(completion))
    });
    let activity = |task_token: Vec<u8>, result: ActivityExecutionResult| {
        let completion = ActivityTaskCompletion { task_token, result: Some(result) };
        contained(native.complete_activity_task(completion))
    };
    let going_on = out
        .activities
        .into_iter()
        .map(|token| activity(token, ActivityExecutionResult::will_complete_async()));
    let local = out
        .local_activities
        .into_iter()
        .map(|token| activity(token, ActivityExecutionResult::cancel_from_details(None)));
    // No caller is left for core's answers.
    drop((join_all(runs).await, join_all(going_on).await, join_all(local).await));
}

/// Await something of core's; a panic in it is an error like any other.
async fn contained<E: std::fmt::Display>(
    future: impl Future<Output = Result<(), E>>,
) -> Outcome<()> {
    match AssertUnwindSafe(future).catch_unwind().await {
        Ok(answer) => answer.map_err(|error| Failure::new(Kind::Completion, error.to_string())),
        Err(payload) => Err(panics::failure(&*payload)),
    }
}

/// End a worker whose engine loses its database: core would ask it for tasks for another minute.
fn until_lost(worker: &Arc<WorkerCore>) -> impl Future<Output = ()> + Send + use<> {
    let end = worker.embedded.as_ref().and_then(Embedded::end);
    let mut leaving = worker.leaving.subscribe();
    let worker = Arc::downgrade(worker);
    async move {
        let Some(end) = end else { return };
        let failure = tokio::select! {
            failure = end => failure,
            _ = leaving.wait_for(|leaving| *leaving) => return,
        };
        if let Some(worker) = worker.upgrade().filter(|_| failure.kind == Kind::Database) {
            // Set once: it is lost once.
            drop(worker.lost.set(failure));
            worker.initiate_shutdown();
        }
    }
}

fn invalid(namespace: &str, status: &Status) -> Failure {
    let rpc = Failure::rpc(status);
    match status.code() {
        Code::NotFound | Code::InvalidArgument | Code::PermissionDenied => Failure {
            kind: Kind::Validation,
            message: format!("namespace {namespace:?}: {}", status.message()),
            ..rpc
        },
        _ => rpc,
    }
}

/// Shut a worker down in the background, once its last handle is dropped.
pub(crate) fn abandon(worker: &Arc<WorkerCore>) {
    if worker.stamp.check("Worker").is_err() {
        return;
    }
    let weak: Weak<WorkerCore> = Arc::downgrade(worker);
    worker.handle.spawn(async move {
        if let Some(worker) = weak.upgrade() {
            // No caller is left for an error, and finalizing has none but core's.
            drop(worker.finalize().await);
        }
    });
}

/// Ask for an answer to a completion.
pub(super) fn reply_channel() -> (Reply, oneshot::Receiver<Outcome<()>>) {
    let (sender, receiver) = oneshot::channel();
    (Some(sender), receiver)
}
