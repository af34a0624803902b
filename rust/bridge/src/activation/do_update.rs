//! An update to validate and run.

use pyo3::{
    prelude::*,
    types::{PyDict, PyList},
};
use temporalio_protos::coresdk::workflow_activation::DoUpdate as Proto;

use super::job_class;
use crate::{message, payload};

job_class!(DoUpdate, Proto, &["id", "protocol_instance_id", "name", "input", "run_validator"], {
    #[new]
    #[pyo3(signature = (**fields))]
    fn new(fields: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let Some(fields) = fields else {
            return Ok(Self(Proto::default()));
        };
        let fields = fields.copy()?;
        if let Some(identity) = fields.get_item("identity")? {
            fields.del_item("identity")?;
            let meta = PyDict::new(fields.py());
            meta.set_item("identity", identity)?;
            fields.set_item("meta", meta)?;
        }
        Ok(Self(message::keywords_to_typed(Some(&fields))?))
    }

    #[getter]
    fn id(&self) -> &str {
        &self.0.id
    }

    #[getter]
    fn protocol_instance_id(&self) -> &str {
        &self.0.protocol_instance_id
    }

    #[getter]
    fn name(&self) -> &str {
        &self.0.name
    }

    #[getter]
    fn input<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        payload::list(py, &self.0.input)
    }

    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        payload::dict(py, &self.0.headers)
    }

    #[getter]
    fn identity(&self) -> &str {
        self.0.meta.as_ref().map_or("", |meta| &meta.identity)
    }

    #[getter]
    fn run_validator(&self) -> bool {
        self.0.run_validator
    }
});
