//! Record that a patch is in use.

use pyo3::prelude::*;
use temporalio_protos::coresdk::workflow_commands::{
    SetPatchMarker as Proto, WorkflowCommand, workflow_command::Variant,
};

use super::{Command, plain};
use crate::record;

/// Record that a patch is in use.
#[pyclass(frozen, eq, skip_from_py_object, module = "hourglass._bridge")]
#[derive(Clone, PartialEq)]
pub(crate) struct SetPatchMarker(Proto);

impl Command for SetPatchMarker {
    fn to_core(&self) -> WorkflowCommand {
        plain(Variant::SetPatchMarker(self.0.clone()))
    }
}

#[pymethods]
impl SetPatchMarker {
    #[new]
    #[pyo3(signature = (patch_id, deprecated = false))]
    fn new(patch_id: String, deprecated: bool) -> Self {
        Self(Proto { patch_id, deprecated })
    }

    #[getter]
    fn patch_id(&self) -> &str {
        &self.0.patch_id
    }

    #[getter]
    fn deprecated(&self) -> bool {
        self.0.deprecated
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        record::repr(slf.as_any(), &["patch_id", "deprecated"])
    }
}
