//! Children: started for a parent, followed to the end of their chain of runs, released when it closes.

use crate::ids::{EventId, RunId, RunKey};
use crate::machine::child::{Child, IDENTITY};
use crate::machine::start::Decision;
use crate::machine::workflow::NewRun;
use crate::machine::{child, external, start, workflow, workflow_task};
use crate::mutation::{Mutation, is_active};
use crate::policy::priority;
use crate::proto::enums::StartChildWorkflowExecutionFailedCause as Cause;
use crate::proto::history::StartChildWorkflowExecutionInitiatedEventAttributes;
use crate::proto::{Attributes, common, enums, history};
use crate::state::effect::{EndedChild, StartChild};
use crate::state::run::{Run, make_event};
use crate::store::{ChildRecord, ParentRecord, StoreError};
use crate::transaction::context::{CallError, Context};
use crate::transaction::start::{replace, start_run};

/// Start a child, and tell its parent that it started or why it did not.
pub(crate) fn start(context: &mut Context, start: StartChild) -> Result<(), CallError> {
    let StartChild { parent, initiated_event_id, attributes, user_metadata } = start;
    // A parent that closed with the same task has no child any more, not even to abandon.
    let Some(run) = context.runs.get(&parent).filter(|run| run.is_open()) else { return Ok(()) };
    let record = ParentRecord {
        run_key: parent.0,
        initiated_event_id,
        namespace: context.env.namespace(run.row.namespace).0,
        execution: Some(run.execution()),
    };
    let root = run.row.record.root.clone().or_else(|| Some(run.execution()));
    let mut request = child::request(&attributes, user_metadata);
    let inherited = run.row.record.priority.as_ref();
    request.priority = priority::merge(inherited, request.priority.as_ref());
    request.request_id = uuid::Uuid::from_bytes(context.env.entropy.bytes()).to_string();
    let Ok(namespace) = context.namespace(&request.namespace) else {
        let cause = Cause::NamespaceNotFound;
        return not_started(context, parent, initiated_event_id, *attributes, cause);
    };
    let existing = context.last_run(namespace, &request.workflow_id)?;
    let replaced = match start::decide(existing.as_ref(), &request) {
        Ok(Decision::Start) => None,
        Ok(Decision::TerminateAndStart(run)) => Some(run.key),
        Ok(Decision::Existing(..)) | Err(_) => {
            let cause = Cause::WorkflowAlreadyExists;
            return not_started(context, parent, initiated_event_id, *attributes, cause);
        }
    };
    let new = start::new_run(&context.env, namespace, request);
    // The command was checked when it came.
    let new = new.map_err(|status| StoreError::Damaged(status.message))?;
    let run_id = new.run_id;
    replace(context, replaced, run_id)?;
    let new = of_parent(context, new, record, root);
    start_run(context, new);
    started(context, parent, initiated_event_id, *attributes, run_id)
}

pub(crate) fn of_parent(
    context: &Context,
    mut new: NewRun,
    parent: ParentRecord,
    root: Option<common::WorkflowExecution>,
) -> NewRun {
    parent.name_in(&mut new.attributes, &context.env);
    new.attributes.root_workflow_execution = root;
    new.parent = Some(parent);
    new
}

pub(crate) fn started(
    context: &mut Context,
    parent: RunKey,
    initiated_event_id: EventId,
    attributes: StartChildWorkflowExecutionInitiatedEventAttributes,
    run_id: RunId,
) -> Result<(), CallError> {
    let Some((run, env)) = context.open_run(parent)? else { return Ok(()) };
    let run_id_bytes = run_id.0.as_bytes().to_vec();
    let mut record =
        ChildRecord { run_id: run_id_bytes, ..child::record(&attributes, initiated_event_id) };
    let event = make_event(
        env,
        Attributes::ChildWorkflowExecutionStartedEventAttributes(
            history::ChildWorkflowExecutionStartedEventAttributes {
                namespace: attributes.namespace,
                namespace_id: attributes.namespace_id,
                initiated_event_id,
                workflow_execution: Some(common::WorkflowExecution {
                    workflow_id: attributes.workflow_id,
                    run_id: run_id.to_string(),
                }),
                workflow_type: attributes.workflow_type,
                header: attributes.header,
            },
        ),
    );
    record.started_event_id = run.append_external(event).unwrap_or(0);
    run.put_child(record);
    workflow_task::schedule(run, env);
    Ok(())
}

pub(crate) fn not_started(
    context: &mut Context,
    parent: RunKey,
    initiated_event_id: EventId,
    attributes: StartChildWorkflowExecutionInitiatedEventAttributes,
    cause: Cause,
) -> Result<(), CallError> {
    let Some((run, env)) = context.open_run(parent)? else { return Ok(()) };
    let event = make_event(
        env,
        Attributes::StartChildWorkflowExecutionFailedEventAttributes(
            history::StartChildWorkflowExecutionFailedEventAttributes {
                namespace: attributes.namespace,
                namespace_id: attributes.namespace_id,
                workflow_id: attributes.workflow_id,
                workflow_type: attributes.workflow_type,
                cause: cause.into(),
                control: attributes.control,
                initiated_event_id,
                ..Default::default()
            },
        ),
    );
    run.append_external(event);
    workflow_task::schedule(run, env);
    Ok(())
}

/// Tell a parent that its child ended. A parent that is closed does not want to know, unless it was
/// reset: then the run that goes on in its place does.
pub(crate) fn end(context: &mut Context, ended: EndedChild) -> Result<(), CallError> {
    let EndedChild { parent, execution, first_run_id, closing } = ended;
    let Some(key) = last_reset(context, RunKey(parent.run_key))? else { return Ok(()) };
    let Some((run, env)) = context.open_run(key)? else { return Ok(()) };
    let known = run.children.get(&parent.initiated_event_id);
    if known.is_none_or(|child| child.run_id != first_run_id) {
        return Ok(()); // a reset went back to before it was started
    }
    let Some(record) = run.remove_child(parent.initiated_event_id) else { return Ok(()) };
    if is_active(Mutation::UntoldParent) && run.volatile.lease.is_some() {
        return Ok(());
    }
    let namespace_id = env.namespaces.get(&record.namespace).map(|(_, n)| n.id.clone());
    let ended = Child {
        namespace_id: namespace_id.unwrap_or_default(),
        execution,
        // As it was started: the type of its last run may be another.
        workflow_type: common::WorkflowType { name: record.workflow_type.clone() },
        record,
    };
    if let Some(attributes) = ended.ended(closing) {
        let event = make_event(env, attributes);
        run.append_external(event);
        workflow_task::schedule(run, env);
    }
    Ok(())
}

/// The run itself while it is open, or the open one that resets have made of it.
pub(crate) fn last_reset(
    context: &mut Context,
    mut key: RunKey,
) -> Result<Option<RunKey>, CallError> {
    loop {
        if context.open_run(key)?.is_some() {
            return Ok(Some(key));
        }
        let Some(row) = context.row(key)? else { return Ok(None) };
        let Ok(id) = uuid::Uuid::from_slice(&row.record.reset_run_id) else { return Ok(None) };
        let execution =
            common::WorkflowExecution { workflow_id: row.workflow_id, run_id: id.to_string() };
        match context.find_run(row.namespace, Some(&execution)) {
            Ok(next) => key = next.key,
            Err(CallError::Status(_)) => return Ok(None),
            Err(failure) => return Err(failure),
        }
    }
}

/// The parent closed: do with the child what was asked for when it was started.
pub(crate) fn release(
    context: &mut Context,
    parent: RunKey,
    child: &ChildRecord,
) -> Result<(), CallError> {
    let Some(source) = context.runs.get(&parent).map(Run::execution) else { return Ok(()) };
    let Ok(namespace) = context.namespace(&child.namespace) else { return Ok(()) };
    let row = context.last_run(namespace, &child.workflow_id)?;
    let Some(row) = row.filter(|row| row.record.first_run_id == child.run_id) else {
        return Ok(());
    };
    let Some((run, env)) = context.open_run(row.key)? else { return Ok(()) };
    match child.parent_close_policy() {
        enums::ParentClosePolicy::RequestCancel => {
            let attributes = history::WorkflowExecutionCancelRequestedEventAttributes {
                external_workflow_execution: Some(source),
                identity: IDENTITY.into(),
                ..Default::default()
            };
            external::request_cancel(run, env, attributes, Vec::new());
        }
        enums::ParentClosePolicy::Abandon => {}
        enums::ParentClosePolicy::Terminate | enums::ParentClosePolicy::Unspecified => {
            let attributes = history::WorkflowExecutionTerminatedEventAttributes {
                reason: "by parent close policy".into(),
                identity: IDENTITY.into(),
                ..Default::default()
            };
            workflow::terminate(run, env, attributes, Vec::new());
        }
    }
    Ok(())
}
