//! The answer to one activation.

use std::sync::atomic::{AtomicBool, Ordering};

use prost::Message;
use pyo3::{
    prelude::*,
    types::{PyBytes, PyList},
};
use temporalio_protos::{
    coresdk::workflow_completion::{
        Failure as FailedTask, Success, WorkflowActivationCompletion,
        workflow_activation_completion::Status,
    },
    temporal::api::failure::v1::Failure as FailureProto,
};

use super::{is_command, to_core};
use crate::{error::Failure, message, record};

/// Commands, or why the task failed.
#[pyclass(frozen, module = "hourglass._bridge")]
pub(crate) struct WorkflowCompletion {
    run_id: String,
    commands: Py<PyList>,
    used_internal_flags: Vec<u32>,
    failed: Option<FailedTask>,
    /// Core has it, or had its chance.
    sent: AtomicBool,
}

impl WorkflowCompletion {
    /// Say whether it is sent for the first time: core must never see an answer twice.
    pub(crate) fn is_first(&self) -> bool {
        !self.sent.swap(true, Ordering::Relaxed)
    }

    /// Core's message: the one copy that handing over a completion costs.
    pub(crate) fn to_core(&self, py: Python<'_>) -> PyResult<WorkflowActivationCompletion> {
        let status = if let Some(failed) = &self.failed {
            Status::Failed(failed.clone())
        } else {
            let commands = self.commands.bind(py);
            let mut out = Vec::with_capacity(commands.len());
            for command in commands.iter() {
                out.push(to_core(&command).ok_or_else(|| not_a_command(out.len(), &command))?);
            }
            Status::Successful(Success {
                commands: out,
                used_internal_flags: self.used_internal_flags.clone(),
                ..Success::default()
            })
        };
        Ok(WorkflowActivationCompletion {
            run_id: self.run_id.clone(),
            status: Some(status),
            ..WorkflowActivationCompletion::default()
        })
    }
}

fn not_a_command(index: usize, item: &Bound<'_, PyAny>) -> Failure {
    let kind =
        item.get_type().name().map_or_else(|_| "something".to_owned(), |name| name.to_string());
    Failure::bad_argument(format!("commands.{index}: {kind} is not a command"))
}

#[pymethods]
impl WorkflowCompletion {
    #[new]
    #[pyo3(signature = (run_id, commands = None, *, used_internal_flags = None))]
    fn new(
        py: Python<'_>,
        run_id: String,
        commands: Option<&Bound<'_, PyAny>>,
        used_internal_flags: Option<Vec<u32>>,
    ) -> PyResult<Self> {
        let list = PyList::empty(py);
        if let Some(commands) = commands {
            for (index, command) in commands.try_iter()?.enumerate() {
                let command = command?;
                if !is_command(&command) {
                    return Err(not_a_command(index, &command).into());
                }
                list.append(command)?;
            }
        }
        Ok(Self {
            run_id,
            commands: list.unbind(),
            used_internal_flags: used_internal_flags.unwrap_or_default(),
            failed: None,
            sent: AtomicBool::new(false),
        })
    }

    #[staticmethod]
    #[pyo3(signature = (run_id, failure, *, cause = 0))]
    fn failed(
        py: Python<'_>,
        run_id: String,
        failure: &Bound<'_, PyAny>,
        cause: i32,
    ) -> PyResult<Self> {
        Ok(Self {
            run_id,
            commands: PyList::empty(py).unbind(),
            used_internal_flags: Vec::new(),
            failed: Some(FailedTask {
                failure: Some(message::wire_to_typed::<FailureProto>(failure)?),
                force_cause: cause,
            }),
            sent: AtomicBool::new(false),
        })
    }

    #[getter]
    fn run_id(&self) -> &str {
        &self.run_id
    }

    #[getter]
    fn commands(&self, py: Python<'_>) -> Py<PyList> {
        self.commands.clone_ref(py)
    }

    #[getter]
    fn failure(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.failed
            .as_ref()
            .and_then(|failed| failed.failure.as_ref())
            .map(|failure| message::typed_to_wire(py, failure))
            .transpose()
    }

    #[pyo3(name = "SerializeToString")]
    fn serialize<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.to_core(py)?.encode_to_vec()))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        record::repr(slf.as_any(), &["run_id", "commands", "failure"])
    }
}
