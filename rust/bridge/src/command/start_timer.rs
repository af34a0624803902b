//! Start a durable timer.

use pyo3::prelude::*;
use temporalio_protos::{
    coresdk::workflow_commands::{StartTimer as Proto, WorkflowCommand, workflow_command::Variant},
    temporal::api::common::v1::Payload as PayloadProto,
};

use super::{Command, with_summary};
use crate::{
    payload::{self, Payload},
    record, seconds,
};

/// Start a durable timer.
#[pyclass(frozen, eq, skip_from_py_object, module = "hourglass._bridge")]
#[derive(Clone, PartialEq)]
pub(crate) struct StartTimer {
    proto: Proto,
    summary: Option<PayloadProto>,
}

impl Command for StartTimer {
    fn to_core(&self) -> WorkflowCommand {
        with_summary(Variant::StartTimer(self.proto), self.summary.as_ref())
    }
}

#[pymethods]
impl StartTimer {
    #[new]
    #[pyo3(signature = (seq, start_to_fire_timeout, summary = None))]
    fn new(
        seq: u32,
        start_to_fire_timeout: &Bound<'_, PyAny>,
        summary: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let timeout = seconds::required_duration("start_to_fire_timeout", start_to_fire_timeout)?;
        Ok(Self {
            proto: Proto { seq, start_to_fire_timeout: Some(timeout) },
            summary: payload::optional("summary", summary)?,
        })
    }

    #[getter]
    fn seq(&self) -> u32 {
        self.proto.seq
    }

    #[getter]
    fn start_to_fire_timeout<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        seconds::to_timedelta(py, &self.proto.start_to_fire_timeout.unwrap_or_default())
    }

    #[getter]
    fn summary(&self) -> Option<Payload> {
        self.summary.clone().map(Payload)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        record::repr(slf.as_any(), &["seq", "start_to_fire_timeout", "summary"])
    }
}
