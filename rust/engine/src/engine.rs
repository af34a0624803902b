//! The engine's handle.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::{Clock, EngineError, Entropy, RpcStatus, SystemClock, SystemEntropy};

/// One call of an RPC.
#[derive(Clone, Debug)]
pub struct Call {
    /// The full name of the service, `temporal.api.workflowservice.v1.WorkflowService`.
    pub service: String,
    /// The method, `StartWorkflowExecution`.
    pub method: String,
    /// How long the caller waits: what a transport reads from `grpc-timeout`.
    pub timeout: Option<Duration>,
    /// The encoded request.
    pub body: Bytes,
}

/// When a commit counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// When it is on the disk: survives a power cut.
    #[default]
    Full,
    /// When the system has it: survives a crash of the process, not always one of the machine.
    Normal,
}

/// How to open an engine.
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
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            path: None,
            synchronous: Synchronous::Full,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }
}

impl fmt::Debug for EngineOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineOptions")
            .field("path", &self.path)
            .field("synchronous", &self.synchronous)
            .finish_non_exhaustive()
    }
}

/// A running engine. Clones share it.
#[derive(Clone, Debug)]
pub struct Engine {}

impl Engine {
    /// Open the database, or make it, and start the engine's thread. Blocks while it does.
    pub fn open(_options: EngineOptions) -> Result<Self, EngineError> {
        Ok(Self {})
    }

    /// Make one call. The future may be dropped at any time: a poll that was dropped takes no task.
    pub fn dispatch(
        &self,
        call: Call,
    ) -> impl Future<Output = Result<Bytes, RpcStatus>> + Send + use<> {
        async move {
            Err(RpcStatus::unimplemented(format!(
                "unknown method {} for service {}",
                call.method, call.service
            )))
        }
    }

    /// Commit what is in flight, end long polls and join the thread. Closing twice is fine.
    pub fn close(&self) {}
}
