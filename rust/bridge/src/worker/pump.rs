//! From core's polls to an inbox.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use temporalio_protos::coresdk::activity_task::activity_task::Variant;
use temporalio_sdk_core::{PollError, Worker as Native};

use super::{core::WorkerCore, local};
use crate::{
    delivery::{Delivery, Poll},
    error::{Failure, Kind},
    panics,
};

/// Polls core and fills an inbox, until core has no more.
pub(super) struct Pump {
    worker: Arc<WorkerCore>,
    poll: Poll,
    /// The worker has no other pump: this one speaks for both when it ends.
    alone: bool,
    ended: bool,
}

impl Pump {
    pub(super) fn new(worker: &Arc<WorkerCore>, poll: Poll, alone: bool) -> Self {
        Self { worker: Arc::clone(worker), poll, alone, ended: false }
    }

    pub(super) async fn run(mut self) {
        let failure = match AssertUnwindSafe(self.pump()).catch_unwind().await {
            Ok(failure) => failure,
            Err(payload) => Some(panics::failure(&*payload)),
        };
        self.end(failure);
    }

    /// Poll until the end; why, unless it is a shutdown. Core wants to be polled to the end in any
    /// case: after an error it shuts itself down, and a second error is the end.
    async fn pump(&self) -> Option<Failure> {
        let native = self.worker.native().ok()?;
        let mut failure = None;
        // Only an answer that says no counts: while the service can't be asked, polls are retried.
        if let Err(invalid) = self.worker.validate().await
            && invalid.kind == Kind::Validation
        {
            self.worker.initiate_shutdown();
            failure = Some(invalid);
        }
        self.worker.until_wanted().await;
        loop {
            let polled = match self.poll {
                Poll::Workflow => self.workflow(&native).await,
                Poll::Activity => self.activity(&native).await,
            };
            match polled {
                Ok(()) => {}
                Err(PollError::ShutDown) => return self.worker.lost().or(failure),
                Err(PollError::TonicError(_)) if failure.is_some() => return failure,
                Err(PollError::TonicError(status)) => {
                    failure = Some(match Failure::rpc(&status) {
                        failure if failure.kind == Kind::Database => failure,
                        failure => Failure { kind: Kind::Poll, ..failure },
                    });
                    self.worker.initiate_shutdown();
                }
            }
        }
    }

    async fn workflow(&self, native: &Native) -> Result<(), PollError> {
        let activation = native.poll_workflow_activation().await?;
        let worker = &self.worker;
        let unwanted =
            !activation.is_only_eviction() && worker.ledger.lock().delivered(&activation.run_id);
        worker.inboxes.workflow.push(Delivery::Activation {
            tag: worker.inboxes.tag,
            activation: Box::new(activation),
        });
        if unwanted {
            worker.settled.notify_waiters();
        }
        Ok(())
    }

    async fn activity(&self, native: &Native) -> Result<(), PollError> {
        let task = native.poll_activity_task().await?;
        let worker = &self.worker;
        if !local::may_run(&task, worker.embedded()).await {
            // Core has dropped it if it does not want to hear of it.
            drop(native.complete_activity_task(local::withdrawn(task)).await);
            return Ok(());
        }
        let unwanted = matches!(&task.variant, Some(Variant::Start(start))
            if worker.ledger.lock().started(&task.task_token, start.is_local));
        worker
            .inboxes
            .activity
            .push(Delivery::Activity { tag: worker.inboxes.tag, task: Box::new(task) });
        if unwanted {
            worker.settled.notify_waiters();
        }
        Ok(())
    }

    fn end(&mut self, failure: Option<Failure>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let worker = &self.worker;
        {
            let mut ledger = worker.ledger.lock();
            ledger.polls = ledger.polls.saturating_sub(1);
        }
        let tell = |poll: Poll, failure: Option<Failure>| {
            worker.inbox(poll).push(Delivery::Ended { tag: worker.inboxes.tag, poll, failure });
        };
        tell(self.poll, failure);
        if self.alone {
            match self.poll {
                Poll::Workflow => tell(Poll::Activity, None),
                Poll::Activity => tell(Poll::Workflow, None),
            }
        }
        worker.settled.notify_waiters();
    }
}

impl Drop for Pump {
    /// Dropped before the end: the runtime was closed.
    fn drop(&mut self) {
        let failure = self.worker.stamp.stale("Worker");
        self.end(Some(failure));
    }
}
