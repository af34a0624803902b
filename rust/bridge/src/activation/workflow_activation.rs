//! An activation: what happened to one run, to be answered by one `WorkflowCompletion`.

use pyo3::{
    prelude::*,
    types::{PyDict, PyList},
};
use temporalio_protos::coresdk::workflow_activation::WorkflowActivation as Proto;

use super::{RemoveFromCache, job_object};
use crate::{error::Failure, record, seconds};

/// An activation: what happened to a run.
#[pyclass(frozen, get_all, module = "hourglass._bridge")]
pub(crate) struct WorkflowActivation {
    tag: i64,
    run_id: String,
    timestamp: f64,
    timestamp_ns: i64,
    is_replaying: bool,
    history_length: u32,
    history_size_bytes: u64,
    continue_as_new_suggested: bool,
    available_internal_flags: Vec<u32>,
    last_sdk_version: String,
    jobs: Py<PyList>,
}

impl WorkflowActivation {
    pub(crate) fn from_core(py: Python<'_>, tag: i64, proto: Proto) -> PyResult<Self> {
        let jobs = PyList::empty(py);
        for job in proto.jobs {
            jobs.append(job_object(py, job)?)?;
        }
        let timestamp_ns = seconds::to_nanos(proto.timestamp.as_ref());
        Ok(Self {
            tag,
            run_id: proto.run_id,
            timestamp: seconds::nanos_to_float(timestamp_ns),
            timestamp_ns,
            is_replaying: proto.is_replaying,
            history_length: proto.history_length,
            history_size_bytes: proto.history_size_bytes,
            continue_as_new_suggested: proto.continue_as_new_suggested,
            available_internal_flags: proto.available_internal_flags,
            last_sdk_version: proto.last_sdk_version,
            jobs: jobs.unbind(),
        })
    }

    fn empty(py: Python<'_>) -> Self {
        Self {
            tag: 0,
            run_id: String::new(),
            timestamp: 0.0,
            timestamp_ns: 0,
            is_replaying: false,
            history_length: 0,
            history_size_bytes: 0,
            continue_as_new_suggested: false,
            available_internal_flags: Vec::new(),
            last_sdk_version: String::new(),
            jobs: PyList::empty(py).unbind(),
        }
    }

    fn set(&mut self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        match name {
            "tag" => self.tag = value.extract()?,
            "run_id" => self.run_id = value.extract()?,
            "timestamp" => self.timestamp = value.extract()?,
            "timestamp_ns" => self.timestamp_ns = value.extract()?,
            "is_replaying" => self.is_replaying = value.extract()?,
            "history_length" => self.history_length = value.extract()?,
            "history_size_bytes" => self.history_size_bytes = value.extract()?,
            "continue_as_new_suggested" => self.continue_as_new_suggested = value.extract()?,
            "available_internal_flags" => self.available_internal_flags = value.extract()?,
            "last_sdk_version" => self.last_sdk_version = value.extract()?,
            "jobs" => {
                let jobs = PyList::empty(value.py());
                for job in value.try_iter()? {
                    jobs.append(job?)?;
                }
                self.jobs = jobs.unbind();
            }
            _ => {
                return Err(Failure::bad_argument(format!(
                    "WorkflowActivation.{name}: unknown field"
                ))
                .into());
            }
        }
        Ok(())
    }
}

#[pymethods]
impl WorkflowActivation {
    /// Of `timestamp` and `timestamp_ns`, one is enough: it decides the other.
    #[new]
    #[pyo3(signature = (**fields))]
    fn new(py: Python<'_>, fields: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut activation = Self::empty(py);
        let Some(fields) = fields else {
            return Ok(activation);
        };
        for (name, value) in fields.iter() {
            let name: String = name.extract()?;
            activation.set(&name, &value)?;
        }
        if !fields.contains("timestamp_ns")? {
            #[allow(clippy::cast_possible_truncation)] // a clock's time fits
            let nanos = (activation.timestamp * 1e6).round() as i64 * 1_000;
            activation.timestamp_ns = nanos;
        } else if !fields.contains("timestamp")? {
            activation.timestamp = seconds::nanos_to_float(activation.timestamp_ns);
        }
        Ok(activation)
    }

    fn only_eviction(&self, py: Python<'_>) -> PyResult<bool> {
        let jobs = self.jobs.bind(py);
        Ok(jobs.len() == 1 && jobs.get_item(0)?.is_instance_of::<RemoveFromCache>())
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        record::repr(slf.as_any(), &["tag", "run_id", "is_replaying", "jobs"])
    }
}
