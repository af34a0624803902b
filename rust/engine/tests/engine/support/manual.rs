//! An engine that a test turns by hand.

use std::path::Path;
use std::sync::Arc;

use hourglass_engine::simulation::{Answer, Faults, ManualEngine};
use hourglass_engine::{Call, EngineOptions, RpcStatus, SeededEntropy};
use prost::Message;

use super::clock::VirtualClock;
use super::server::{Rpc, SERVICE};

/// An engine that is turned by hand, on a store that can fail.
pub(crate) struct Scene {
    _directory: tempfile::TempDir,
    pub(crate) engine: ManualEngine,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) faults: Faults,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (clock, faults) = (Arc::new(VirtualClock::new()), Faults::default());
        let engine = Self::open(&directory.path().join("orders.db"), &clock, &faults);
        Self { _directory: directory, engine, clock, faults }
    }

    fn open(path: &Path, clock: &Arc<VirtualClock>, faults: &Faults) -> ManualEngine {
        let options = EngineOptions {
            path: Some(path.to_owned()),
            clock: Arc::<VirtualClock>::clone(clock),
            entropy: Arc::new(SeededEntropy::new(1)),
            ..EngineOptions::default()
        };
        ManualEngine::open(options, faults).unwrap()
    }

    pub(crate) fn send<R: Rpc>(&self, request: &R) -> Pending<R> {
        self.call(SERVICE, R::method(), request.encode_to_vec())
    }

    pub(crate) fn call<R: Rpc>(&self, service: &str, method: &str, body: Vec<u8>) -> Pending<R> {
        let (service, method, body) = (service.to_owned(), method.to_owned(), body.into());
        Pending(
            self.engine.send(Call { service, method, timeout: None, body }),
            std::marker::PhantomData,
        )
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

    pub(crate) fn is_waiting(&mut self) -> bool {
        self.take().is_none()
    }
}
