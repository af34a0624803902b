//! A job without a class of its own, by the name of its field.

use prost::Message;
use prost_reflect::DynamicMessage;
use pyo3::{prelude::*, types::PyDict};
use temporalio_protos::coresdk::workflow_activation::WorkflowActivationJob;

use crate::{
    error::{Failure, Outcome},
    message, record,
};

const JOB: &str = "coresdk.workflow_activation.WorkflowActivationJob";

/// Children, external workflows, Nexus.
#[pyclass(frozen, eq, skip_from_py_object, module = "hourglass._bridge")]
#[derive(Clone, PartialEq)]
pub(crate) struct OtherJob {
    variant: String,
    fields: DynamicMessage,
}

impl OtherJob {
    pub(super) fn from_core(job: &WorkflowActivationJob) -> Outcome<Self> {
        let descriptor = message::descriptor(JOB)?;
        let decoded = DynamicMessage::decode(descriptor, job.encode_to_vec().as_slice())
            .map_err(|error| Failure::internal(format!("{JOB}: {error}")))?;
        let found = decoded.fields().find_map(|(field, value)| {
            let fields = value.as_message()?.clone();
            Some(Self { variant: field.name().to_owned(), fields })
        });
        found.ok_or_else(|| Failure::internal("core sent a job that this version doesn't know"))
    }
}

#[pymethods]
impl OtherJob {
    #[new]
    #[pyo3(signature = (**fields))]
    fn new(fields: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let missing = || Failure::bad_argument("OtherJob takes variant and fields");
        let given = fields.ok_or_else(missing)?;
        let variant: String = given.get_item("variant")?.ok_or_else(missing)?.extract()?;
        let field = message::descriptor(JOB)?
            .get_field_by_name(&variant)
            .ok_or_else(|| Failure::bad_argument(format!("variant: no job {variant:?}")))?;
        let kind = field.kind();
        let inner = kind.as_message().ok_or_else(missing)?;
        let fields = match given.get_item("fields")? {
            Some(fields) => message::from_wire(inner, &fields)?,
            None => DynamicMessage::new(inner.clone()),
        };
        Ok(Self { variant, fields })
    }

    #[getter]
    fn variant(&self) -> &str {
        &self.variant
    }

    #[getter]
    fn fields(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        message::to_wire(py, &self.fields)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        record::repr(slf.as_any(), &["variant", "fields"])
    }
}
