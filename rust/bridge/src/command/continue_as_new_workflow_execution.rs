//! The run ends and its workflow goes on in a new one.

use pyo3::prelude::*;
use temporalio_protos::coresdk::workflow_commands::{
    ContinueAsNewWorkflowExecution as Proto, WorkflowCommand, workflow_command::Variant,
};

use super::{Command, plain};
use crate::{message, record};

/// Continue as new.
#[pyclass(frozen, eq, skip_from_py_object, module = "hourglass._bridge")]
#[derive(Clone, PartialEq)]
pub(crate) struct ContinueAsNewWorkflowExecution(Proto);

impl Command for ContinueAsNewWorkflowExecution {
    fn to_core(&self) -> WorkflowCommand {
        plain(Variant::ContinueAsNewWorkflowExecution(self.0.clone()))
    }
}

#[pymethods]
impl ContinueAsNewWorkflowExecution {
    #[new]
    fn new(fields: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self(message::wire_to_typed(fields)?))
    }

    #[getter]
    fn fields(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        message::typed_to_wire(py, &self.0)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        record::repr(slf.as_any(), &["fields"])
    }
}
