//! Cancel a timer that was started.

use pyo3::prelude::*;
use temporalio_protos::coresdk::workflow_commands::{
    CancelTimer as Proto, WorkflowCommand, workflow_command::Variant,
};

use super::{Command, plain};
use crate::record;

/// Cancel a timer that was started.
#[pyclass(frozen, eq, skip_from_py_object, module = "hourglass._bridge")]
#[derive(Clone, PartialEq)]
pub(crate) struct CancelTimer(Proto);

impl Command for CancelTimer {
    fn to_core(&self) -> WorkflowCommand {
        plain(Variant::CancelTimer(self.0))
    }
}

#[pymethods]
impl CancelTimer {
    #[new]
    fn new(seq: u32) -> Self {
        Self(Proto { seq })
    }

    #[getter]
    fn seq(&self) -> u32 {
        self.0.seq
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        record::repr(slf.as_any(), &["seq"])
    }
}
