//! An activity task: start an activity, or cancel one that was started.

use std::sync::LazyLock;

use prost_wkt_types::{Duration, Timestamp};
use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict, PyList},
};
use temporalio_protos::{
    coresdk::activity_task::{
        ActivityCancelReason, ActivityTask as Proto, Cancel, Start, activity_task::Variant,
    },
    temporal::api::common::v1::WorkflowExecution,
};

use crate::{
    error::Failure,
    message,
    payload::{self, bytes_from},
    record, seconds,
};

/// Start an activity, or cancel one that was started.
#[pyclass(frozen, module = "hourglass._bridge")]
pub(crate) struct ActivityTask {
    tag: i64,
    proto: Proto,
}

static NO_START: LazyLock<Start> = LazyLock::new(Start::default);

impl ActivityTask {
    pub(crate) fn from_core(tag: i64, proto: Proto) -> Self {
        Self { tag, proto }
    }

    /// The activity to start; empty for a cancel.
    fn start(&self) -> &Start {
        match &self.proto.variant {
            Some(Variant::Start(start)) => start,
            _ => &NO_START,
        }
    }

    fn cancel(&self) -> Option<&Cancel> {
        match &self.proto.variant {
            Some(Variant::Cancel(cancel)) => Some(cancel),
            _ => None,
        }
    }

    fn execution(&self) -> Option<&WorkflowExecution> {
        self.start().workflow_execution.as_ref()
    }
}

fn instant<'py>(py: Python<'py>, at: Option<&Timestamp>) -> PyResult<Bound<'py, PyAny>> {
    seconds::to_datetime(py, at.unwrap_or(&Timestamp::default()))
}

fn delta<'py>(py: Python<'py>, value: Option<&Duration>) -> PyResult<Option<Bound<'py, PyAny>>> {
    value.map(|duration| seconds::to_timedelta(py, duration)).transpose()
}

/// Keywords whose names in core's message differ, or that it keeps elsewhere.
struct Keywords<'py>(Bound<'py, PyDict>);

impl<'py> Keywords<'py> {
    fn pop(&self, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        let value = self.0.get_item(name)?;
        if value.is_some() {
            self.0.del_item(name)?;
        }
        Ok(value)
    }

    fn rename(&self, from: &str, to: &str) -> PyResult<()> {
        match self.pop(from)? {
            Some(value) => self.0.set_item(to, value),
            None => Ok(()),
        }
    }

    fn nest_execution(&self) -> PyResult<()> {
        let execution = PyDict::new(self.0.py());
        if let Some(id) = self.pop("workflow_id")? {
            execution.set_item("workflow_id", id)?;
        }
        if let Some(id) = self.pop("workflow_run_id")? {
            execution.set_item("run_id", id)?;
        }
        self.0.set_item("workflow_execution", execution)
    }

    fn cancel(&self) -> PyResult<Variant> {
        let cancel = PyDict::new(self.0.py());
        if let Some(reason) = self.pop("cancel_reason")? {
            cancel.set_item("reason", reason)?;
        }
        if let Some(details) = self.pop("cancel_details")? {
            cancel.set_item("details", details)?;
        }
        Ok(Variant::Cancel(message::wire_to_typed(&cancel)?))
    }
}

#[pymethods]
impl ActivityTask {
    #[new]
    #[pyo3(signature = (**fields))]
    fn new(py: Python<'_>, fields: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let given = fields.map_or_else(|| Ok(PyDict::new(py)), PyDictMethods::copy)?;
        let keywords = Keywords(given);
        let tag = keywords.pop("tag")?.map_or(Ok(0), |tag| tag.extract())?;
        let task_token = keywords
            .pop("task_token")?
            .map_or_else(|| Ok(Vec::new()), |token| bytes_from("task_token", &token))?;
        let variant: Option<String> =
            keywords.pop("variant")?.map(|variant| variant.extract()).transpose()?;
        let variant = match variant.as_deref().unwrap_or("start") {
            "start" => {
                keywords.rename("headers", "header_fields")?;
                keywords.nest_execution()?;
                keywords.rename("activity_run_id", "run_id")?;
                Variant::Start(message::wire_to_typed(keywords.0.as_any())?)
            }
            "cancel" => keywords.cancel()?,
            other => {
                let why = format!("variant: {other:?} is neither start nor cancel");
                return Err(Failure::bad_argument(why).into());
            }
        };
        Ok(Self { tag, proto: Proto { task_token, variant: Some(variant) } })
    }

    #[getter]
    fn tag(&self) -> i64 {
        self.tag
    }

    #[getter]
    fn task_token<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.proto.task_token)
    }

    #[getter]
    fn variant(&self) -> &'static str {
        if self.cancel().is_some() { "cancel" } else { "start" }
    }

    #[getter]
    fn cancel_reason(&self) -> &'static str {
        self.cancel()
            .and_then(|cancel| ActivityCancelReason::try_from(cancel.reason).ok())
            .map_or("", |reason| reason.as_str_name())
    }

    #[getter]
    fn cancel_details(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self.cancel().and_then(|cancel| cancel.details.as_ref()) {
            Some(details) => message::typed_to_wire(py, details),
            None => Ok(PyDict::new(py).into_any().unbind()),
        }
    }

    #[getter]
    fn activity_id(&self) -> &str {
        &self.start().activity_id
    }

    #[getter]
    fn activity_type(&self) -> &str {
        &self.start().activity_type
    }

    #[getter]
    fn workflow_namespace(&self) -> &str {
        &self.start().workflow_namespace
    }

    #[getter]
    fn workflow_type(&self) -> &str {
        &self.start().workflow_type
    }

    #[getter]
    fn workflow_id(&self) -> &str {
        self.execution().map_or("", |run| &run.workflow_id)
    }

    #[getter]
    fn workflow_run_id(&self) -> &str {
        self.execution().map_or("", |run| &run.run_id)
    }

    #[getter]
    fn activity_run_id(&self) -> &str {
        &self.start().run_id
    }

    #[getter]
    fn input<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        payload::list(py, &self.start().input)
    }

    #[getter]
    fn heartbeat_details<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        payload::list(py, &self.start().heartbeat_details)
    }

    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        payload::dict(py, &self.start().header_fields)
    }

    #[getter]
    fn attempt(&self) -> u32 {
        self.start().attempt
    }

    #[getter]
    fn is_local(&self) -> bool {
        self.start().is_local
    }

    #[getter]
    fn scheduled_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        instant(py, self.start().scheduled_time.as_ref())
    }

    #[getter]
    fn current_attempt_scheduled_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        instant(py, self.start().current_attempt_scheduled_time.as_ref())
    }

    #[getter]
    fn started_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        instant(py, self.start().started_time.as_ref())
    }

    #[getter]
    fn schedule_to_close_timeout<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        delta(py, self.start().schedule_to_close_timeout.as_ref())
    }

    #[getter]
    fn start_to_close_timeout<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        delta(py, self.start().start_to_close_timeout.as_ref())
    }

    #[getter]
    fn heartbeat_timeout<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        delta(py, self.start().heartbeat_timeout.as_ref())
    }

    #[getter]
    fn retry_policy(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let policy = self.start().retry_policy.as_ref();
        policy.map(|policy| message::typed_to_wire(py, policy)).transpose()
    }

    #[getter]
    fn priority(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let priority = self.start().priority.as_ref();
        priority.map(|priority| message::typed_to_wire(py, priority)).transpose()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let attributes =
            ["tag", "variant", "activity_type", "activity_id", "workflow_id", "attempt"];
        record::repr(slf.as_any(), &attributes)
    }
}
