//! Signals and requests to cancel from one run to another.

use crate::ids::{EventId, RunKey};
use crate::machine::child::IDENTITY;
use crate::machine::external::{Missed, cancelled, request_cancel, signalled};
use crate::machine::{workflow, workflow_task};
use crate::proto::history::{
    RequestCancelExternalWorkflowExecutionInitiatedEventAttributes,
    SignalExternalWorkflowExecutionInitiatedEventAttributes,
};
use crate::proto::{Attributes, common, history};
use crate::state::run::{Run, make_event};
use crate::store::RunRow;
use crate::transaction::context::{CallError, Context};

/// The run that another one means. A run can't mean itself.
pub(crate) fn target(
    context: &mut Context,
    source: RunKey,
    namespace: &str,
    execution: Option<&common::WorkflowExecution>,
    child_only: bool,
) -> Result<Result<RunRow, Missed>, CallError> {
    let Ok(namespace) = context.namespace(namespace) else { return Ok(Err(Missed::Namespace)) };
    let row = match context.find_run(namespace, execution) {
        Ok(row) => row,
        Err(CallError::Status(_)) => return Ok(Err(Missed::Run)),
        Err(failure) => return Err(failure),
    };
    let itself = context.runs.get(&source).is_some_and(|run| {
        run.row.namespace == row.namespace && run.row.workflow_id == row.workflow_id
    });
    // By its id: the key of a parent that was deleted may be another run's.
    let parent = row.record.parent.as_ref().and_then(|parent| parent.execution.as_ref());
    let own = context.runs.get(&source).map(Run::execution);
    let stranger = child_only && row.is_open() && parent != own.as_ref();
    Ok(if itself || stranger { Err(Missed::Run) } else { Ok(row) })
}

/// From whom to whom something goes.
pub(crate) struct Way {
    pub(crate) from: common::WorkflowExecution,
    pub(crate) to: Result<RunRow, Missed>,
}

/// A run that closed with the same task reaches nobody any more.
pub(crate) fn way(
    context: &mut Context,
    source: RunKey,
    namespace: &str,
    execution: Option<&common::WorkflowExecution>,
    child_only: bool,
) -> Result<Option<Way>, CallError> {
    let Some((run, _)) = context.open_run(source)? else { return Ok(None) };
    let from = run.execution();
    let to = target(context, source, namespace, execution, child_only)?;
    Ok(Some(Way { from, to }))
}

/// Send a signal.
pub(crate) fn signal(
    context: &mut Context,
    source: RunKey,
    initiated_event_id: EventId,
    sent: SignalExternalWorkflowExecutionInitiatedEventAttributes,
) -> Result<(), CallError> {
    let execution = sent.workflow_execution.as_ref();
    let child_only = sent.child_workflow_only;
    let Some(way) = way(context, source, &sent.namespace, execution, child_only)? else {
        return Ok(());
    };
    let missed = match way.to {
        Ok(row) if row.is_open() => {
            let request_id = uuid::Uuid::from_bytes(context.env.entropy.bytes()).to_string();
            if let Some((run, env)) = context.open_run(row.key)? {
                let attributes = history::WorkflowExecutionSignaledEventAttributes {
                    signal_name: sent.signal_name.clone(),
                    input: sent.input.clone(),
                    identity: IDENTITY.into(),
                    header: sent.header.clone(),
                    external_workflow_execution: Some(way.from),
                    request_id,
                    ..Default::default()
                };
                let attributes = Attributes::WorkflowExecutionSignaledEventAttributes(attributes);
                let event = make_event(env, attributes);
                workflow::receive(run, env, event);
            }
            None
        }
        Ok(_) => Some(Missed::Run),
        Err(missed) => Some(missed),
    };
    tell(context, source, signalled(initiated_event_id, sent, missed))
}

/// Request a cancellation. A run that is closed needs none: that counts as done.
pub(crate) fn cancel(
    context: &mut Context,
    source: RunKey,
    initiated_event_id: EventId,
    asked: RequestCancelExternalWorkflowExecutionInitiatedEventAttributes,
) -> Result<(), CallError> {
    let execution = asked.workflow_execution.as_ref();
    let child_only = asked.child_workflow_only;
    let Some(way) = way(context, source, &asked.namespace, execution, child_only)? else {
        return Ok(());
    };
    let missed = match way.to {
        Ok(row) => {
            if let Some((run, env)) = context.open_run(row.key)? {
                let attributes = history::WorkflowExecutionCancelRequestedEventAttributes {
                    cause: asked.reason.clone(),
                    external_initiated_event_id: initiated_event_id,
                    external_workflow_execution: Some(way.from),
                    identity: IDENTITY.into(),
                };
                request_cancel(run, env, attributes, Vec::new());
            }
            None
        }
        Err(missed) => Some(missed),
    };
    tell(context, source, cancelled(initiated_event_id, asked, missed))
}

/// Tell the run that sent something what became of it.
pub(crate) fn tell(
    context: &mut Context,
    source: RunKey,
    attributes: Attributes,
) -> Result<(), CallError> {
    if let Some((run, env)) = context.open_run(source)? {
        let event = make_event(env, attributes);
        run.append_external(event);
        workflow_task::schedule(run, env);
    }
    Ok(())
}
