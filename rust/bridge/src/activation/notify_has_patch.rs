//! The history has the marker of a patch.

use pyo3::{prelude::*, types::PyDict};
use temporalio_protos::coresdk::workflow_activation::NotifyHasPatch as Proto;

use super::job_class;
use crate::message;

job_class!(NotifyHasPatch, Proto, &["patch_id"], {
    #[new]
    #[pyo3(signature = (**fields))]
    fn new(fields: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Ok(Self(message::keywords_to_typed(fields)?))
    }

    #[getter]
    fn patch_id(&self) -> &str {
        &self.0.patch_id
    }
});
