//! Ask for an activity to be cancelled.

use pyo3::prelude::*;
use temporalio_protos::coresdk::workflow_commands::{
    RequestCancelActivity as Proto, WorkflowCommand, workflow_command::Variant,
};

use super::{Command, plain};
use crate::record;

/// Ask for an activity to be cancelled.
#[pyclass(frozen, eq, skip_from_py_object, module = "hourglass._bridge")]
#[derive(Clone, PartialEq)]
pub(crate) struct RequestCancelActivity(Proto);

impl Command for RequestCancelActivity {
    fn to_core(&self) -> WorkflowCommand {
        plain(Variant::RequestCancelActivity(self.0))
    }
}

#[pymethods]
impl RequestCancelActivity {
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
