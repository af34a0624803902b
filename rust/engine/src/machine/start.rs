//! Starts: whether a request may start a run, which run of its workflow id it means, and the run it makes.

use prost::Message;

use crate::ids::{NamespaceKey, RunId};
use crate::machine::workflow::{NewRun, Timeouts};
use crate::machine::workflow_options;
use crate::policy::limits::NAME_LIMIT;
use crate::policy::{cron, limits, priority, retry};
use crate::proto::enums::{
    ContinueAsNewInitiator, WorkflowExecutionStatus as Status,
    WorkflowIdConflictPolicy as Conflict, WorkflowIdReusePolicy as Reuse,
};
use crate::proto::errordetails::WorkflowExecutionAlreadyStartedFailure;
use crate::proto::service::StartWorkflowExecutionRequest;
use crate::proto::{common, from_duration, from_nanos, history, nanos, normal_queue, timestamp};
use crate::state::env::Env;
use crate::store::RunRow;
use crate::visibility::attributes;
use crate::{Code, RpcStatus};

pub(crate) fn check(request: &StartWorkflowExecutionRequest) -> Result<(), RpcStatus> {
    let invalid = |message: String| Err(RpcStatus::invalid_argument(message));
    if request.workflow_id.is_empty() {
        return invalid("WorkflowId is not set on request.".into());
    }
    let length = request.workflow_id.len();
    if length > NAME_LIMIT {
        return invalid(format!(
            "WorkflowId exceeds maximum allowed length ({length}/{NAME_LIMIT})"
        ));
    }
    let kind = request.workflow_type.as_ref().map_or("", |kind| kind.name.as_str());
    if kind.is_empty() {
        return invalid("WorkflowType is not set on request.".into());
    }
    let queue = request.task_queue.as_ref().map_or("", |queue| queue.name.as_str());
    if queue.is_empty() {
        return invalid("missing task queue name".into());
    }
    for (message, value) in [
        ("WorkflowType length exceeds limit.", kind),
        ("taskQueue length exceeds limit", queue),
        ("RequestId length exceeds limit.", request.request_id.as_str()),
    ] {
        if value.len() > NAME_LIMIT {
            return invalid(message.into());
        }
    }
    cron::check(&request.cron_schedule)?;
    workflow_options::check_versioning(request.versioning_override.as_ref())?;
    priority::check(request.priority.as_ref()).map_err(RpcStatus::invalid_argument)?;
    if !request.cron_schedule.is_empty() && nanos(request.workflow_start_delay.as_ref()) != 0 {
        return invalid("CronSchedule and WorkflowStartDelay may not be used together.".into());
    }
    for (duration, name) in [
        (&request.workflow_execution_timeout, "WorkflowExecutionTimeout"),
        (&request.workflow_run_timeout, "WorkflowRunTimeout"),
        (&request.workflow_task_timeout, "WorkflowTaskTimeout"),
        (&request.workflow_start_delay, "WorkflowStartDelay"),
    ] {
        if duration.as_ref().is_some_and(|duration| from_duration(duration).is_none()) {
            return invalid(format!(
                "An invalid {name}Seconds is set on request. cause: negative duration"
            ));
        }
    }
    check_policies(request)?;
    if request.memo.as_ref().map_or(0, Message::encoded_len) > limits::BLOB_LIMIT {
        return invalid("Memo size exceeds limit.".into());
    }
    limits::check_size(request.input.as_ref(), "StartWorkflowExecutionRequest.Input")
        .map_err(RpcStatus::invalid_argument)
}

/// Refuse what contradicts itself about a workflow id that is taken.
pub(crate) fn check_policies(request: &StartWorkflowExecutionRequest) -> Result<(), RpcStatus> {
    let invalid = |message: &str| Err(RpcStatus::invalid_argument(message));
    let reuse = request.workflow_id_reuse_policy();
    let conflict = request.workflow_id_conflict_policy();
    if reuse == Reuse::TerminateIfRunning && conflict != Conflict::Unspecified {
        return invalid(
            "Invalid WorkflowIDReusePolicy: WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING cannot be used \
             together with a WorkflowIDConflictPolicy",
        );
    }
    if reuse == Reuse::RejectDuplicate && conflict == Conflict::TerminateExisting {
        return invalid(
            "Invalid WorkflowIDReusePolicy: WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE cannot be used \
             together with WorkflowIdConflictPolicy WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING",
        );
    }
    if request
        .on_conflict_options
        .is_some_and(|wanted| wanted.attach_completion_callbacks && !wanted.attach_request_id)
    {
        let message = "attaching request ID is required for attaching completion callbacks";
        return invalid(message);
    }
    workflow_options::check_callbacks(&request.completion_callbacks)
}

pub(crate) enum Decision<'a> {
    /// Start a run.
    Start,
    /// The run that exists, and how the request is known to it.
    Existing(&'a RunRow, Known),
    TerminateAndStart(&'a RunRow),
}

/// The relation of a start to the run it finds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// The run was started by the same request.
    Started,
    /// The request was attached to the run before.
    Attached,
    /// The run has the same workflow id, and the caller accepts that.
    ById,
}

/// Decide on a start, given the newest run of its workflow id.
pub(crate) fn decide<'a>(
    existing: Option<&'a RunRow>,
    request: &StartWorkflowExecutionRequest,
) -> Result<Decision<'a>, RpcStatus> {
    let Some(run) = existing else { return Ok(Decision::Start) };
    if !request.request_id.is_empty() {
        if run.record.request_id == request.request_id {
            return Ok(Decision::Existing(run, Known::Started));
        }
        if run.record.attached.iter().any(|attached| attached.request_id == request.request_id) {
            return Ok(Decision::Existing(run, Known::Attached));
        }
    }
    let reuse = request.workflow_id_reuse_policy();
    if run.is_open() {
        let terminate = reuse == Reuse::TerminateIfRunning;
        return match request.workflow_id_conflict_policy() {
            Conflict::TerminateExisting => Ok(Decision::TerminateAndStart(run)),
            Conflict::UseExisting => Ok(Decision::Existing(run, Known::ById)),
            _ if terminate => Ok(Decision::TerminateAndStart(run)),
            _ => Err(already_started(
                run,
                format!(
                    "Workflow execution is already running. WorkflowId: {}, RunId: {}.",
                    run.workflow_id, run.run_id
                ),
            )),
        };
    }
    let failed = ![Status::Completed, Status::ContinuedAsNew].map(i32::from).contains(&run.status);
    let (how, policy) = match reuse {
        Reuse::RejectDuplicate => ("", "reject duplicate workflow Id"),
        Reuse::AllowDuplicateFailedOnly if !failed => {
            (" successfully", "allow duplicate workflow Id if last run failed")
        }
        _ => return Ok(Decision::Start),
    };
    Err(already_started(
        run,
        format!(
            "Workflow execution already finished{how}. WorkflowId: {}, RunId: {}. Workflow Id reuse \
             policy: {policy}.",
            run.workflow_id, run.run_id,
        ),
    ))
}

pub(crate) fn already_started(run: &RunRow, message: String) -> RpcStatus {
    let detail = WorkflowExecutionAlreadyStartedFailure {
        start_request_id: run.record.request_id.clone(),
        run_id: run.run_id.to_string(),
        first_execution_run_id: first_run_id(run),
    };
    RpcStatus::with_detail(
        Code::AlreadyExists,
        message,
        "WorkflowExecutionAlreadyStartedFailure",
        &detail,
    )
}

pub(crate) fn first_run_id(run: &RunRow) -> String {
    uuid::Uuid::from_slice(&run.record.first_run_id)
        .map_or_else(|_| run.run_id.to_string(), |id| id.to_string())
}

/// Nanoseconds until a start is due, by a cron schedule or after a delay, and what is to be said of it.
pub(crate) fn due(schedule: &str, now: i64, delay: i64) -> (i64, ContinueAsNewInitiator) {
    match cron::first_backoff(schedule, now) {
        Some(backoff) => (backoff, ContinueAsNewInitiator::CronSchedule),
        None => (delay, ContinueAsNewInitiator::Unspecified),
    }
}

pub(crate) fn check_attributes(
    env: &Env,
    namespace: NamespaceKey,
    given: Option<&mut common::SearchAttributes>,
) -> Result<(), RpcStatus> {
    match env.namespaces.values().find(|(key, _)| *key == namespace) {
        Some((_, record)) => attributes::check(&record.name, &record.search_attributes, given)
            .map_err(RpcStatus::invalid_argument),
        None => Ok(()),
    }
}

/// The run that a request asks for.
pub(crate) fn new_run(
    env: &Env,
    namespace: NamespaceKey,
    mut request: StartWorkflowExecutionRequest,
) -> Result<NewRun, RpcStatus> {
    check_attributes(env, namespace, request.search_attributes.as_mut())?;
    let run_id = RunId::new(env.clock.as_ref(), env.entropy.as_ref());
    let delay = nanos(request.workflow_start_delay.as_ref());
    let (backoff, initiator) = due(&request.cron_schedule, env.now.0, delay);
    let timeouts = Timeouts::of(
        nanos(request.workflow_execution_timeout.as_ref()),
        nanos(request.workflow_run_timeout.as_ref()),
        nanos(request.workflow_task_timeout.as_ref()),
    );
    let retry_policy = request.retry_policy.map(|policy| retry::complete(Some(policy)));
    let retry_policy = retry_policy.transpose().map_err(RpcStatus::invalid_argument)?;
    let expires = env.now.0.saturating_add(backoff).saturating_add(timeouts.execution);
    let attributes = history::WorkflowExecutionStartedEventAttributes {
        workflow_type: request.workflow_type,
        task_queue: request.task_queue.map(|queue| normal_queue(&queue.name)),
        input: request.input,
        workflow_execution_timeout: request.workflow_execution_timeout,
        workflow_run_timeout: (timeouts.run != 0 || request.workflow_run_timeout.is_some())
            .then(|| from_nanos(timeouts.run)),
        workflow_task_timeout: Some(from_nanos(timeouts.task)),
        continued_failure: request.continued_failure,
        last_completion_result: request.last_completion_result,
        original_execution_run_id: run_id.to_string(),
        identity: request.identity,
        first_execution_run_id: run_id.to_string(),
        retry_policy,
        cron_schedule: request.cron_schedule,
        initiator: initiator.into(),
        attempt: 1,
        workflow_execution_expiration_time: (timeouts.execution != 0)
            .then(|| timestamp(crate::Timestamp(expires))),
        first_workflow_task_backoff: Some(from_nanos(backoff)),
        memo: request.memo,
        search_attributes: request.search_attributes,
        header: request.header,
        workflow_id: request.workflow_id,
        completion_callbacks: request.completion_callbacks,
        priority: request.priority,
        versioning_override: request.versioning_override,
        ..Default::default()
    };
    Ok(NewRun {
        namespace,
        run_id,
        request_id: request.request_id,
        attributes,
        backoff,
        backoff_is_delay: delay != 0,
        user_metadata: request.user_metadata,
        links: request.links,
        signal: None,
        parent: None,
    })
}
