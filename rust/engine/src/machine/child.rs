//! Children: initiated by a command, started, and followed to the end of their chain of runs.

use temporalio_protos::temporal::api::sdk::v1::UserMetadata;

use crate::ids::{EventId, RunId, RunKey};
use crate::machine::workflow::NewRun;
use crate::machine::{external, workflow, workflow_task};
use crate::mutation::{Bug, planted};
use crate::policy::priority;
use crate::proto::enums::StartChildWorkflowExecutionFailedCause as Cause;
use crate::proto::history::StartChildWorkflowExecutionInitiatedEventAttributes;
use crate::proto::service::StartWorkflowExecutionRequest;
use crate::proto::{Attributes, common, enums, history};
use crate::service::start;
use crate::service::start::Decision;
use crate::state::run::{Run, make_event};
use crate::store::{ChildRecord, ParentRecord, StoreError};
use crate::transaction::context::{Context, Failure};

/// Who the engine is in events that it causes itself.
pub(crate) const IDENTITY: &str = "history-service";

/// A child to be started.
pub(crate) struct Start {
    pub(crate) parent: RunKey,
    pub(crate) initiated_event_id: EventId,
    pub(crate) attributes: Box<StartChildWorkflowExecutionInitiatedEventAttributes>,
    pub(crate) user_metadata: Option<UserMetadata>,
}

/// A child that ended, and how.
pub(crate) struct Ended {
    pub(crate) parent: ParentRecord,
    pub(crate) execution: common::WorkflowExecution,
    pub(crate) first_run_id: Vec<u8>,
    pub(crate) closing: Attributes,
}

/// The start that an initiated event asks for.
pub(crate) fn request(
    attributes: &StartChildWorkflowExecutionInitiatedEventAttributes,
    user_metadata: Option<UserMetadata>,
) -> StartWorkflowExecutionRequest {
    let attributes = attributes.clone();
    StartWorkflowExecutionRequest {
        namespace: attributes.namespace,
        workflow_id: attributes.workflow_id,
        workflow_type: attributes.workflow_type,
        task_queue: attributes.task_queue,
        input: attributes.input,
        workflow_execution_timeout: attributes.workflow_execution_timeout,
        workflow_run_timeout: attributes.workflow_run_timeout,
        workflow_task_timeout: attributes.workflow_task_timeout,
        workflow_id_reuse_policy: attributes.workflow_id_reuse_policy,
        retry_policy: attributes.retry_policy,
        cron_schedule: attributes.cron_schedule,
        header: attributes.header,
        memo: attributes.memo,
        search_attributes: attributes.search_attributes,
        priority: attributes.priority,
        user_metadata,
        ..Default::default()
    }
}

/// Start a child, and tell its parent that it started or why it did not.
pub(crate) fn start(context: &mut Context, start: Start) -> Result<(), Failure> {
    let Start { parent, initiated_event_id, attributes, user_metadata } = start;
    // A parent that closed with the same task has no child any more, not even to abandon.
    let Some(run) = context.runs.get(&parent).filter(|run| run.is_open()) else { return Ok(()) };
    let record = ParentRecord {
        run_key: parent.0,
        initiated_event_id,
        namespace: context.env.namespace(run.row.namespace).0,
        execution: Some(run.execution()),
    };
    let root = run.row.record.root.clone().or_else(|| Some(run.execution()));
    let mut request = request(&attributes, user_metadata);
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
    let new = start::new_run(context, namespace, request);
    // The command was checked when it came.
    let new = new.map_err(|status| StoreError::Damaged(status.message))?;
    let run_id = new.run_id;
    start::replace(context, replaced, run_id)?;
    let new = of_parent(context, new, record, root);
    workflow::start(context, new);
    started(context, parent, initiated_event_id, *attributes, run_id)
}

fn of_parent(
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

/// A child that is not started yet.
pub(crate) fn record(
    attributes: &StartChildWorkflowExecutionInitiatedEventAttributes,
    initiated_event_id: EventId,
) -> ChildRecord {
    ChildRecord {
        initiated_event_id,
        started_event_id: 0,
        namespace: attributes.namespace.clone(),
        workflow_id: attributes.workflow_id.clone(),
        run_id: Vec::new(),
        workflow_type: attributes.workflow_type.clone().unwrap_or_default().name,
        parent_close_policy: attributes.parent_close_policy,
    }
}

/// The event that initiated the child of whose end, or of whose not starting, an event tells.
pub(crate) const fn ended_child(attributes: &Attributes) -> Option<EventId> {
    use Attributes as A;
    Some(match attributes {
        A::StartChildWorkflowExecutionFailedEventAttributes(a) => a.initiated_event_id,
        A::ChildWorkflowExecutionCompletedEventAttributes(a) => a.initiated_event_id,
        A::ChildWorkflowExecutionFailedEventAttributes(a) => a.initiated_event_id,
        A::ChildWorkflowExecutionCanceledEventAttributes(a) => a.initiated_event_id,
        A::ChildWorkflowExecutionTimedOutEventAttributes(a) => a.initiated_event_id,
        A::ChildWorkflowExecutionTerminatedEventAttributes(a) => a.initiated_event_id,
        _ => return None,
    })
}

fn started(
    context: &mut Context,
    parent: RunKey,
    initiated_event_id: EventId,
    attributes: StartChildWorkflowExecutionInitiatedEventAttributes,
    run_id: RunId,
) -> Result<(), Failure> {
    let Some((run, env)) = context.open_run(parent)? else { return Ok(()) };
    let run_id_bytes = run_id.0.as_bytes().to_vec();
    let mut record =
        ChildRecord { run_id: run_id_bytes, ..record(&attributes, initiated_event_id) };
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

fn not_started(
    context: &mut Context,
    parent: RunKey,
    initiated_event_id: EventId,
    attributes: StartChildWorkflowExecutionInitiatedEventAttributes,
    cause: Cause,
) -> Result<(), Failure> {
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

/// The child's started event was held back and is let in now.
pub(crate) fn let_in(run: &mut Run, initiated_event_id: EventId, started_event_id: EventId) {
    if let Some(record) = run.children.get(&initiated_event_id) {
        run.put_child(ChildRecord { started_event_id, ..record.clone() });
    }
}

/// Tell a parent that its child ended. A parent that is closed does not want to know, unless it was
/// reset: then the run that goes on in its place does.
pub(crate) fn end(context: &mut Context, ended: Ended) -> Result<(), Failure> {
    let Ended { parent, execution, first_run_id, closing } = ended;
    let Some(key) = last_reset(context, RunKey(parent.run_key))? else { return Ok(()) };
    let Some((run, env)) = context.open_run(key)? else { return Ok(()) };
    let known = run.children.get(&parent.initiated_event_id);
    if known.is_none_or(|child| child.run_id != first_run_id) {
        return Ok(()); // a reset went back to before it was started
    }
    let Some(record) = run.remove_child(parent.initiated_event_id) else { return Ok(()) };
    if planted(Bug::UntoldParent) && run.volatile.lease.is_some() {
        return Ok(());
    }
    let namespace_id = env.namespaces.get(&record.namespace).map(|(_, n)| n.id.clone());
    let child = Child {
        namespace_id: namespace_id.unwrap_or_default(),
        execution,
        // As it was started: the type of its last run may be another.
        workflow_type: common::WorkflowType { name: record.workflow_type.clone() },
        record,
    };
    if let Some(attributes) = child.ended(closing) {
        let event = make_event(env, attributes);
        run.append_external(event);
        workflow_task::schedule(run, env);
    }
    Ok(())
}

/// The run itself while it is open, or the open one that resets have made of it.
fn last_reset(context: &mut Context, mut key: RunKey) -> Result<Option<RunKey>, Failure> {
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
            Err(Failure::Status(_)) => return Ok(None),
            Err(failure) => return Err(failure),
        }
    }
}

/// What all events about the end of a child say.
struct Child {
    record: ChildRecord,
    namespace_id: String,
    execution: common::WorkflowExecution,
    workflow_type: common::WorkflowType,
}

/// One of the events about the end of a child, with what they have in common.
macro_rules! child_event {
    ($child:ident, $variant:ident, $event:ident { $($field:ident: $value:expr),* }) => {
        Attributes::$variant(history::$event {
            namespace: $child.record.namespace,
            namespace_id: $child.namespace_id,
            workflow_execution: Some($child.execution),
            workflow_type: Some($child.workflow_type),
            initiated_event_id: $child.record.initiated_event_id,
            started_event_id: $child.record.started_event_id,
            $($field: $value,)*
        })
    };
}

impl Child {
    /// The parent's event for the child's last one.
    fn ended(self, closing: Attributes) -> Option<Attributes> {
        Some(match closing {
            Attributes::WorkflowExecutionCompletedEventAttributes(closing) => child_event!(
                self,
                ChildWorkflowExecutionCompletedEventAttributes,
                ChildWorkflowExecutionCompletedEventAttributes { result: closing.result }
            ),
            Attributes::WorkflowExecutionFailedEventAttributes(closing) => child_event!(
                self,
                ChildWorkflowExecutionFailedEventAttributes,
                ChildWorkflowExecutionFailedEventAttributes {
                    failure: closing.failure,
                    retry_state: closing.retry_state
                }
            ),
            Attributes::WorkflowExecutionCanceledEventAttributes(closing) => child_event!(
                self,
                ChildWorkflowExecutionCanceledEventAttributes,
                ChildWorkflowExecutionCanceledEventAttributes { details: closing.details }
            ),
            Attributes::WorkflowExecutionTimedOutEventAttributes(closing) => child_event!(
                self,
                ChildWorkflowExecutionTimedOutEventAttributes,
                ChildWorkflowExecutionTimedOutEventAttributes { retry_state: closing.retry_state }
            ),
            Attributes::WorkflowExecutionTerminatedEventAttributes(_) => child_event!(
                self,
                ChildWorkflowExecutionTerminatedEventAttributes,
                ChildWorkflowExecutionTerminatedEventAttributes {}
            ),
            _ => return None,
        })
    }
}

/// The parent closed: do with the child what was asked for when it was started.
pub(crate) fn release(
    context: &mut Context,
    parent: RunKey,
    child: &ChildRecord,
) -> Result<(), Failure> {
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
