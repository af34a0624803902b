//! Items of an inbox: everything a pump or a completion has to tell Python.

use pyo3::{IntoPyObjectExt, prelude::*, types::PyBytes};
use temporalio_protos::coresdk::{
    activity_task::ActivityTask as ActivityProto,
    workflow_activation::WorkflowActivation as ActivationProto,
};

use crate::{
    activation::WorkflowActivation,
    activity::ActivityTask,
    error::{Failure, exception},
};

/// Which of a worker's two polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Poll {
    Workflow,
    Activity,
}

impl Poll {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Activity => "activity",
        }
    }
}

/// An item of an inbox, still native.
pub(crate) enum Delivery {
    Activation { tag: i64, activation: Box<ActivationProto> },
    Activity { tag: i64, task: Box<ActivityProto> },
    Rejected { tag: i64, run_id: String, task_token: Vec<u8>, failure: Failure },
    Ended { tag: i64, poll: Poll, failure: Option<Failure> },
}

impl Delivery {
    pub(crate) fn into_object(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self {
            Self::Activation { tag, activation } => {
                WorkflowActivation::from_core(py, tag, *activation)?.into_py_any(py)
            }
            Self::Activity { tag, task } => ActivityTask::from_core(tag, *task).into_py_any(py),
            Self::Rejected { tag, run_id, task_token, failure } => CompletionRejected {
                tag,
                run_id,
                task_token: PyBytes::new(py, &task_token).unbind(),
                error: exception(py, &failure)?.unbind(),
            }
            .into_py_any(py),
            Self::Ended { tag, poll, failure } => PollingEnded {
                tag,
                poll: poll.name(),
                error: failure
                    .map(|failure| exception(py, &failure).map(Bound::unbind))
                    .transpose()?,
            }
            .into_py_any(py),
        }
    }
}

/// A completion that core refused.
#[pyclass(frozen, get_all, module = "hourglass._bridge")]
pub(crate) struct CompletionRejected {
    tag: i64,
    run_id: String,
    task_token: Py<PyBytes>,
    error: Py<PyAny>,
}

/// The last delivery of a poll.
#[pyclass(frozen, get_all, module = "hourglass._bridge")]
pub(crate) struct PollingEnded {
    tag: i64,
    poll: &'static str,
    error: Option<Py<PyAny>>,
}
