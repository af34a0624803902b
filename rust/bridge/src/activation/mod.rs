//! Activations, which say what happened to a run, and a class per job.
//!
//! Every job wraps core's message; attributes are read from it when asked for. The constructors are
//! for tests and take the attributes as keywords.

mod cancel_workflow;
mod do_update;
mod fire_timer;
mod initialize_workflow;
mod notify_has_patch;
mod other_job;
mod query_workflow;
mod remove_from_cache;
mod resolve_activity;
mod signal_workflow;
mod update_random_seed;
mod workflow_activation;

use pyo3::{IntoPyObjectExt, prelude::*};
use temporalio_protos::coresdk::workflow_activation::{
    WorkflowActivationJob, workflow_activation_job::Variant,
};

pub(crate) use self::{
    cancel_workflow::CancelWorkflow, do_update::DoUpdate, fire_timer::FireTimer,
    initialize_workflow::InitializeWorkflow, notify_has_patch::NotifyHasPatch, other_job::OtherJob,
    query_workflow::QueryWorkflow, remove_from_cache::RemoveFromCache,
    resolve_activity::ResolveActivity, signal_workflow::SignalWorkflow,
    update_random_seed::UpdateRandomSeed, workflow_activation::WorkflowActivation,
};

/// A job that is nothing but its message: wraps `$proto`, with `repr` and equality.
///
/// `$attributes` are for the repr; the getters are written out in each file.
macro_rules! job_class {
    ($name:ident, $proto:ty, $attributes:expr, { $($body:tt)* }) => {
        #[pyo3::pyclass(frozen, eq, skip_from_py_object, module = "hourglass._bridge")]
        #[derive(Clone, PartialEq)]
        pub(crate) struct $name(pub(crate) $proto);

        #[pyo3::pymethods]
        impl $name {
            $($body)*

            fn __repr__(slf: &pyo3::Bound<'_, Self>) -> pyo3::PyResult<String> {
                $crate::record::repr(slf.as_any(), $attributes)
            }
        }
    };
}
use job_class;

/// A job of core's as its class.
fn job_object(py: Python<'_>, job: WorkflowActivationJob) -> PyResult<Py<PyAny>> {
    match job.variant {
        Some(Variant::InitializeWorkflow(job)) => InitializeWorkflow(job).into_py_any(py),
        Some(Variant::FireTimer(job)) => FireTimer(job).into_py_any(py),
        Some(Variant::UpdateRandomSeed(job)) => UpdateRandomSeed(job).into_py_any(py),
        Some(Variant::QueryWorkflow(job)) => QueryWorkflow(job).into_py_any(py),
        Some(Variant::CancelWorkflow(job)) => CancelWorkflow(job).into_py_any(py),
        Some(Variant::SignalWorkflow(job)) => SignalWorkflow(job).into_py_any(py),
        Some(Variant::ResolveActivity(job)) => ResolveActivity(job).into_py_any(py),
        Some(Variant::NotifyHasPatch(job)) => NotifyHasPatch(job).into_py_any(py),
        Some(Variant::DoUpdate(job)) => DoUpdate(job).into_py_any(py),
        Some(Variant::RemoveFromCache(job)) => RemoveFromCache(job).into_py_any(py),
        other => OtherJob::from_core(&WorkflowActivationJob { variant: other })?.into_py_any(py),
    }
}
