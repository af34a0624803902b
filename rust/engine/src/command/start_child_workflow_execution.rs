//! `StartChildWorkflowExecution`.

use crate::command::scope::{Refusal, Scope};
use crate::machine::{child, start, workflow};
use crate::policy::{limits, retry};
use crate::proto::command::StartChildWorkflowExecutionCommandAttributes;
use crate::proto::enums::{
    ParentClosePolicy, WorkflowIdReusePolicy, WorkflowTaskFailedCause as Cause,
};
use crate::proto::{Attributes, from_nanos, history, nanos, normal_queue};
use crate::state::effect::{Effect, StartChild};

pub(crate) fn apply(
    scope: &mut Scope<'_>,
    mut command: StartChildWorkflowExecutionCommandAttributes,
) -> Result<(), Refusal> {
    let bad = |message: String| Refusal::new(Cause::BadStartChildExecutionAttributes, message);
    super::check_size(
        command.input.as_ref(),
        Cause::BadStartChildExecutionAttributes,
        "StartChildWorkflowExecutionCommandAttributes. Input",
    )?;
    let (namespace, _) = scope.namespace(&command.namespace).map_err(bad)?;
    check(&command, &namespace).map_err(bad)?;
    super::check_attributes(scope, &command.namespace, command.search_attributes.as_mut())?;
    let attributes = initiated(scope, command).map_err(bad)?;
    start::check(&child::request(&attributes, None)).map_err(|status| bad(status.message))?;
    let key = scope.run.key();
    let ordered = scope
        .env
        .effects
        .iter()
        .filter(|effect| matches!(effect, Effect::StartChild(start) if start.parent == key));
    super::check_pending(
        scope.run.children.len() + ordered.count(),
        Cause::PendingChildWorkflowsLimitExceeded,
        "pending child workflow executions",
    )?;
    let user_metadata = scope.user_metadata.clone();
    let event = Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(attributes.clone());
    let initiated_event_id = scope.append(event);
    scope.env.effects.push(Effect::StartChild(StartChild {
        parent: scope.run.key(),
        initiated_event_id,
        attributes: Box::new(attributes),
        user_metadata,
    }));
    Ok(())
}

fn check(
    command: &StartChildWorkflowExecutionCommandAttributes,
    namespace: &str,
) -> Result<(), String> {
    let on = "StartChildWorkflowExecutionCommand";
    let id = command.workflow_id.as_str();
    let kind = command.workflow_type.as_ref().map_or("", |kind| kind.name.as_str());
    if id.is_empty() {
        return Err(format!(
            "Required field WorkflowId is not set on {on}. WorkflowType={kind} Namespace={namespace}"
        ));
    }
    if kind.is_empty() {
        return Err(format!(
            "Required field WorkflowType is not set on {on}. WorkflowId={id} Namespace={namespace}"
        ));
    }
    let limit = limits::NAME_LIMIT;
    if id.len() > limit {
        return Err(format!(
            "WorkflowId on {on} exceeds length limit. WorkflowId={id} Length={} Limit={limit} \
             WorkflowType={kind} Namespace={namespace}",
            id.len()
        ));
    }
    if kind.len() > limit {
        return Err(format!(
            "WorkflowType on {on} exceeds length limit. WorkflowId={id} WorkflowType={kind} \
             Length={} Limit={limit} Namespace={namespace}",
            kind.len()
        ));
    }
    let named = format!(" WorkflowId={id} WorkflowType={kind} Namespace={namespace}");
    for (time, name) in [
        (&command.workflow_execution_timeout, "WorkflowExecutionTimeout"),
        (&command.workflow_run_timeout, "WorkflowRunTimeout"),
        (&command.workflow_task_timeout, "WorkflowTaskTimeout"),
    ] {
        limits::check_time(time.as_ref(), &format!("Invalid {name} on {on}"), &named)?;
    }
    Ok(())
}

/// The event of a command: what it leaves open is the parent's.
fn initiated(
    scope: &Scope<'_>,
    command: StartChildWorkflowExecutionCommandAttributes,
) -> Result<history::StartChildWorkflowExecutionInitiatedEventAttributes, String> {
    let row = &scope.run.row;
    let (namespace, namespace_id) = scope.namespace(&command.namespace)?;
    let parent_close_policy = match command.parent_close_policy() {
        ParentClosePolicy::Unspecified => ParentClosePolicy::Terminate,
        policy => policy,
    };
    let reuse_policy = match command.workflow_id_reuse_policy() {
        WorkflowIdReusePolicy::Unspecified => WorkflowIdReusePolicy::AllowDuplicate,
        policy => policy,
    };
    let queue = command.task_queue.map(|queue| queue.name).filter(|name| !name.is_empty());
    let timeouts = workflow::Timeouts::of(
        nanos(command.workflow_execution_timeout.as_ref()),
        nanos(command.workflow_run_timeout.as_ref()),
        nanos(command.workflow_task_timeout.as_ref()),
    );
    Ok(history::StartChildWorkflowExecutionInitiatedEventAttributes {
        namespace,
        namespace_id,
        workflow_id: command.workflow_id,
        workflow_type: command.workflow_type,
        task_queue: Some(normal_queue(&queue.unwrap_or_else(|| row.task_queue.clone()))),
        input: command.input,
        workflow_execution_timeout: command.workflow_execution_timeout,
        workflow_run_timeout: Some(from_nanos(timeouts.run)),
        workflow_task_timeout: Some(from_nanos(timeouts.task)),
        parent_close_policy: parent_close_policy.into(),
        control: command.control,
        workflow_task_completed_event_id: scope.completed_event_id,
        workflow_id_reuse_policy: reuse_policy.into(),
        retry_policy: command.retry_policy.map(|p| retry::complete(Some(p))).transpose()?,
        cron_schedule: command.cron_schedule,
        header: command.header,
        memo: command.memo,
        search_attributes: command.search_attributes,
        inherit_build_id: command.inherit_build_id,
        priority: command.priority,
        ..Default::default()
    })
}
