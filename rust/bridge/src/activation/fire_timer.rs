//! A timer fired.

use pyo3::{prelude::*, types::PyDict};
use temporalio_protos::coresdk::workflow_activation::FireTimer as Proto;

use super::job_class;
use crate::message;

job_class!(FireTimer, Proto, &["seq"], {
    #[new]
    #[pyo3(signature = (**fields))]
    fn new(fields: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Ok(Self(message::keywords_to_typed(fields)?))
    }

    #[getter]
    fn seq(&self) -> u32 {
        self.0.seq
    }
});
