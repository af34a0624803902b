//! An activity ended.

use pyo3::{prelude::*, types::PyDict};
use temporalio_protos::{
    coresdk::{
        activity_result::{
            ActivityResolution, Cancellation, DoBackoff, Failure as Failed, Success,
            activity_resolution::Status,
        },
        workflow_activation::ResolveActivity as Proto,
    },
    temporal::api::failure::v1::Failure as FailureProto,
};

use super::job_class;
use crate::{
    error::Failure,
    message,
    payload::{self, Payload},
};

job_class!(ResolveActivity, Proto, &["seq", "status", "result", "failure", "is_local"], {
    #[new]
    #[pyo3(signature = (**fields))]
    fn new(fields: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let Some(fields) = fields else {
            return Ok(Self(Proto::default()));
        };
        let rest = fields.copy()?;
        for special in ["status", "result", "failure", "backoff"] {
            if rest.contains(special)? {
                rest.del_item(special)?;
            }
        }
        let mut proto: Proto = message::keywords_to_typed(Some(&rest))?;
        proto.result = resolution_from(fields)?;
        Ok(Self(proto))
    }

    #[getter]
    fn seq(&self) -> u32 {
        self.0.seq
    }

    #[getter]
    fn status(&self) -> &'static str {
        match status_of(&self.0) {
            Some(Status::Failed(_)) => "failed",
            Some(Status::Cancelled(_)) => "cancelled",
            Some(Status::Backoff(_)) => "backoff",
            Some(Status::Completed(_)) | None => "completed",
        }
    }

    #[getter]
    fn result(&self) -> Option<Payload> {
        match status_of(&self.0) {
            Some(Status::Completed(done)) => done.result.clone().map(Payload),
            _ => None,
        }
    }

    #[getter]
    fn failure(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        failure_of(&self.0).map(|failure| message::typed_to_wire(py, failure)).transpose()
    }

    #[getter]
    fn backoff(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        match status_of(&self.0) {
            Some(Status::Backoff(backoff)) => message::typed_to_wire(py, backoff).map(Some),
            _ => Ok(None),
        }
    }

    #[getter]
    fn is_local(&self) -> bool {
        self.0.is_local
    }
});

fn status_of(proto: &Proto) -> Option<&Status> {
    proto.result.as_ref()?.status.as_ref()
}

fn failure_of(proto: &Proto) -> Option<&FailureProto> {
    match status_of(proto)? {
        Status::Failed(failed) => failed.failure.as_ref(),
        Status::Cancelled(cancelled) => cancelled.failure.as_ref(),
        _ => None,
    }
}

fn resolution_from(fields: &Bound<'_, PyDict>) -> PyResult<Option<ActivityResolution>> {
    let present = |name: &str| -> PyResult<Option<Bound<'_, PyAny>>> {
        Ok(fields.get_item(name)?.filter(|value| !value.is_none()))
    };
    let failure = present("failure")?
        .map(|failure| message::wire_to_typed::<FailureProto>(&failure))
        .transpose()?;
    let status: Option<String> = present("status")?.map(|status| status.extract()).transpose()?;
    let status = match status.as_deref().unwrap_or("completed") {
        "completed" => Status::Completed(Success {
            result: payload::optional("result", present("result")?.as_ref())?,
        }),
        "failed" => Status::Failed(Failed { failure, ..Failed::default() }),
        "cancelled" => Status::Cancelled(Cancellation { failure }),
        "backoff" => Status::Backoff(
            present("backoff")?
                .map(|backoff| message::wire_to_typed::<DoBackoff>(&backoff))
                .transpose()?
                .unwrap_or_default(),
        ),
        other => {
            return Err(Failure::bad_argument(format!(
                "status: {other:?} is not completed, failed, cancelled or backoff"
            ))
            .into());
        }
    };
    Ok(Some(ActivityResolution { status: Some(status) }))
}
