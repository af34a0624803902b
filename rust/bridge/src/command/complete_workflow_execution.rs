//! The run ends with a result.

use pyo3::prelude::*;
use temporalio_protos::coresdk::workflow_commands::{
    CompleteWorkflowExecution as Proto, WorkflowCommand, workflow_command::Variant,
};

use super::{Command, plain};
use crate::{
    payload::{self, Payload},
    record,
};

/// The run ends with a result.
#[pyclass(frozen, eq, skip_from_py_object, module = "hourglass._bridge")]
#[derive(Clone, PartialEq)]
pub(crate) struct CompleteWorkflowExecution(Proto);

impl Command for CompleteWorkflowExecution {
    fn to_core(&self) -> WorkflowCommand {
        plain(Variant::CompleteWorkflowExecution(self.0.clone()))
    }
}

#[pymethods]
impl CompleteWorkflowExecution {
    #[new]
    #[pyo3(signature = (result = None))]
    fn new(result: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        Ok(Self(Proto { result: payload::optional("result", result)? }))
    }

    #[getter]
    fn result(&self) -> Option<Payload> {
        self.0.result.clone().map(Payload)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        record::repr(slf.as_any(), &["result"])
    }
}
