//! Answer a query, with a result or a failure.

use pyo3::prelude::*;
use temporalio_protos::coresdk::workflow_commands::{
    QueryResult as Proto, QuerySuccess, WorkflowCommand, query_result, workflow_command::Variant,
};

use super::{Command, plain};
use crate::{
    error::Failure,
    message,
    payload::{self, Payload},
    record,
};

/// Answer a query.
#[pyclass(frozen, eq, skip_from_py_object, module = "hourglass._bridge")]
#[derive(Clone, PartialEq)]
pub(crate) struct RespondToQuery(Proto);

impl Command for RespondToQuery {
    fn to_core(&self) -> WorkflowCommand {
        plain(Variant::RespondToQuery(self.0.clone()))
    }
}

#[pymethods]
impl RespondToQuery {
    #[new]
    #[pyo3(signature = (query_id, *, response = None, failure = None))]
    fn new(
        query_id: String,
        response: Option<&Bound<'_, PyAny>>,
        failure: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let variant = match (response, failure) {
            (Some(_), Some(_)) => {
                let why = "a query is answered by a response or a failure, not by both";
                return Err(Failure::bad_argument(why).into());
            }
            (None, Some(failure)) => {
                query_result::Variant::Failed(message::wire_to_typed(failure)?)
            }
            (response, None) => query_result::Variant::Succeeded(QuerySuccess {
                response: payload::optional("response", response)?,
            }),
        };
        Ok(Self(Proto { query_id, variant: Some(variant) }))
    }

    #[getter]
    fn query_id(&self) -> &str {
        &self.0.query_id
    }

    #[getter]
    fn response(&self) -> Option<Payload> {
        match self.0.variant.as_ref()? {
            query_result::Variant::Succeeded(success) => success.response.clone().map(Payload),
            query_result::Variant::Failed(_) => None,
        }
    }

    #[getter]
    fn failure(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        match &self.0.variant {
            Some(query_result::Variant::Failed(failure)) => {
                message::typed_to_wire(py, failure).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        record::repr(slf.as_any(), &["query_id", "response", "failure"])
    }
}
