//! The answer to an activity task.

use pyo3::prelude::*;
use temporalio_protos::{
    coresdk::{
        ActivityTaskCompletion as Proto,
        activity_result::{
            ActivityExecutionResult, Cancellation, Failure as Failed, Success, WillCompleteAsync,
            activity_execution_result::Status,
        },
    },
    temporal::api::failure::v1::Failure as FailureProto,
};

use crate::{message, payload};

/// The end of an activity's attempt.
#[pyclass(frozen, eq, skip_from_py_object, module = "hourglass._bridge")]
#[derive(Clone, PartialEq)]
pub(crate) struct ActivityCompletion(pub(crate) Proto);

impl ActivityCompletion {
    fn with(task_token: &[u8], status: Status) -> Self {
        Self(Proto {
            task_token: task_token.to_vec(),
            result: Some(ActivityExecutionResult { status: Some(status) }),
        })
    }
}

fn failure_from(value: &Bound<'_, PyAny>) -> PyResult<Option<FailureProto>> {
    message::wire_to_typed(value).map(Some)
}

#[pymethods]
impl ActivityCompletion {
    #[staticmethod]
    #[pyo3(signature = (task_token, result))]
    fn completed(task_token: &[u8], result: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let result = payload::optional("result", result)?;
        Ok(Self::with(task_token, Status::Completed(Success { result })))
    }

    #[staticmethod]
    fn failed(task_token: &[u8], failure: &Bound<'_, PyAny>) -> PyResult<Self> {
        let failed = Failed { failure: failure_from(failure)?, ..Failed::default() };
        Ok(Self::with(task_token, Status::Failed(failed)))
    }

    #[staticmethod]
    fn cancelled(task_token: &[u8], failure: &Bound<'_, PyAny>) -> PyResult<Self> {
        let failure = failure_from(failure)?;
        Ok(Self::with(task_token, Status::Cancelled(Cancellation { failure })))
    }

    #[staticmethod]
    fn will_complete_async(task_token: &[u8]) -> Self {
        Self::with(task_token, Status::WillCompleteAsync(WillCompleteAsync {}))
    }

    fn __repr__(&self) -> String {
        let status = self.0.result.as_ref().and_then(|result| result.status.as_ref());
        let name = match status {
            Some(Status::Completed(_)) => "completed",
            Some(Status::Failed(_)) => "failed",
            Some(Status::Cancelled(_)) => "cancelled",
            Some(Status::WillCompleteAsync(_)) => "will_complete_async",
            None => "empty",
        };
        format!("ActivityCompletion.{name}({} bytes of token)", self.0.task_token.len())
    }
}
