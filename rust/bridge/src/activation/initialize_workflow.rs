//! A run starts.

use pyo3::{
    prelude::*,
    types::{PyDict, PyList},
};
use temporalio_protos::coresdk::workflow_activation::InitializeWorkflow as Proto;

use super::job_class;
use crate::{message, payload};

job_class!(InitializeWorkflow, Proto, &["workflow_type", "workflow_id", "arguments", "attempt"], {
    #[new]
    #[pyo3(signature = (**fields))]
    fn new(fields: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let Some(fields) = fields else {
            return Ok(Self(Proto::default()));
        };
        let fields = fields.copy()?;
        if let Some(info) = fields.get_item("info")? {
            fields.del_item("info")?;
            fields.call_method1("update", (info,))?;
        }
        Ok(Self(message::keywords_to_typed(Some(&fields))?))
    }

    #[getter]
    fn workflow_type(&self) -> &str {
        &self.0.workflow_type
    }

    #[getter]
    fn workflow_id(&self) -> &str {
        &self.0.workflow_id
    }

    #[getter]
    fn arguments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        payload::list(py, &self.0.arguments)
    }

    #[getter]
    fn randomness_seed(&self) -> u64 {
        self.0.randomness_seed
    }

    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        payload::dict(py, &self.0.headers)
    }

    #[getter]
    fn identity(&self) -> &str {
        &self.0.identity
    }

    #[getter]
    fn attempt(&self) -> i32 {
        self.0.attempt
    }

    /// Everything that has no attribute of its own.
    #[getter]
    fn info(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let source = &self.0;
        let rest = Proto {
            parent_workflow_info: source.parent_workflow_info.clone(),
            workflow_execution_timeout: source.workflow_execution_timeout,
            workflow_run_timeout: source.workflow_run_timeout,
            workflow_task_timeout: source.workflow_task_timeout,
            continued_from_execution_run_id: source.continued_from_execution_run_id.clone(),
            continued_initiator: source.continued_initiator,
            continued_failure: source.continued_failure.clone(),
            last_completion_result: source.last_completion_result.clone(),
            first_execution_run_id: source.first_execution_run_id.clone(),
            retry_policy: source.retry_policy.clone(),
            cron_schedule: source.cron_schedule.clone(),
            workflow_execution_expiration_time: source.workflow_execution_expiration_time,
            cron_schedule_to_schedule_interval: source.cron_schedule_to_schedule_interval,
            memo: source.memo.clone(),
            search_attributes: source.search_attributes.clone(),
            start_time: source.start_time,
            root_workflow: source.root_workflow.clone(),
            priority: source.priority.clone(),
            original_execution_run_id: source.original_execution_run_id.clone(),
            ..Proto::default()
        };
        message::typed_to_wire(py, &rest)
    }
});
