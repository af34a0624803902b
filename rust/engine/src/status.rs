//! The status of a failed call: gRPC's, without depending on a transport.

use bytes::Bytes;
use prost::Message;

/// The full name of the message in the details of a call that the database failed.
pub const DATABASE_FAILURE: &str = "hourglass.v1.DatabaseFailure";

/// gRPC status codes, with gRPC's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[allow(missing_docs, reason = "the names are gRPC's")]
pub enum Code {
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

impl Code {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }
}

/// The failure of one call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code:?}: {message}")]
pub struct RpcStatus {
    /// The gRPC code.
    pub code: Code,
    /// For people. Some clients match on it, so texts that Temporal's server uses are kept verbatim.
    pub message: String,
    /// An encoded `google.rpc.Status`; empty when there is nothing to add to code and message.
    pub details: Bytes,
}

impl RpcStatus {
    /// A status with nothing but a code and a message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Bytes::new() }
    }

    /// A status whose details hold `detail`, a message of `temporal.api.errordetails.v1` named `name`.
    pub fn with_detail(
        code: Code,
        message: impl Into<String>,
        name: &str,
        detail: &impl Message,
    ) -> Self {
        Self::with_detail_of(code, message, &format!("temporal.api.errordetails.v1.{name}"), detail)
    }

    /// Make a status whose details hold a message of any package, by its full name.
    pub(crate) fn with_detail_of(
        code: Code,
        message: impl Into<String>,
        full_name: &str,
        detail: &impl Message,
    ) -> Self {
        let message = message.into();
        let any = Any {
            type_url: format!("type.googleapis.com/{full_name}"),
            value: detail.encode_to_vec(),
        };
        let status = Status { code: code.number(), message: message.clone(), details: vec![any] };
        Self { code, message, details: status.encode_to_vec().into() }
    }

    /// The database failed, and the message says how. Marked, so that a client that has the engine in
    /// its process can tell it from what a service means by the code.
    pub(crate) fn database(code: Code, message: impl Into<String>) -> Self {
        Self::with_detail_of(code, message, DATABASE_FAILURE, &())
    }

    /// The messages in the details.
    pub(crate) fn messages(&self) -> Vec<prost_wkt_types::Any> {
        let status = Status::decode(self.details.as_ref()).unwrap_or_default();
        let messages = status.details.into_iter();
        messages
            .map(|any| prost_wkt_types::Any { type_url: any.type_url, value: any.value })
            .collect()
    }

    /// `INVALID_ARGUMENT`: the request can't be meant.
    pub fn invalid_argument(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    /// `NOT_FOUND`: what the request names is not there (any more).
    pub fn not_found(message: impl Into<String>) -> Self {
        let detail = crate::proto::errordetails::NotFoundFailure::default();
        Self::with_detail(Code::NotFound, message, "NotFoundFailure", &detail)
    }

    /// `UNIMPLEMENTED`: the engine does not do this; the message says what.
    pub fn unimplemented(message: impl Into<String>) -> Self {
        Self::new(Code::Unimplemented, message)
    }

    /// `UNAVAILABLE`: the engine is closing or closed.
    #[must_use]
    pub fn closed() -> Self {
        Self::new(Code::Unavailable, "the embedded engine is closed")
    }
}

/// `google.rpc.Status`, declared here because its crate would be one more dependency for three fields.
#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}
