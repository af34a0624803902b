//! An engine that can skip time, and the calls of its test service.

use std::sync::Arc;
use std::time::Duration;

use hourglass_engine::simulation::{self, Faults};
use hourglass_engine::{EngineOptions, RpcStatus, SeededEntropy, Timestamp};
use prost::Message;
use temporalio_protos::temporal::api::testservice::v1::*;

use super::Server;
use super::clock::{START, VirtualClock};

pub(crate) const TEST_SERVICE: &str = "temporal.api.testservice.v1.TestService";

impl Server {
    /// An engine that can skip time; its own time stands still unless it skips or the test moves it.
    pub(crate) fn skipping() -> Self {
        Self::skipping_unless(&Faults::default())
    }

    /// The same, with a store that fails as `faults` says.
    pub(crate) fn skipping_unless(faults: &Faults) -> Self {
        let clock = Arc::new(VirtualClock::new());
        let options = EngineOptions {
            clock: Arc::<VirtualClock>::clone(&clock),
            entropy: Arc::new(SeededEntropy::new(1)),
            time_skipping: true,
            ..EngineOptions::default()
        };
        Self { engine: simulation::open(options, faults).unwrap(), clock }
    }

    /// Call the test service.
    pub(crate) async fn time<R: Message + Default>(
        &self,
        method: &str,
        request: impl Message,
    ) -> Result<R, RpcStatus> {
        let body = self.call_raw(TEST_SERVICE, method, None, request.encode_to_vec()).await?;
        Ok(R::decode(body).unwrap())
    }

    pub(crate) async fn lock(&self) {
        let request = LockTimeSkippingRequest {};
        self.time::<LockTimeSkippingResponse>("LockTimeSkipping", request).await.unwrap();
    }

    pub(crate) async fn unlock(&self) -> Result<(), RpcStatus> {
        let request = UnlockTimeSkippingRequest {};
        self.time::<UnlockTimeSkippingResponse>("UnlockTimeSkipping", request).await.map(drop)
    }

    /// `UnlockTimeSkippingWithSleep`.
    pub(crate) async fn sleep(&self, seconds: i64) -> Result<(), RpcStatus> {
        let duration = Some(prost_wkt_types::Duration { seconds, nanos: 0 });
        let request = SleepRequest { duration };
        self.time::<SleepResponse>("UnlockTimeSkippingWithSleep", request).await.map(drop)
    }

    /// Seconds of workflow time since the test began.
    pub(crate) async fn elapsed(&self) -> u64 {
        let now: GetCurrentTimeResponse = self.time("GetCurrentTime", ()).await.unwrap();
        let now = now.time.unwrap();
        let nanos = i64::from(now.nanos) + now.seconds * 1_000_000_000;
        let since = Timestamp(nanos).since(START);
        assert_eq!(since, Duration::from_secs(since.as_secs()), "whole seconds in these tests");
        since.as_secs()
    }
}
