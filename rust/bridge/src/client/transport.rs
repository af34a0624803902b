//! The way of a client to its service, with retries.
//!
//! A cluster is reached through a channel. The embedded engine is called directly: no
//! frames, no typed copy in between. Both answer bytes to bytes, under one retry policy.

use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hourglass_engine::{Call, RpcStatus};
use temporalio_client::tonic::{Code, Status, metadata::MetadataMap, transport};

use super::channel::RawChannel;
use crate::{
    engine::EngineCore,
    error::{Failure, Kind, Outcome},
};

pub(crate) const WORKFLOW_SERVICE: &str = "temporal.api.workflowservice.v1.WorkflowService";

/// The time an attempt may take when the caller sets no limit.
const ATTEMPT: Duration = Duration::from_secs(30);
/// The time for which transient errors are retried when the caller sets no limit.
const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A service that asks for less traffic gets a longer first pause.
const THROTTLED_PAUSE: Duration = Duration::from_secs(1);

/// A call, as bytes.
#[derive(Clone)]
pub(crate) struct Rpc {
    pub(crate) service: String,
    pub(crate) method: String,
    pub(crate) body: Bytes,
    pub(crate) metadata: MetadataMap,
    /// The limit for the whole call, retries included.
    pub(crate) timeout: Option<Duration>,
    pub(crate) retry: bool,
}

/// The way of a client to its service.
#[derive(Clone)]
pub(crate) enum Transport {
    Cluster(Box<RawChannel>),
    Embedded(Arc<EngineCore>),
}

impl Transport {
    /// Make a call, retrying transient errors.
    pub(crate) async fn call(&self, rpc: &Rpc) -> Outcome<Bytes> {
        let start = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let left = rpc.timeout.map(|timeout| timeout.saturating_sub(start.elapsed()));
            let status = match self.attempt(rpc, left.unwrap_or(ATTEMPT)).await? {
                Ok(body) => return Ok(body),
                Err(status) => status,
            };
            let failure = Failure::rpc(&status);
            if failure.kind == Kind::Database {
                return Err(failure); // says what to do about it, which nobody does by asking again
            }
            let wait = jittered(match status.code() {
                Code::ResourceExhausted => pause.max(THROTTLED_PAUSE),
                _ => pause,
            });
            let budget = rpc.timeout.unwrap_or(PATIENCE);
            if !rpc.retry || !self.is_transient(&status) || start.elapsed() + wait >= budget {
                return Err(failure);
            }
            tokio::time::sleep(wait).await;
            pause = pause.mul_f64(1.7).min(LONGEST_PAUSE);
        }
    }

    fn is_transient(&self, status: &Status) -> bool {
        // An embedded engine's own fault stays one, and a closed one stays closed, however often
        // it is asked.
        let final_code = matches!(status.code(), Code::Internal | Code::Unavailable);
        let own_fault = matches!(self, Self::Embedded(_)) && final_code;
        !own_fault && transient(status)
    }

    async fn attempt(&self, rpc: &Rpc, timeout: Duration) -> Outcome<Result<Bytes, Status>> {
        match self {
            Self::Embedded(engine) => {
                let call = Call {
                    service: rpc.service.clone(),
                    method: rpc.method.clone(),
                    timeout: Some(timeout),
                    body: rpc.body.clone(),
                };
                let answer = engine.native()?.dispatch(call).await;
                Ok(answer.map_err(|status| to_status(&status)))
            }
            Self::Cluster(channel) => {
                // The limit is sent along, and kept here too: a peer that is gone can't keep it.
                let late = Duration::from_millis(500);
                let start = Instant::now();
                match tokio::time::timeout(timeout + late, channel.call(rpc, timeout)).await {
                    Ok(Err(status)) if start.elapsed() >= timeout => Ok(Err(expired(&status))),
                    Ok(answer) => Ok(answer),
                    Err(_) => Ok(Err(Status::deadline_exceeded("no answer in time"))),
                }
            }
        }
    }
}

/// A call that ran out of time says so, also where the transport has words of its own for it.
fn expired(status: &Status) -> Status {
    match status.code() {
        Code::Internal | Code::Unknown | Code::Cancelled => {
            Status::deadline_exceeded(format!("no answer in time ({})", status.message()))
        }
        _ => status.clone(),
    }
}

/// Say whether another try is worth it: the service may be restarting or busy.
fn transient(status: &Status) -> bool {
    let too_large = status.message().contains("larger than max");
    match status.code() {
        Code::Unavailable | Code::Aborted | Code::Unknown | Code::DataLoss | Code::OutOfRange => {
            true
        }
        Code::ResourceExhausted => !too_large,
        // The connection ended before the call was sent, and not the service that ended the call.
        Code::Cancelled => status.source().is_some_and(<dyn Error>::is::<transport::Error>),
        // What a proxy says.
        Code::Internal => !status.message().is_empty(),
        _ => false,
    }
}

/// Callers that failed together don't come back together.
fn jittered(pause: Duration) -> Duration {
    let (_, low) = uuid::Uuid::new_v4().as_u64_pair();
    let part = f64::from(u8::try_from(low & 0xff).unwrap_or(0)) / 255.0;
    pause.mul_f64(0.8 + 0.4 * part)
}

pub(crate) fn to_status(status: &RpcStatus) -> Status {
    Status::with_details(
        Code::from(status.code.number()),
        status.message.clone(),
        status.details.clone(),
    )
}
