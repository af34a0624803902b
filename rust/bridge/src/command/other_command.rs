//! A command without a class of its own, by the name of its field.

use prost::Message;
use prost_reflect::{DynamicMessage, Value};
use pyo3::prelude::*;
use temporalio_protos::{
    coresdk::workflow_commands::WorkflowCommand,
    temporal::api::{common::v1::Payload as PayloadProto, sdk::v1::UserMetadata},
};

use super::Command;
use crate::{
    error::Failure,
    message,
    payload::{self, Payload},
    record,
};

const COMMAND: &str = "coresdk.workflow_commands.WorkflowCommand";

/// Any other command.
#[pyclass(frozen, eq, skip_from_py_object, module = "hourglass._bridge")]
#[derive(Clone, PartialEq)]
pub(crate) struct OtherCommand {
    variant: String,
    fields: DynamicMessage,
    proto: WorkflowCommand,
    summary: Option<PayloadProto>,
    details: Option<PayloadProto>,
}

impl Command for OtherCommand {
    fn to_core(&self) -> WorkflowCommand {
        self.proto.clone()
    }
}

#[pymethods]
impl OtherCommand {
    #[new]
    #[pyo3(signature = (variant, fields, *, summary = None, details = None))]
    fn new(
        variant: String,
        fields: &Bound<'_, PyAny>,
        summary: Option<&Bound<'_, PyAny>>,
        details: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let unknown = || Failure::bad_argument(format!("variant: no command {variant:?}"));
        let descriptor = message::descriptor(COMMAND)?;
        let field = descriptor
            .get_field_by_name(&variant)
            .filter(|field| field.containing_oneof().is_some())
            .ok_or_else(unknown)?;
        let kind = field.kind();
        let inner = message::from_wire(kind.as_message().ok_or_else(unknown)?, fields)?;
        let mut command = DynamicMessage::new(descriptor);
        command.set_field(&field, Value::Message(inner.clone()));
        let mut proto: WorkflowCommand = message::decode(&command.encode_to_vec())?;
        let summary = payload::optional("summary", summary)?;
        let details = payload::optional("details", details)?;
        let metadata = UserMetadata { summary: summary.clone(), details: details.clone() };
        proto.user_metadata = (metadata != UserMetadata::default()).then_some(metadata);
        Ok(Self { variant, fields: inner, proto, summary, details })
    }

    #[getter]
    fn variant(&self) -> &str {
        &self.variant
    }

    #[getter]
    fn fields(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        message::to_wire(py, &self.fields)
    }

    #[getter]
    fn summary(&self) -> Option<Payload> {
        self.summary.clone().map(Payload)
    }

    #[getter]
    fn details(&self) -> Option<Payload> {
        self.details.clone().map(Payload)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        record::repr(slf.as_any(), &["variant", "fields", "summary", "details"])
    }
}
