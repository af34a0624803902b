//! The run ends with a failure.

use pyo3::prelude::*;
use temporalio_protos::{
    coresdk::workflow_commands::{
        FailWorkflowExecution as Proto, WorkflowCommand, workflow_command::Variant,
    },
    temporal::api::failure::v1::Failure,
};

use super::{Command, plain};
use crate::{message, record};

/// The run ends with a failure.
#[pyclass(frozen, eq, skip_from_py_object, module = "hourglass._bridge")]
#[derive(Clone, PartialEq)]
pub(crate) struct FailWorkflowExecution(Failure);

impl Command for FailWorkflowExecution {
    fn to_core(&self) -> WorkflowCommand {
        plain(Variant::FailWorkflowExecution(Proto { failure: Some(self.0.clone()) }))
    }
}

#[pymethods]
impl FailWorkflowExecution {
    #[new]
    fn new(failure: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self(message::wire_to_typed(failure)?))
    }

    #[getter]
    fn failure(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        message::typed_to_wire(py, &self.0)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        record::repr(slf.as_any(), &["failure"])
    }
}
