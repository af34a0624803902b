//! Messages to the engine's thread.

use std::time::Duration;

use bytes::Bytes;

use crate::state::reply::{Responder, Returned};

/// A call of an RPC.
#[derive(Clone, Debug)]
pub struct Call {
    /// The full name of the service, `temporal.api.workflowservice.v1.WorkflowService`.
    pub service: String,
    /// The method, `StartWorkflowExecution`.
    pub method: String,
    /// The time that the caller waits: a transport reads it from `grpc-timeout`.
    pub timeout: Option<Duration>,
    /// The encoded request.
    pub body: Bytes,
}

/// A message to the engine's thread.
pub(crate) enum EngineMessage {
    Call {
        call: Call,
        responder: Responder,
    },
    /// A task whose answer nobody took.
    Returned(Returned),
    /// To be called between two turns.
    Hold(Box<dyn FnOnce() + Send>),
    /// Workflow time has jumped; the turn looks at it anyway.
    ClockJumped,
    /// A worker instance that will not answer any more.
    WorkerGone {
        worker: String,
        going_on: Vec<Vec<u8>>,
    },
    Close,
}
