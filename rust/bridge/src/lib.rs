//! The native module `hourglass._bridge`: Temporal's core and the embedded engine as frozen Python
//! classes. The contract, with its four rules, is `python/hourglass/_bridge.pyi`.

mod activation;
mod activity;
mod client;
mod command;
mod cpu_clock;
mod delivery;
mod engine;
mod error;
mod fork;
mod handle;
mod history;
mod inbox;
mod logs;
mod message;
mod operation;
mod panics;
mod payload;
mod port;
mod record;
mod replayer;
mod runtime;
mod seconds;
mod sync;
mod waiting;
mod watchdog;
mod worker;

use pyo3::prelude::*;

/// The module is loaded and calls reach it.
#[pyfunction]
fn ping() -> &'static str {
    "pong"
}

#[pymodule(name = "_bridge")]
fn bridge(module: &Bound<'_, PyModule>) -> PyResult<()> {
    error::register(module)?;
    module.add_function(wrap_pyfunction!(ping, module)?)?;
    module.add_function(wrap_pyfunction!(error::fail, module)?)?;
    module.add_function(wrap_pyfunction!(error::status_name, module)?)?;
    add_handles(module)?;
    add_waiting(module)?;
    add_activations(module)?;
    add_commands(module)
}

fn add_handles(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<runtime::Runtime>()?;
    module.add_class::<engine::Engine>()?;
    module.add_class::<client::Client>()?;
    module.add_class::<worker::Worker>()?;
    module.add_class::<replayer::Replayer>()?;
    module.add_class::<history::History>()
}

fn add_waiting(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<operation::Operation>()?;
    module.add_class::<port::Port>()?;
    module.add_class::<inbox::Inbox>()?;
    module.add_class::<watchdog::Watch>()?;
    module.add_class::<watchdog::Overrun>()?;
    module.add_class::<payload::Payload>()?;
    module.add_class::<delivery::CompletionRejected>()?;
    module.add_class::<delivery::PollingEnded>()?;
    module.add_class::<activity::ActivityTask>()?;
    module.add_class::<activity::ActivityCompletion>()
}

fn add_activations(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<activation::WorkflowActivation>()?;
    module.add_class::<activation::InitializeWorkflow>()?;
    module.add_class::<activation::FireTimer>()?;
    module.add_class::<activation::UpdateRandomSeed>()?;
    module.add_class::<activation::QueryWorkflow>()?;
    module.add_class::<activation::CancelWorkflow>()?;
    module.add_class::<activation::SignalWorkflow>()?;
    module.add_class::<activation::ResolveActivity>()?;
    module.add_class::<activation::NotifyHasPatch>()?;
    module.add_class::<activation::DoUpdate>()?;
    module.add_class::<activation::RemoveFromCache>()?;
    module.add_class::<activation::OtherJob>()
}

fn add_commands(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<command::StartTimer>()?;
    module.add_class::<command::CancelTimer>()?;
    module.add_class::<command::ScheduleActivity>()?;
    module.add_class::<command::RequestCancelActivity>()?;
    module.add_class::<command::RespondToQuery>()?;
    module.add_class::<command::CompleteWorkflowExecution>()?;
    module.add_class::<command::FailWorkflowExecution>()?;
    module.add_class::<command::ContinueAsNewWorkflowExecution>()?;
    module.add_class::<command::CancelWorkflowExecution>()?;
    module.add_class::<command::SetPatchMarker>()?;
    module.add_class::<command::OtherCommand>()?;
    module.add_class::<command::WorkflowCompletion>()
}
