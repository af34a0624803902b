//! The names of things: keys of rows, ids of runs, and the tokens that workers carry.

use std::fmt;

use prost::Message;
use uuid::Uuid;

use crate::{Clock, Entropy, RpcStatus};

/// A position in a run's history, from 1.
pub(crate) type EventId = i64;

/// A run's row: small, ascending in order of start, never used twice in one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RunKey(pub(crate) i64);

/// A namespace's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NamespaceKey(pub(crate) i64);

/// A run's public id, a version 7 UUID: core and the server order runs by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RunId(pub(crate) Uuid);

impl RunId {
    pub(crate) fn new(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
        let millis = u64::try_from(clock.now().0 / 1_000_000).unwrap_or(0);
        let bytes = entropy.bytes();
        let mut random = [0; 10];
        random.copy_from_slice(&bytes[..10]);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// Read what a caller gave.
    pub(crate) fn parse(text: &str) -> Result<Self, RpcStatus> {
        Uuid::try_parse(text).map(Self).map_err(|_| RpcStatus::invalid_argument("Invalid RunId."))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// The token of a workflow task, returned with its result.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct WorkflowTaskToken {
    #[prost(int64, tag = "1")]
    pub(crate) run_key: i64,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) run_id: Vec<u8>,
    /// Names the lease: a task leased again, or after a restart, is another one.
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) lease: Vec<u8>,
}

/// The token of an activity task, returned with its result and its heartbeats.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ActivityToken {
    #[prost(int64, tag = "1")]
    pub(crate) run_key: i64,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) run_id: Vec<u8>,
    #[prost(int64, tag = "3")]
    pub(crate) scheduled_event_id: i64,
    #[prost(int32, tag = "4")]
    pub(crate) attempt: i32,
    /// Nanoseconds: tells a lost attempt from one of the same number that a reset made.
    #[prost(int64, tag = "5")]
    pub(crate) started_time: i64,
    /// Of one without a workflow, to be named when nothing of it is left.
    #[prost(string, tag = "6")]
    pub(crate) activity_id: String,
}

/// Names a query: random, so that an answer from before a restart answers nothing.
pub(crate) type QueryId = u64;

/// The token of a query, returned with its answer.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryToken {
    /// Far from the tags of other tokens, which therefore name no query.
    #[prost(fixed64, tag = "16")]
    pub(crate) query: QueryId,
}

/// Where a reader of a history is.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct HistoryToken {
    #[prost(int64, tag = "1")]
    pub(crate) run_key: i64,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) run_id: Vec<u8>,
    /// The first event of the next page.
    #[prost(int64, tag = "3")]
    pub(crate) next_event_id: i64,
    /// A page for a worker: events up to the started one, also while that is not written yet.
    #[prost(bool, tag = "4")]
    pub(crate) of_task: bool,
}

/// Read the token of a task.
pub(crate) fn parse_task_token<T: Message + Default>(token: &[u8]) -> Result<T, RpcStatus> {
    if token.is_empty() {
        return Err(RpcStatus::invalid_argument("Task token not set on request."));
    }
    T::decode(token).map_err(|_| RpcStatus::invalid_argument("Error deserializing task token."))
}

/// Read a token of another kind.
pub(crate) fn parse_token<T: Message + Default>(token: &[u8], what: &str) -> Result<T, RpcStatus> {
    if token.is_empty() {
        return Err(RpcStatus::invalid_argument(format!("{what} is not set on request.")));
    }
    T::decode(token)
        .map_err(|_| RpcStatus::invalid_argument(format!("Error deserializing {what}.")))
}

/// The kinds of runs. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub(crate) enum RunKind {
    Workflow = 0,
    /// An activity that was started by itself.
    Activity = 1,
}
