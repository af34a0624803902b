//! `StartActivityExecution`: an activity without a workflow.

use prost::Message;

use crate::ids::{NamespaceKey, RunId, RunKind};
use crate::machine::activity::options::Timeouts;
use crate::machine::activity::standalone::NewActivity;
use crate::policy::limits::{BLOB_LIMIT, NAME_LIMIT};
use crate::policy::{priority, retry};
use crate::proto::enums::{
    ActivityExecutionStatus as Status, ActivityIdConflictPolicy as Conflict,
    ActivityIdReusePolicy as Reuse,
};
use crate::proto::errordetails::ActivityExecutionAlreadyStartedFailure;
use crate::proto::history::ActivityTaskScheduledEventAttributes;
use crate::proto::service::{StartActivityExecutionRequest, StartActivityExecutionResponse};
use crate::proto::{common, from_duration, from_nanos, nanos, normal_queue};
use crate::service::standalone_control::check_length;
use crate::store::RunRow;
use crate::transaction::context::{CallError, Context};
use crate::transaction::start::start_activity;
use crate::visibility::attributes;
use crate::{Code, RpcStatus};

pub(crate) fn start_activity_execution(
    context: &mut Context,
    request: StartActivityExecutionRequest,
) -> Result<StartActivityExecutionResponse, CallError> {
    let namespace = context.namespace(&request.namespace)?;
    let (name, id) = (request.namespace.clone(), request.activity_id.clone());
    check(&request)?;
    let mut request = request;
    if let Some((_, record)) = context.env.namespaces.get(&name) {
        attributes::check(
            &record.name,
            &record.search_attributes,
            request.search_attributes.as_mut(),
        )
        .map_err(RpcStatus::invalid_argument)?;
    }
    let existing = context.find(namespace, RunKind::Activity, &id, None)?;
    let (run_id, started) = if let Some(run_id) = decide(existing.as_ref(), &request)? {
        (run_id, false)
    } else {
        let new = new_activity(context, namespace, request)?;
        let run_id = new.run_id;
        start_activity(context, new);
        (run_id, true)
    };
    let run_id = run_id.to_string();
    let link = common::link::Activity { namespace: name, activity_id: id, run_id: run_id.clone() };
    let variant = Some(common::link::Variant::Activity(link));
    Ok(StartActivityExecutionResponse { run_id, started, link: Some(common::Link { variant }) })
}

fn invalid<T>(message: impl Into<String>) -> Result<T, RpcStatus> {
    Err(RpcStatus::invalid_argument(message))
}

fn check(request: &StartActivityExecutionRequest) -> Result<(), RpcStatus> {
    check_time(request.start_delay.as_ref(), "StartDelay")?;
    check_names(request)?;
    priority::check(request.priority.as_ref())
        .or_else(|error| invalid(format!("invalid priorities: {error}")))?;
    for (timeout, name) in [
        (&request.schedule_to_close_timeout, "ScheduleToCloseTimeout"),
        (&request.schedule_to_start_timeout, "ScheduleToStartTimeout"),
        (&request.start_to_close_timeout, "StartToCloseTimeout"),
        (&request.heartbeat_timeout, "HeartbeatTimeout"),
    ] {
        check_time(timeout.as_ref(), name)?;
    }
    let whole = nanos(request.schedule_to_close_timeout.as_ref());
    if whole == 0 && nanos(request.start_to_close_timeout.as_ref()) == 0 {
        return invalid(format!(
            "a valid StartToCloseTimeout or ScheduleToCloseTimeout must be set on the activity. \
             ActivityId={} ActivityType={}",
            request.activity_id,
            type_of(request)
        ));
    }
    check_length("request ID", &request.request_id)?;
    check_length("identity", &request.identity)?;
    if request.input.as_ref().map_or(0, Message::encoded_len) > BLOB_LIMIT {
        return invalid("input exceeds length limit");
    }
    if !request.completion_callbacks.is_empty() {
        return invalid("completion callbacks are not enabled for this namespace");
    }
    Ok(())
}

fn type_of(request: &StartActivityExecutionRequest) -> &str {
    request.activity_type.as_ref().map_or("", |kind| &kind.name)
}

fn check_time(given: Option<&prost_wkt_types::Duration>, name: &str) -> Result<(), RpcStatus> {
    if given.is_some_and(|duration| from_duration(duration).is_none()) {
        return invalid(format!("invalid {name}: negative duration"));
    }
    Ok(())
}

fn check_names(request: &StartActivityExecutionRequest) -> Result<(), RpcStatus> {
    let Some(queue) = &request.task_queue else { return invalid("taskQueue is not set") };
    if queue.name.is_empty() {
        return invalid("missing task queue name");
    }
    if queue.name.len() > NAME_LIMIT {
        return invalid("taskQueue length exceeds limit");
    }
    if request.activity_id.is_empty() {
        return invalid("activityId is not set");
    }
    if type_of(request).is_empty() {
        return invalid("activityType is not set");
    }
    retry::complete(request.retry_policy.clone()).or_else(invalid)?;
    check_length("activityId", &request.activity_id)?;
    check_length("activityType", type_of(request))
}

/// Decide on a start, given the newest activity of its id: that one, or (`None`) a new one.
fn decide(
    existing: Option<&RunRow>,
    request: &StartActivityExecutionRequest,
) -> Result<Option<RunId>, RpcStatus> {
    let Some(run) = existing else { return Ok(None) };
    if !request.request_id.is_empty() && run.record.request_id == request.request_id {
        return Ok(Some(run.run_id));
    }
    let refused = if run.is_open() {
        if request.id_conflict_policy() == Conflict::UseExisting {
            return Ok(Some(run.run_id));
        }
        true
    } else {
        match request.id_reuse_policy() {
            Reuse::RejectDuplicate => true,
            Reuse::AllowDuplicateFailedOnly => run.status == i32::from(Status::Completed),
            _ => false,
        }
    };
    if !refused {
        return Ok(None);
    }
    let detail = ActivityExecutionAlreadyStartedFailure {
        start_request_id: run.record.request_id.clone(),
        run_id: run.run_id.to_string(),
    };
    Err(RpcStatus::with_detail(
        Code::AlreadyExists,
        "activity execution already started",
        "ActivityExecutionAlreadyStartedFailure",
        &detail,
    ))
}

fn new_activity(
    context: &Context,
    namespace: NamespaceKey,
    request: StartActivityExecutionRequest,
) -> Result<NewActivity, RpcStatus> {
    let env = &context.env;
    let timeouts = Timeouts::fit(
        nanos(request.schedule_to_close_timeout.as_ref()),
        nanos(request.schedule_to_start_timeout.as_ref()),
        nanos(request.start_to_close_timeout.as_ref()),
        nanos(request.heartbeat_timeout.as_ref()),
        0,
    );
    let retry_policy = retry::complete(request.retry_policy).or_else(invalid)?;
    let request_id = if request.request_id.is_empty() {
        uuid::Uuid::from_bytes(env.entropy.bytes()).to_string()
    } else {
        request.request_id
    };
    let attributes = ActivityTaskScheduledEventAttributes {
        activity_id: request.activity_id,
        activity_type: request.activity_type,
        task_queue: request.task_queue.map(|queue| normal_queue(&queue.name)),
        header: request.header,
        input: request.input,
        schedule_to_close_timeout: Some(from_nanos(timeouts.schedule_to_close)),
        schedule_to_start_timeout: Some(from_nanos(timeouts.schedule_to_start)),
        start_to_close_timeout: Some(from_nanos(timeouts.start_to_close)),
        heartbeat_timeout: Some(from_nanos(timeouts.heartbeat)),
        retry_policy: Some(retry_policy),
        priority: request.priority,
        ..Default::default()
    };
    Ok(NewActivity {
        namespace,
        run_id: RunId::new(env.clock.as_ref(), env.entropy.as_ref()),
        request_id,
        attributes,
        start_delay: request.start_delay.as_ref().and_then(from_duration).unwrap_or_default(),
        search_attributes: request.search_attributes,
        user_metadata: request.user_metadata,
        links: request.links,
    })
}
