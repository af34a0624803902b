//! A query to answer.

use pyo3::{
    prelude::*,
    types::{PyDict, PyList},
};
use temporalio_protos::coresdk::workflow_activation::QueryWorkflow as Proto;

use super::job_class;
use crate::{message, payload};

job_class!(QueryWorkflow, Proto, &["query_id", "query_type", "arguments", "headers"], {
    #[new]
    #[pyo3(signature = (**fields))]
    fn new(fields: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Ok(Self(message::keywords_to_typed(fields)?))
    }

    #[getter]
    fn query_id(&self) -> &str {
        &self.0.query_id
    }

    #[getter]
    fn query_type(&self) -> &str {
        &self.0.query_type
    }

    #[getter]
    fn arguments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        payload::list(py, &self.0.arguments)
    }

    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        payload::dict(py, &self.0.headers)
    }
});
