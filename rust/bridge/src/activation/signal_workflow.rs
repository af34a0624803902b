//! A signal came in.

use pyo3::{
    prelude::*,
    types::{PyDict, PyList},
};
use temporalio_protos::coresdk::workflow_activation::SignalWorkflow as Proto;

use super::job_class;
use crate::{message, payload};

job_class!(SignalWorkflow, Proto, &["signal_name", "input", "identity", "headers"], {
    #[new]
    #[pyo3(signature = (**fields))]
    fn new(fields: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Ok(Self(message::keywords_to_typed(fields)?))
    }

    #[getter]
    fn signal_name(&self) -> &str {
        &self.0.signal_name
    }

    #[getter]
    fn input<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        payload::list(py, &self.0.input)
    }

    #[getter]
    fn identity(&self) -> &str {
        &self.0.identity
    }

    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        payload::dict(py, &self.0.headers)
    }
});
