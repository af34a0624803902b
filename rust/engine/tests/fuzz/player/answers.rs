//! Valid requests of workers: polls, and answers to tasks with commands of every kind.

use prost::Message;
use temporalio_protos::temporal::api::command::v1::{
    CancelWorkflowExecutionCommandAttributes, Command, ModifyWorkflowPropertiesCommandAttributes,
    UpsertWorkflowSearchAttributesCommandAttributes, command::Attributes,
};
use temporalio_protos::temporal::api::common::v1::{Memo, SearchAttributes};
use temporalio_protos::temporal::api::enums::v1::{CommandType, QueryResultType};
use temporalio_protos::temporal::api::protocol;
use temporalio_protos::temporal::api::query::v1::WorkflowQueryResult;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use super::live::Live;
use super::requests;
use super::source::Source;
use super::support::Server;
use super::support::command::*;
use super::support::update::{accept, completion, reject, respond};
use super::support::values::{NAMESPACE, failure, payloads, retry_policy, secs};

/// A poll of one of the queues that there are.
pub(crate) fn workflow_poll(source: &mut Source) -> PollWorkflowTaskQueueRequest {
    match source.below(4) {
        0 => requests::sticky(),
        1 => Server::child_poll(),
        _ => Server::workflow_poll(),
    }
}

/// A valid request of that method, if it answers a task.
pub(crate) fn valid(method: &str, live: &mut Live, source: &mut Source) -> Option<Vec<u8>> {
    if let Some(request) = of_workflow_task(method, live, source) {
        return Some(request);
    }
    let task = live.activity(source);
    let (namespace, task_token) = (NAMESPACE.to_owned(), task.task_token.clone());
    Some(match method {
        "RespondActivityTaskCompleted" => RespondActivityTaskCompletedRequest {
            namespace,
            task_token,
            result: payloads("done"),
            ..Default::default()
        }
        .encode_to_vec(),
        "RespondActivityTaskFailed" => {
            let mut request = Server::activity_failure(&task, "Broken");
            request.last_heartbeat_details = payloads("half");
            request.encode_to_vec()
        }
        "RespondActivityTaskCanceled" => RespondActivityTaskCanceledRequest {
            namespace,
            task_token,
            details: payloads("gone"),
            ..Default::default()
        }
        .encode_to_vec(),
        "RecordActivityTaskHeartbeat" => RecordActivityTaskHeartbeatRequest {
            namespace,
            task_token,
            details: payloads("half"),
            ..Default::default()
        }
        .encode_to_vec(),
        _ => return by_id(method, &task),
    })
}

/// The same for an activity that is named, not by the token of a task.
fn by_id(method: &str, task: &PollActivityTaskQueueResponse) -> Option<Vec<u8>> {
    let namespace = NAMESPACE.to_owned();
    let run = task.workflow_execution.clone().unwrap_or_default();
    Some(match method {
        "RespondActivityTaskCompletedById" => RespondActivityTaskCompletedByIdRequest {
            namespace,
            workflow_id: run.workflow_id,
            run_id: run.run_id,
            activity_id: task.activity_id.clone(),
            ..Default::default()
        }
        .encode_to_vec(),
        "RespondActivityTaskFailedById" => RespondActivityTaskFailedByIdRequest {
            namespace,
            workflow_id: run.workflow_id,
            activity_id: task.activity_id.clone(),
            failure: Some(failure("no", "Broken")),
            ..Default::default()
        }
        .encode_to_vec(),
        "RespondActivityTaskCanceledById" => RespondActivityTaskCanceledByIdRequest {
            namespace,
            workflow_id: run.workflow_id,
            activity_id: task.activity_id.clone(),
            ..Default::default()
        }
        .encode_to_vec(),
        "RecordActivityTaskHeartbeatById" => RecordActivityTaskHeartbeatByIdRequest {
            namespace,
            workflow_id: run.workflow_id,
            activity_id: task.activity_id.clone(),
            details: payloads("half"),
            ..Default::default()
        }
        .encode_to_vec(),
        _ => return None,
    })
}

fn of_workflow_task(method: &str, live: &mut Live, source: &mut Source) -> Option<Vec<u8>> {
    let namespace = NAMESPACE.to_owned();
    Some(match method {
        "RespondWorkflowTaskCompleted" => {
            let task = live.task(source);
            completed(&task, source).encode_to_vec()
        }
        "RespondWorkflowTaskFailed" => RespondWorkflowTaskFailedRequest {
            namespace,
            task_token: live.task(source).task_token,
            failure: Some(failure("it went another way", "Nondeterminism")),
            ..Default::default()
        }
        .encode_to_vec(),
        "RespondQueryTaskCompleted" => RespondQueryTaskCompletedRequest {
            namespace,
            task_token: live.task(source).task_token,
            completed_type: QueryResultType::Answered.into(),
            query_result: payloads("half"),
            ..Default::default()
        }
        .encode_to_vec(),
        _ => return None,
    })
}

/// A completion that answers updates and queries, and has some commands.
fn completed(
    task: &PollWorkflowTaskQueueResponse,
    source: &mut Source,
) -> RespondWorkflowTaskCompletedRequest {
    let mut messages = Vec::new();
    for message in task.messages.iter().filter(|message| message.id.ends_with("/request")) {
        messages.extend(answer(message, source));
    }
    let commands: Vec<_> = (0..source.below(5)).map(|_| any_command(source)).collect();
    let mut request = completion(task, messages, commands);
    if source.one_in(2) {
        request.sticky_attributes = Server::sticky_completion("sticky", task, []).sticky_attributes;
    }
    request.return_new_workflow_task = source.one_in(3);
    request.force_create_new_workflow_task = source.one_in(6);
    let result = WorkflowQueryResult {
        result_type: QueryResultType::Answered.into(),
        answer: payloads("half"),
        ..Default::default()
    };
    request.query_results = task.queries.keys().map(|id| (id.clone(), result.clone())).collect();
    request
}

fn answer(message: &protocol::v1::Message, source: &mut Source) -> Vec<protocol::v1::Message> {
    match source.below(4) {
        0 => vec![reject(message)],
        1 => vec![accept(message)],
        2 => vec![accept(message), respond(message, "done")],
        _ => Vec::new(),
    }
}

fn any_command(source: &mut Source) -> Command {
    let name = format!("{}", source.below(6));
    match source.below(20) {
        0 | 1 => start_timer(&name, 60 * source.below(60) as u64),
        2 => cancel_timer(&name),
        3 | 4 => schedule(activity(&name)),
        5 => {
            let mut attributes = activity(&name);
            attributes.heartbeat_timeout = secs(5);
            attributes.schedule_to_close_timeout = secs(50);
            attributes.schedule_to_start_timeout = secs(20);
            attributes.request_eager_execution = true;
            attributes.header = Some(Default::default());
            schedule(attributes)
        }
        6 => cancel_activity(source.below(30) as i64),
        7 => {
            let mut attributes = child(&format!("child {name}"));
            attributes.retry_policy = retry_policy(2);
            attributes.workflow_run_timeout = secs(100);
            attributes.parent_close_policy = source.below(4) as i32;
            start_child(attributes)
        }
        8 => signal_external(external_signal(if source.one_in(2) { "waits" } else { "child 1" })),
        9 => cancel_external(&format!("child {name}"), source.one_in(2)),
        10 => marker(&name),
        11 => upsert(),
        12 => modify(),
        13 => {
            let mut command = continue_as_new();
            if let Some(Attributes::ContinueAsNewWorkflowExecutionCommandAttributes(next)) =
                &mut command.attributes
            {
                next.backoff_start_interval = secs(source.below(3) as u64);
                next.workflow_run_timeout = secs(500);
            }
            command
        }
        14 => complete(&name),
        15 => fail(&name),
        16 => command(
            CommandType::CancelWorkflowExecution,
            Attributes::CancelWorkflowExecutionCommandAttributes(
                CancelWorkflowExecutionCommandAttributes { details: payloads("as asked") },
            ),
        ),
        _ => start_timer(&format!("timer {}", source.byte()), 3600),
    }
}

fn upsert() -> Command {
    let value = payloads("value").unwrap_or_default().payloads.swap_remove(0);
    command(
        CommandType::UpsertWorkflowSearchAttributes,
        Attributes::UpsertWorkflowSearchAttributesCommandAttributes(
            UpsertWorkflowSearchAttributesCommandAttributes {
                search_attributes: Some(SearchAttributes {
                    indexed_fields: [("CustomKeywordField".to_owned(), value)].into(),
                }),
            },
        ),
    )
}

fn modify() -> Command {
    let value = payloads("value").unwrap_or_default().payloads.swap_remove(0);
    command(
        CommandType::ModifyWorkflowProperties,
        Attributes::ModifyWorkflowPropertiesCommandAttributes(
            ModifyWorkflowPropertiesCommandAttributes {
                upserted_memo: Some(Memo { fields: [("note".to_owned(), value)].into() }),
            },
        ),
    )
}
