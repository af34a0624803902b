//! The run leaves the cache: forget it and answer with no commands.

use pyo3::{prelude::*, types::PyDict};
use temporalio_protos::coresdk::workflow_activation::RemoveFromCache as Proto;

use super::job_class;
use crate::message;

job_class!(RemoveFromCache, Proto, &["message", "reason"], {
    #[new]
    #[pyo3(signature = (**fields))]
    fn new(fields: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Ok(Self(message::keywords_to_typed(fields)?))
    }

    #[getter]
    fn message(&self) -> &str {
        &self.0.message
    }

    #[getter]
    fn reason(&self) -> i32 {
        self.0.reason
    }
});
