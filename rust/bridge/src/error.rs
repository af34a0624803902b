//! Failures as a closed set of kinds, and the one place where they become Python exceptions.

use hourglass_engine::DATABASE_FAILURE;
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    sync::PyOnceLock,
    types::{PyList, PyString, PyTuple, PyType},
};
use temporalio_client::tonic::Status;

use crate::message;

/// The kinds of `BridgeError`. The stub says what each one means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    BadArgument,
    BadTarget,
    Cancelled,
    Completion,
    Connect,
    Database,
    DatabaseInUse,
    History,
    Internal,
    Nondeterminism,
    Poll,
    Rpc,
    Shutdown,
    StaleHandle,
    Timeout,
    Validation,
}

impl Kind {
    pub(crate) const ALL: [(Self, &'static str); 16] = [
        (Self::BadArgument, "bad_argument"),
        (Self::BadTarget, "bad_target"),
        (Self::Cancelled, "cancelled"),
        (Self::Completion, "completion"),
        (Self::Connect, "connect"),
        (Self::Database, "database"),
        (Self::DatabaseInUse, "database_in_use"),
        (Self::History, "history"),
        (Self::Internal, "internal"),
        (Self::Nondeterminism, "nondeterminism"),
        (Self::Poll, "poll"),
        (Self::Rpc, "rpc"),
        (Self::Shutdown, "shutdown"),
        (Self::StaleHandle, "stale_handle"),
        (Self::Timeout, "timeout"),
        (Self::Validation, "validation"),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("internal", |(_, name)| name)
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }
}

/// An error on the native side: what a `BridgeError` is made from.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    pub(crate) message: String,
    /// The gRPC status code, for [`Kind::Rpc`].
    pub(crate) status: Option<i32>,
    /// The details of the gRPC status, for [`Kind::Rpc`].
    pub(crate) details: Vec<prost_wkt_types::Any>,
    /// The origin of the handle, for [`Kind::StaleHandle`].
    pub(crate) handle: Option<Origin>,
}

/// The process a handle belongs to, and which of its runtimes, if of any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) pid: u32,
    pub(crate) epoch: Option<u64>,
}

pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), status: None, details: Vec::new(), handle: None }
    }

    pub(crate) fn bad_argument(message: impl Into<String>) -> Self {
        Self::new(Kind::BadArgument, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    pub(crate) fn timeout(message: impl Into<String>) -> Self {
        Self::new(Kind::Timeout, message)
    }

    /// A call that failed: because the service said so, or because an embedded engine's database did.
    pub(crate) fn rpc(status: &Status) -> Self {
        let details = message::decode::<message::RpcStatus>(status.details())
            .map(|inner| inner.details)
            .unwrap_or_default();
        if details.iter().any(|detail| detail.type_url.ends_with(DATABASE_FAILURE)) {
            return Self::new(Kind::Database, status.message());
        }
        Self {
            kind: Kind::Rpc,
            message: status.message().to_owned(),
            status: Some(i32::from(status.code())),
            details,
            handle: None,
        }
    }

    pub(crate) fn stale(message: impl Into<String>, handle: Origin) -> Self {
        Self { handle: Some(handle), ..Self::new(Kind::StaleHandle, message) }
    }
}

/// The exception classes, made once per interpreter by `errors.py`.
static CLASSES: PyOnceLock<(Py<PyType>, Py<PyType>)> = PyOnceLock::new();

/// Make the exception classes and add them to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let source = PyModule::from_code(
        py,
        c_source().as_c_str(),
        c"hourglass/_bridge/errors.py",
        c"hourglass._bridge",
    )?;
    let general = source.getattr("BridgeError")?.cast_into::<PyType>()?;
    let stale = source.getattr("StaleHandleError")?.cast_into::<PyType>()?;
    module.add("BridgeError", &general)?;
    module.add("StaleHandleError", &stale)?;
    let names = Kind::ALL.iter().map(|(_, name)| name);
    module.add("BRIDGE_ERROR_KINDS", PyTuple::new(py, names)?)?;
    CLASSES.get_or_init(py, || (general.unbind(), stale.unbind()));
    Ok(())
}

fn c_source() -> std::ffi::CString {
    std::ffi::CString::new(include_str!("errors.py")).unwrap_or_default()
}

/// The exception itself, unraised: `CompletionRejected.error` and its like.
pub(crate) fn exception<'py>(py: Python<'py>, failure: &Failure) -> PyResult<Bound<'py, PyAny>> {
    let (general, stale) = CLASSES
        .get(py)
        .ok_or_else(|| PyValueError::new_err("the native module is not initialised"))?;
    let class = match failure.kind {
        Kind::StaleHandle => stale,
        _ => general,
    };
    let details = failure
        .details
        .iter()
        .map(|any| message::any_to_wire(py, any))
        .collect::<PyResult<Vec<_>>>()?;
    let exception = class.bind(py).call1((
        PyString::intern(py, failure.kind.name()),
        failure.message.as_str(),
        failure.status,
        PyList::new(py, details)?,
    ))?;
    if let Some(handle) = failure.handle {
        exception.setattr("pid", handle.pid)?;
        exception.setattr("epoch", handle.epoch)?;
    }
    Ok(exception)
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        Python::attach(|py| match exception(py, &failure) {
            Ok(instance) => Self::from_value(instance),
            Err(error) => error,
        })
    }
}

/// Raise a `BridgeError` of the given kind.
#[pyfunction]
pub(crate) fn fail(kind: &str, message: &str) -> PyResult<()> {
    let known = Kind::parse(kind)
        .ok_or_else(|| Failure::bad_argument(format!("kind: {kind:?} is not an error kind")))?;
    Err(Failure::new(known, message).into())
}

/// The name of a gRPC status code.
#[pyfunction]
pub(crate) fn status_name(code: i32) -> PyResult<&'static str> {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    usize::try_from(code)
        .ok()
        .and_then(|index| NAMES.get(index).copied())
        .ok_or_else(|| Failure::bad_argument(format!("code: {code} is not a gRPC status")).into())
}
