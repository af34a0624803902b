//! Starting runs, and ending those whose place they take.

use crate::ids::{RunId, RunKey};
use crate::machine::activity::standalone;
use crate::machine::activity::standalone::NewActivity;
use crate::machine::workflow;
use crate::machine::workflow::NewRun;
use crate::proto::common::{Payload, Payloads};
use crate::proto::history;
use crate::transaction::context::{CallError, Context};

/// End the run, if any, that another one takes the place of, which will have the id `by`.
pub(crate) fn replace(
    context: &mut Context,
    run: Option<RunKey>,
    by: RunId,
) -> Result<(), CallError> {
    let Some(run) = run else { return Ok(()) };
    let attributes = history::WorkflowExecutionTerminatedEventAttributes {
        reason: "TerminateIfRunning WorkflowIdReusePolicy".into(),
        details: Some(note(&format!("terminated by new runID: {by}"))),
        identity: "history-service".into(),
    };
    if let Some((run, env)) = context.open_run(run)? {
        workflow::terminate(run, env, attributes, Vec::new());
    }
    Ok(())
}

/// A text as clients decode it.
pub(crate) fn note(text: &str) -> Payloads {
    let metadata = [("encoding".to_owned(), b"json/plain".to_vec())].into();
    let data = format!("\"{text}\"").into_bytes();
    Payloads { payloads: vec![Payload { metadata, data, ..Default::default() }] }
}

/// Start a run of a workflow.
pub(crate) fn start_run(context: &mut Context, new: NewRun) -> RunKey {
    let key = context.next_run_key();
    let run = workflow::start(key, new, &mut context.env);
    context.insert_run(run);
    key
}

/// Start an activity that belongs to no workflow.
pub(crate) fn start_activity(context: &mut Context, new: NewActivity) -> RunKey {
    let key = context.next_run_key();
    let run = standalone::start(key, new, &mut context.env);
    context.insert_run(run);
    key
}
