//! `ExecuteMultiOperation`: a start and an update in one call.

use std::pin::pin;

use hourglass_engine::{Code, RpcStatus};
use prost::Message;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::enums::v1::{
    UpdateWorkflowExecutionLifecycleStage as Stage, WorkflowIdConflictPolicy,
};
use temporalio_protos::temporal::api::errordetails::v1::MultiOperationExecutionFailure;
use temporalio_protos::temporal::api::workflowservice::v1::execute_multi_operation_request::{
    Operation, operation::Operation as Kind,
};
use temporalio_protos::temporal::api::workflowservice::v1::execute_multi_operation_response::response::Response;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{complete, start_timer};
use crate::support::update::{
    accept, completion, reject, request, respond, result, sequenced_after,
};
use crate::support::values::{NAMESPACE, secs};

type Change = fn(&mut StartWorkflowExecutionRequest, &mut UpdateWorkflowExecutionRequest);

fn workflow(id: &str) -> WorkflowExecution {
    WorkflowExecution { workflow_id: id.to_owned(), run_id: String::new() }
}

fn operations(
    start: StartWorkflowExecutionRequest,
    update: UpdateWorkflowExecutionRequest,
) -> ExecuteMultiOperationRequest {
    let operations = [Kind::StartWorkflow(start), Kind::UpdateWorkflow(update)];
    ExecuteMultiOperationRequest {
        namespace: NAMESPACE.to_owned(),
        operations: operations.map(|kind| Operation { operation: Some(kind) }).into(),
        ..Default::default()
    }
}

/// Start workflow `w` under that request id and policy, and update it.
fn update_with_start(
    start_id: &str,
    policy: WorkflowIdConflictPolicy,
    update: &str,
) -> ExecuteMultiOperationRequest {
    operations(
        StartWorkflowExecutionRequest {
            request_id: start_id.to_owned(),
            workflow_id_conflict_policy: policy.into(),
            ..Server::start_request("w")
        },
        request(&workflow("w"), update, Stage::Completed),
    )
}

fn answers(
    response: ExecuteMultiOperationResponse,
) -> (StartWorkflowExecutionResponse, UpdateWorkflowExecutionResponse) {
    let mut responses = response.responses.into_iter().map(|response| response.response.unwrap());
    match (responses.next(), responses.next()) {
        (Some(Response::StartWorkflow(start)), Some(Response::UpdateWorkflow(update))) => {
            (start, update)
        }
        other => panic!("{other:?}"),
    }
}

/// The codes of both operations of a call that failed.
fn codes(error: &RpcStatus) -> (i32, i32) {
    // `google.rpc.Status`: a code, a message, and the details behind a tag and two lengths.
    let details = error.details.as_ref();
    let name = b"temporal.api.errordetails.v1.MultiOperationExecutionFailure";
    let at = details.windows(name.len()).position(|window| window == name).unwrap();
    let mut rest = &details[at + name.len() + 1..];
    let length = prost::encoding::decode_varint(&mut rest).unwrap();
    let failure =
        MultiOperationExecutionFailure::decode(&rest[..usize::try_from(length).unwrap()]).unwrap();
    assert_eq!(error.message, "Update-with-Start could not be executed.");
    (failure.statuses[0].code, failure.statuses[1].code)
}

#[tokio::test]
async fn the_update_is_in_the_first_task_of_the_run_that_is_started_for_it() {
    let server = Server::in_memory();
    let asked = update_with_start("s", WorkflowIdConflictPolicy::Fail, "u");
    let mut asked = pin!(server.call(asked));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    let message = &task.messages[0];
    assert_eq!((task.started_event_id, sequenced_after(message)), (3, 2));
    let messages = [accept(message), respond(message, "r")];
    server.call(completion(&task, messages, [start_timer("t", 60)])).await.unwrap();
    let (start, update) = answers(asked.await.unwrap());
    assert!(start.started);
    assert_eq!(result(update.outcome), Ok("r".to_owned()));
    let run = task.workflow_execution.unwrap();
    assert_eq!(start.run_id, run.run_id);
    assert_eq!(
        server.event_types(&run).await,
        [
            WorkflowExecutionStarted,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            WorkflowExecutionUpdateAccepted,
            WorkflowExecutionUpdateCompleted,
            TimerStarted
        ]
    );
}

#[tokio::test]
async fn a_run_that_is_there_takes_the_update_when_it_may() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let asked = update_with_start("other", WorkflowIdConflictPolicy::UseExisting, "u");
    let mut asked = pin!(server.call(asked));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    assert_eq!(task.workflow_execution.as_ref(), Some(&run));
    let message = &task.messages[0];
    server.call(completion(&task, [accept(message), respond(message, "r")], [])).await.unwrap();
    let (start, update) = answers(asked.await.unwrap());
    assert_eq!((start.started, start.run_id), (false, run.run_id));
    assert_eq!(update.stage(), Stage::Completed);
}

#[tokio::test]
async fn a_run_that_is_in_the_way_fails_the_start() {
    let server = Server::in_memory();
    server.waiting("w").await;
    let asked = update_with_start("other", WorkflowIdConflictPolicy::Fail, "u");
    let error = server.call(asked).await.unwrap_err();
    assert_eq!(error.code, Code::AlreadyExists);
    assert_eq!(codes(&error), (Code::AlreadyExists.number(), Code::Aborted.number()));
}

#[tokio::test]
async fn an_update_that_is_repeated_finds_the_first_whatever_the_policy() {
    let server = Server::in_memory();
    let ask = || server.call(update_with_start("s", WorkflowIdConflictPolicy::Fail, "u"));
    let mut first = pin!(ask());
    assert!(server.parks(&mut first.as_mut()).await);
    let other = update_with_start("another", WorkflowIdConflictPolicy::Fail, "u");
    let mut second = pin!(server.call(other));
    assert!(server.parks(&mut second.as_mut()).await, "it is not completed yet");
    let task = server.poll().await;
    let message = &task.messages[0];
    let messages = [accept(message), respond(message, "r")];
    server.call(completion(&task, messages, [complete("done")])).await.unwrap();
    assert!(answers(first.await.unwrap()).0.started);
    assert!(!answers(second.await.unwrap()).0.started);
    let other = update_with_start("third", WorkflowIdConflictPolicy::Fail, "u");
    let (start, update) = answers(server.call(other).await.unwrap());
    assert!(!start.started, "the run is closed, and yet its outcome counts");
    assert_eq!(result(update.outcome), Ok("r".to_owned()));
}

#[tokio::test]
async fn a_rejection_is_an_outcome() {
    let server = Server::in_memory();
    let mut asked = pin!(server.call(update_with_start("s", WorkflowIdConflictPolicy::Fail, "u")));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    let request = completion(&task, [reject(&task.messages[0])], [start_timer("t", 60)]);
    server.call(request).await.unwrap();
    let (start, update) = answers(asked.await.unwrap());
    assert!(start.started);
    assert_eq!(result(update.outcome), Err("not like this".to_owned()));
}

#[tokio::test]
async fn a_run_that_closes_first_fails_the_update() {
    for (started, expected) in [
        (true, (Code::NotFound, Code::Ok, Code::NotFound)),
        (false, (Code::Aborted, Code::Aborted, Code::Aborted)),
    ] {
        let server = Server::in_memory();
        if !started {
            server.waiting("w").await;
        }
        let asked = update_with_start("s", WorkflowIdConflictPolicy::UseExisting, "u");
        let mut asked = pin!(server.call(asked));
        assert!(server.parks(&mut asked.as_mut()).await);
        server.step([complete("done")]).await;
        let error = asked.await.unwrap_err();
        let (start, update) = codes(&error);
        let (code, of_start, of_update) = expected;
        assert_eq!((error.code, start, update), (code, of_start.number(), of_update.number()));
    }
}

#[tokio::test]
async fn what_cannot_be_meant_starts_nothing() {
    let server = Server::in_memory();
    let (invalid, aborted) = (Code::InvalidArgument, Code::Aborted);
    let changes: [(Change, Code, Code); 7] = [
        (|start, _| start.cron_schedule = "* * * * *".to_owned(), invalid, aborted),
        (|start, _| start.workflow_start_delay = secs(1), invalid, aborted),
        (|start, _| start.request_eager_execution = true, invalid, aborted),
        (|start, _| start.workflow_type = None, invalid, aborted),
        (|_, update| update.workflow_execution = Some(workflow("other")), aborted, invalid),
        (|_, update| update.first_execution_run_id = "run".to_owned(), aborted, invalid),
        (
            |_, update| {
                let stage = Stage::Admitted.into();
                update.wait_policy.as_mut().unwrap().lifecycle_stage = stage;
            },
            aborted,
            Code::PermissionDenied,
        ),
    ];
    for (index, (change, of_start, of_update)) in changes.into_iter().enumerate() {
        let mut start = Server::start_request("w");
        let mut update = request(&workflow("w"), "u", Stage::Completed);
        change(&mut start, &mut update);
        let error = server.call(operations(start, update)).await.unwrap_err();
        assert_eq!(codes(&error), (of_start.number(), of_update.number()), "change {index}");
    }
    let mut alone = update_with_start("s", WorkflowIdConflictPolicy::Fail, "u");
    alone.operations.pop();
    let error = server.call(alone).await.unwrap_err();
    assert_eq!(error.message, "Operations have to be exactly [Start, Update].");
    assert_eq!(server.describe(&workflow("w")).await.unwrap_err().code, Code::NotFound);
}
