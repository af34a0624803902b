//! The run ends as cancelled.

use pyo3::{prelude::*, types::PyList};
use temporalio_protos::{
    coresdk::workflow_commands::{
        CancelWorkflowExecution as Proto, WorkflowCommand, workflow_command::Variant,
    },
    temporal::api::common::v1::Payloads,
};

use super::{Command, plain};
use crate::{payload, record};

/// The run ends as cancelled.
#[pyclass(frozen, eq, skip_from_py_object, module = "hourglass._bridge")]
#[derive(Clone, PartialEq)]
pub(crate) struct CancelWorkflowExecution(Proto);

impl Command for CancelWorkflowExecution {
    fn to_core(&self) -> WorkflowCommand {
        plain(Variant::CancelWorkflowExecution(self.0.clone()))
    }
}

#[pymethods]
impl CancelWorkflowExecution {
    #[new]
    #[pyo3(signature = (details = None))]
    fn new(details: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let payloads = payload::many("details", details)?;
        Ok(Self(Proto { details: (!payloads.is_empty()).then_some(Payloads { payloads }) }))
    }

    #[getter]
    fn details<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let details = self.0.details.as_ref();
        payload::list(py, details.map_or(&[], |details| &details.payloads))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        record::repr(slf.as_any(), &["details"])
    }
}
