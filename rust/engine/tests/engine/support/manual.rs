//! An engine that a test turns by hand.

use std::path::Path;
use std::sync::Arc;

use hourglass_engine::simulation::{Answer, Faults, ManualEngine};
use hourglass_engine::{Call, EngineOptions, RpcStatus, SeededEntropy};
use prost::Message;

use super::clock::VirtualClock;
use super::server::{Rpc, SERVICE};

/// An engine that is turned by hand.
pub(crate) struct Scene {
    _directory: tempfile::TempDir,
    pub(crate) engine: ManualEngine,
    pub(crate) clock: Arc<VirtualClock>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(VirtualClock::new());
        let engine = Self::open(&directory.path().join("orders.db"), &clock);
        Self { _directory: directory, engine, clock }
    }

    fn open(path: &Path, clock: &Arc<VirtualClock>) -> ManualEngine {
        let options = EngineOptions {
            path: Some(path.to_owned()),
            clock: Arc::<VirtualClock>::clone(clock),
            entropy: Arc::new(SeededEntropy::new(1)),
            ..EngineOptions::default()
        };
        ManualEngine::open(options, &Faults::default()).unwrap()
    }

    pub(crate) fn send<R: Rpc>(&self, request: &R) -> Pending<R> {
        let (service, method) = (SERVICE.to_owned(), R::method().to_owned());
        let body = request.encode_to_vec().into();
        let call = Call { service, method, timeout: None, body };
        Pending(self.engine.send(call), std::marker::PhantomData)
    }
}

/// A call that may be answered by now.
pub(crate) struct Pending<R>(Answer, std::marker::PhantomData<R>);

impl<R: Rpc> Pending<R> {
    /// The answer, if there is one.
    pub(crate) fn take(&mut self) -> Option<Result<R::Response, RpcStatus>> {
        let answer = self.0.take()?;
        Some(answer.map(|body| R::Response::decode(body).unwrap()))
    }
}
