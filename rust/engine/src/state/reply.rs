//! Actions that follow a commit, and answers to callers.

use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::ids::{EventId, QueryId, RunKey};
use crate::state::message::EngineMessage;
use crate::state::task_queues::QueueKey;
use crate::store::TimerRow;
use crate::{Clock, RpcStatus};

/// Something that must not happen before the transaction is on the disk.
pub(crate) enum Action {
    /// Answer a caller.
    Reply(Responder, Reply),
    /// A timer row was written.
    TimerArmed(TimerRow),
    /// A timer row was removed.
    TimerDisarmed(TimerRow),
    /// The run is closed: drop it from memory.
    Forget(RunKey),
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) result: Result<Bytes, RpcStatus>,
    /// The task that is in it, if one is.
    pub(crate) lease: Option<(QueueKey, LeaseName)>,
}

impl Reply {
    pub(crate) const fn new(result: Result<Bytes, RpcStatus>) -> Self {
        Self { result, lease: None }
    }
}

/// A task as it was leased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LeaseName {
    Workflow {
        run: RunKey,
        lease: [u8; 16],
    },
    /// A workflow task inside the answer to the completion of the one before.
    Inline {
        run: RunKey,
        lease: [u8; 16],
    },
    Query(QueryId),
    Activity {
        run: RunKey,
        scheduled_event_id: EventId,
        attempt: i32,
        started_time: i64,
        /// The instance of the worker that it was given to.
        worker: String,
    },
}

/// The engine's end of a call.
pub(crate) struct Responder {
    pub(crate) sender: oneshot::Sender<Delivery>,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
    /// When it called.
    pub(crate) sent: Instant,
}

impl Responder {
    /// Of a call that is made now, by a caller that waits for `timeout`.
    pub(crate) fn new(
        sender: oneshot::Sender<Delivery>,
        clock: &dyn Clock,
        timeout: Option<Duration>,
    ) -> Self {
        let sent = clock.wall();
        let for_ever = Duration::from_hours(24 * 365);
        let deadline =
            timeout.map(|timeout| sent.checked_add(timeout).unwrap_or_else(|| sent + for_ever));
        Self { sender, deadline, sent }
    }

    /// The caller does not wait any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.sender.is_closed()
    }

    pub(crate) fn send(self, reply: Reply, engine: &Sender<EngineMessage>) {
        let guard = reply.lease.and_then(|(queue, lease)| {
            let body = reply.result.as_ref().ok()?.clone();
            Some(Returned { queue, lease, body })
        });
        let delivery = Delivery {
            result: Some(reply.result),
            guard: guard.map(|returned| (engine.clone(), returned)),
        };
        // An error gives the delivery back, and dropping it returns the task.
        let _ = self.sender.send(delivery);
    }
}

/// A task that comes back because nobody took the answer that held it.
pub(crate) struct Returned {
    pub(crate) queue: QueueKey,
    pub(crate) lease: LeaseName,
    pub(crate) body: Bytes,
}

/// An answer on its way. Dropped before it is accepted, it returns the task that is in it.
pub(crate) struct Delivery {
    result: Option<Result<Bytes, RpcStatus>>,
    guard: Option<(Sender<EngineMessage>, Returned)>,
}

impl Delivery {
    /// Take the answer.
    pub(crate) fn accept(mut self) -> Result<Bytes, RpcStatus> {
        self.guard = None;
        debug_assert!(self.result.is_some(), "an answer is accepted once");
        self.result.take().unwrap_or_else(|| Err(RpcStatus::closed()))
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some((engine, returned)) = self.guard.take() {
            // A closed engine has no use for it.
            let _ = engine.send(EngineMessage::Returned(returned));
        }
    }
}
