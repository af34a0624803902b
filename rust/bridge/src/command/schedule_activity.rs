//! Schedule an activity.

use prost_wkt_types::Duration;
use pyo3::{
    prelude::*,
    types::{PyDict, PyList},
};
use temporalio_protos::{
    coresdk::workflow_commands::{
        ScheduleActivity as Proto, WorkflowCommand, workflow_command::Variant,
    },
    temporal::api::common::v1::Payload as PayloadProto,
};

use super::{Command, with_summary};
use crate::{
    message,
    payload::{self, Payload},
    record, seconds,
};

/// Schedule an activity.
#[pyclass(frozen, eq, skip_from_py_object, module = "hourglass._bridge")]
#[derive(Clone, PartialEq)]
pub(crate) struct ScheduleActivity {
    proto: Proto,
    summary: Option<PayloadProto>,
}

impl Command for ScheduleActivity {
    fn to_core(&self) -> WorkflowCommand {
        with_summary(Variant::ScheduleActivity(self.proto.clone()), self.summary.as_ref())
    }
}

fn delta<'py>(py: Python<'py>, value: Option<&Duration>) -> PyResult<Option<Bound<'py, PyAny>>> {
    value.map(|duration| seconds::to_timedelta(py, duration)).transpose()
}

#[pymethods]
impl ScheduleActivity {
    #[new]
    #[pyo3(signature = (
        seq, activity_id, activity_type, task_queue, arguments = None, *, headers = None,
        schedule_to_close_timeout = None, schedule_to_start_timeout = None,
        start_to_close_timeout = None, heartbeat_timeout = None, retry_policy = None,
        cancellation_type = 0, do_not_eagerly_execute = false, priority = None, summary = None,
    ))]
    #[allow(clippy::too_many_arguments)] // the command has that many fields
    fn new(
        seq: u32,
        activity_id: String,
        activity_type: String,
        task_queue: String,
        arguments: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyAny>>,
        schedule_to_close_timeout: Option<&Bound<'_, PyAny>>,
        schedule_to_start_timeout: Option<&Bound<'_, PyAny>>,
        start_to_close_timeout: Option<&Bound<'_, PyAny>>,
        heartbeat_timeout: Option<&Bound<'_, PyAny>>,
        retry_policy: Option<&Bound<'_, PyAny>>,
        cancellation_type: i32,
        do_not_eagerly_execute: bool,
        priority: Option<&Bound<'_, PyAny>>,
        summary: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let timeout = seconds::optional_duration;
        let proto = Proto {
            seq,
            activity_id,
            activity_type,
            task_queue,
            arguments: payload::many("arguments", arguments)?,
            headers: payload::named("headers", headers)?,
            schedule_to_close_timeout: timeout(
                "schedule_to_close_timeout",
                schedule_to_close_timeout,
            )?,
            schedule_to_start_timeout: timeout(
                "schedule_to_start_timeout",
                schedule_to_start_timeout,
            )?,
            start_to_close_timeout: timeout("start_to_close_timeout", start_to_close_timeout)?,
            heartbeat_timeout: timeout("heartbeat_timeout", heartbeat_timeout)?,
            retry_policy: retry_policy.map(message::wire_to_typed).transpose()?,
            cancellation_type,
            do_not_eagerly_execute,
            priority: priority.map(message::wire_to_typed).transpose()?,
            ..Proto::default()
        };
        Ok(Self { proto, summary: payload::optional("summary", summary)? })
    }

    #[getter]
    fn seq(&self) -> u32 {
        self.proto.seq
    }

    #[getter]
    fn activity_id(&self) -> &str {
        &self.proto.activity_id
    }

    #[getter]
    fn activity_type(&self) -> &str {
        &self.proto.activity_type
    }

    #[getter]
    fn task_queue(&self) -> &str {
        &self.proto.task_queue
    }

    #[getter]
    fn arguments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        payload::list(py, &self.proto.arguments)
    }

    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        payload::dict(py, &self.proto.headers)
    }

    #[getter]
    fn schedule_to_close_timeout<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        delta(py, self.proto.schedule_to_close_timeout.as_ref())
    }

    #[getter]
    fn schedule_to_start_timeout<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        delta(py, self.proto.schedule_to_start_timeout.as_ref())
    }

    #[getter]
    fn start_to_close_timeout<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        delta(py, self.proto.start_to_close_timeout.as_ref())
    }

    #[getter]
    fn heartbeat_timeout<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        delta(py, self.proto.heartbeat_timeout.as_ref())
    }

    #[getter]
    fn retry_policy(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let policy = self.proto.retry_policy.as_ref();
        policy.map(|policy| message::typed_to_wire(py, policy)).transpose()
    }

    #[getter]
    fn cancellation_type(&self) -> i32 {
        self.proto.cancellation_type
    }

    #[getter]
    fn do_not_eagerly_execute(&self) -> bool {
        self.proto.do_not_eagerly_execute
    }

    #[getter]
    fn priority(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let priority = self.proto.priority.as_ref();
        priority.map(|priority| message::typed_to_wire(py, priority)).transpose()
    }

    #[getter]
    fn summary(&self) -> Option<Payload> {
        self.summary.clone().map(Payload)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let attributes = ["seq", "activity_id", "activity_type", "task_queue", "arguments"];
        record::repr(slf.as_any(), &attributes)
    }
}
