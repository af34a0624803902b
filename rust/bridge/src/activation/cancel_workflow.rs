//! A request to cancel the run.

use pyo3::{prelude::*, types::PyDict};
use temporalio_protos::coresdk::workflow_activation::CancelWorkflow as Proto;

use super::job_class;
use crate::message;

job_class!(CancelWorkflow, Proto, &["reason"], {
    #[new]
    #[pyo3(signature = (**fields))]
    fn new(fields: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Ok(Self(message::keywords_to_typed(fields)?))
    }

    #[getter]
    fn reason(&self) -> &str {
        &self.0.reason
    }
});
