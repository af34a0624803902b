//! The run was reset: random values start anew.

use pyo3::{prelude::*, types::PyDict};
use temporalio_protos::coresdk::workflow_activation::UpdateRandomSeed as Proto;

use super::job_class;
use crate::message;

job_class!(UpdateRandomSeed, Proto, &["randomness_seed"], {
    #[new]
    #[pyo3(signature = (**fields))]
    fn new(fields: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Ok(Self(message::keywords_to_typed(fields)?))
    }

    #[getter]
    fn randomness_seed(&self) -> u64 {
        self.0.randomness_seed
    }
});
