//! `UpdateWorkflowExecution` and `PollWorkflowExecutionUpdate`.

use std::pin::pin;
use std::time::Duration;

use hourglass_engine::Code;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::enums::v1::UpdateWorkflowExecutionLifecycleStage as Stage;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::update::v1::{Input, Meta, Request};
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{complete, start_timer};
use crate::support::update::{
    accept, completion, place, poll_request, reject, request, respond, result, sequenced_after,
};
use crate::support::values::text;

#[tokio::test]
async fn an_update_is_accepted_and_completed_in_one_task() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    assert_eq!(task.messages.len(), 1);
    let message = &task.messages[0];
    assert_eq!((message.id.as_str(), message.protocol_instance_id.as_str()), ("u/request", "u"));
    assert_eq!((task.started_event_id, sequenced_after(message)), (7, 6));
    server
        .call(completion(&task, [accept(message), respond(message, "approved")], []))
        .await
        .unwrap();
    let response = asked.await.unwrap();
    assert_eq!(response.stage(), Stage::Completed);
    assert_eq!(response.update_ref.as_ref().unwrap().update_id, "u");
    assert_eq!(response.update_ref.unwrap().workflow_execution.as_ref(), Some(&run));
    assert_eq!(result(response.outcome), Ok("approved".to_owned()));
    let history = server.history(&run).await;
    assert_eq!(
        history.types()[5..],
        [
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            WorkflowExecutionUpdateAccepted,
            WorkflowExecutionUpdateCompleted
        ]
    );
    let Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(accepted) =
        history.attributes(9)
    else {
        panic!("{:?}", history.types());
    };
    assert_eq!(accepted.protocol_instance_id, "u");
    assert_eq!(accepted.accepted_request_message_id, "u/request");
    assert_eq!(accepted.accepted_request_sequencing_event_id, 6);
    let input = accepted.accepted_request.as_ref().unwrap().input.as_ref().unwrap();
    assert_eq!((input.name.as_str(), text(input.args.as_ref()).as_str()), ("approve", "please"));
    let Attributes::WorkflowExecutionUpdateCompletedEventAttributes(completed) =
        history.attributes(10)
    else {
        panic!("{:?}", history.types());
    };
    assert_eq!(completed.accepted_event_id, 9);
    assert_eq!(completed.meta.as_ref().unwrap().update_id, "u");
}

#[tokio::test]
async fn acceptance_and_outcome_keep_their_place_among_the_commands() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    let (accepted, responded) = (accept(&task.messages[0]), respond(&task.messages[0], "r"));
    let commands =
        [start_timer("a", 60), place(&accepted), start_timer("b", 60), place(&responded)];
    let request = RespondWorkflowTaskCompletedRequest {
        messages: vec![accepted, responded],
        ..Server::completion(&task, commands)
    };
    server.call(request).await.unwrap();
    assert_eq!(
        server.event_types(&run).await[8..],
        [
            TimerStarted,
            WorkflowExecutionUpdateAccepted,
            TimerStarted,
            WorkflowExecutionUpdateCompleted
        ]
    );
    asked.await.unwrap();
}

#[tokio::test]
async fn messages_without_commands_count_as_well() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    let message = &task.messages[0];
    let request = RespondWorkflowTaskCompletedRequest {
        messages: vec![accept(message), respond(message, "r")],
        ..Server::completion(&task, [])
    };
    server.call(request).await.unwrap();
    assert_eq!(result(asked.await.unwrap().outcome), Ok("r".to_owned()));
}

#[tokio::test]
async fn a_caller_may_wait_for_acceptance_and_poll_for_the_outcome() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.call(request(&run, "u", Stage::Accepted)));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    let message = &task.messages[0];
    server.call(completion(&task, [accept(message)], [])).await.unwrap();
    let response = asked.await.unwrap();
    assert_eq!((response.stage(), response.outcome), (Stage::Accepted, None));
    let mut polled = pin!(server.call(poll_request(&run, "u", Stage::Completed)));
    assert!(server.parks(&mut polled.as_mut()).await);
    let now = server.call(poll_request(&run, "u", Stage::Unspecified)).await.unwrap();
    assert_eq!(now.stage(), Stage::Accepted, "without a policy nobody waits");
    server.signal(&run, "go on").await.unwrap();
    let task = server.poll().await;
    server.call(completion(&task, [respond(message, "late")], [])).await.unwrap();
    let polled = polled.await.unwrap();
    assert_eq!(polled.stage(), Stage::Completed);
    assert_eq!(result(polled.outcome), Ok("late".to_owned()));
}

#[tokio::test]
async fn a_caller_is_told_after_twenty_seconds_what_is_reached() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    server.advance_wall_secs(19).await;
    assert!(server.parks(&mut asked.as_mut()).await);
    server.advance_wall_secs(1).await;
    let response = asked.await.unwrap();
    assert_eq!((response.stage(), response.outcome), (Stage::Admitted, None));
    let mut again = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut again.as_mut()).await);
    let task = server.poll().await;
    assert_eq!(task.messages.len(), 1, "it was asked for twice and is one update");
    let message = &task.messages[0];
    server.call(completion(&task, [accept(message)], [])).await.unwrap();
    server.advance_wall_secs(20).await;
    assert_eq!(again.await.unwrap().stage(), Stage::Accepted);
}

#[tokio::test]
async fn an_update_that_is_repeated_has_the_outcome_of_the_first() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut first = pin!(server.update(&run, "u"));
    let mut second = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut first.as_mut()).await);
    assert!(server.parks(&mut second.as_mut()).await);
    let task = server.poll().await;
    assert_eq!(task.messages.len(), 1);
    let message = &task.messages[0];
    server.call(completion(&task, [accept(message), respond(message, "r")], [])).await.unwrap();
    assert_eq!(result(first.await.unwrap().outcome), Ok("r".to_owned()));
    assert_eq!(result(second.await.unwrap().outcome), Ok("r".to_owned()));
    let before = server.event_types(&run).await;
    assert_eq!(result(server.update(&run, "u").await.unwrap().outcome), Ok("r".to_owned()));
    assert_eq!(server.event_types(&run).await, before, "it is not done again");
}

#[tokio::test]
async fn updates_travel_in_order_of_arrival() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut first = pin!(server.update(&run, "b"));
    let mut second = pin!(server.update(&run, "a"));
    assert!(server.parks(&mut first.as_mut()).await);
    assert!(server.parks(&mut second.as_mut()).await);
    let task = server.poll().await;
    let ids: Vec<_> = task.messages.iter().map(|m| m.protocol_instance_id.as_str()).collect();
    assert_eq!(ids, ["b", "a"]);
}

#[tokio::test]
async fn an_update_rides_on_a_task_that_is_scheduled_anyway() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    let message = &task.messages[0];
    assert_eq!((task.started_event_id, sequenced_after(message)), (3, 2));
    server.call(completion(&task, [reject(message)], [complete("done")])).await.unwrap();
    assert_eq!(result(asked.await.unwrap().outcome), Err("not like this".to_owned()));
    assert_eq!(
        server.event_types(&run).await,
        [
            WorkflowExecutionStarted,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            WorkflowExecutionCompleted
        ],
        "the task is kept, the rejection is not"
    );
}

#[tokio::test]
async fn a_rejected_update_is_unknown_afterwards() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    server.call(completion(&task, [reject(&task.messages[0])], [])).await.unwrap();
    let response = asked.await.unwrap();
    assert_eq!(response.stage(), Stage::Completed);
    assert_eq!(result(response.outcome), Err("not like this".to_owned()));
    let error = server.call(poll_request(&run, "u", Stage::Completed)).await.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (Code::NotFound, "update \"u\" not found"));
}

#[tokio::test]
async fn an_update_that_the_worker_ignores_is_rejected() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    server.complete(&task, [start_timer("another", 60)]).await.unwrap();
    let message = result(asked.await.unwrap().outcome).unwrap_err();
    assert!(message.contains("wasn't processed by worker"), "{message}");
}

#[tokio::test]
async fn updates_that_nobody_takes_expire_with_their_caller_and_are_tried_all_the_same() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let timeout = Some(Duration::from_secs(5));
    let mut asked = pin!(server.call_within(timeout, request(&run, "u", Stage::Completed)));
    assert!(server.parks(&mut asked.as_mut()).await);
    server.advance_wall_secs(5).await;
    assert_eq!(
        asked.await.unwrap().stage(),
        Stage::Admitted,
        "a little before its caller gives up"
    );
    assert_eq!(server.poll().await.messages.len(), 1);
}

#[tokio::test]
async fn an_update_that_cannot_be_meant_is_refused() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let ask = |change: fn(&mut UpdateWorkflowExecutionRequest)| {
        let mut asked = request(&run, "u", Stage::Completed);
        change(&mut asked);
        server.call(asked)
    };
    for (change, code, message) in [
        (
            (|r| r.request = None) as fn(&mut UpdateWorkflowExecutionRequest),
            Code::InvalidArgument,
            "Update meta is not set on request.",
        ),
        (
            |r| {
                r.request = Some(Request { meta: Some(Meta::default()), ..Default::default() });
            },
            Code::InvalidArgument,
            "Update input is not set on request.",
        ),
        (
            |r| r.request.as_mut().unwrap().input = Some(Input::default()),
            Code::InvalidArgument,
            "Update name is not set on request.",
        ),
        (
            |r| r.request.as_mut().unwrap().meta.as_mut().unwrap().update_id = "u".repeat(1001),
            Code::InvalidArgument,
            "UpdateId length exceeds limit.",
        ),
        (
            |r| r.wait_policy.as_mut().unwrap().lifecycle_stage = Stage::Admitted.into(),
            Code::PermissionDenied,
            "UpdateWorkflowExecution issued asynchronously and waiting on update admitted is not \
             supported.",
        ),
        (
            |r| r.first_execution_run_id = "5f6d3f5b-3c5b-4f0e-9f5e-4d0f0b9d7e11".to_owned(),
            Code::NotFound,
            "workflow execution not found",
        ),
        (
            |r| r.workflow_execution.as_mut().unwrap().workflow_id = "nobody".to_owned(),
            Code::NotFound,
            "",
        ),
    ] {
        let error = ask(change).await.unwrap_err();
        assert_eq!(error.code, code, "{error}");
        assert!(message.is_empty() || error.message == message, "{error}");
    }
    let error = server.call(PollWorkflowExecutionUpdateRequest {
        namespace: "default".to_owned(),
        ..Default::default()
    });
    assert_eq!(error.await.unwrap_err().message, "UpdateRef is not set on request.");
}

#[tokio::test]
async fn an_update_without_an_id_gets_one() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, ""));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    let message = &task.messages[0];
    assert_eq!(message.protocol_instance_id.len(), 36);
    server.call(completion(&task, [accept(message), respond(message, "r")], [])).await.unwrap();
    assert_eq!(asked.await.unwrap().update_ref.unwrap().update_id, message.protocol_instance_id);
}

// --- what survives ---------------------------------------------------------------------------

#[tokio::test]
async fn what_was_accepted_and_completed_is_known_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("updates.db");
    let server = Server::on_file(&path);
    let run = server.waiting("w").await;
    let message = {
        let mut accepted = pin!(server.call(request(&run, "accepted", Stage::Accepted)));
        let mut completed = pin!(server.update(&run, "completed"));
        assert!(server.parks(&mut accepted.as_mut()).await);
        assert!(server.parks(&mut completed.as_mut()).await);
        let task = server.poll().await;
        let [first, second] = [&task.messages[0], &task.messages[1]];
        let messages = [accept(first), accept(second), respond(second, "r")];
        server.call(completion(&task, messages, [])).await.unwrap();
        assert_eq!(accepted.await.unwrap().stage(), Stage::Accepted);
        assert_eq!(completed.await.unwrap().stage(), Stage::Completed);
        first.clone()
    };
    let server = server.reopen(&path);
    let polled = server.call(poll_request(&run, "completed", Stage::Completed)).await.unwrap();
    assert_eq!(result(polled.outcome), Ok("r".to_owned()));
    let polled = server.call(poll_request(&run, "accepted", Stage::Accepted)).await.unwrap();
    assert_eq!((polled.stage(), polled.outcome), (Stage::Accepted, None));
    let mut again = pin!(server.update(&run, "accepted"));
    assert!(server.parks(&mut again.as_mut()).await);
    server.signal(&run, "go on").await.unwrap();
    let task = server.poll().await;
    assert!(task.messages.is_empty(), "it was accepted, it is not sent again");
    server.call(completion(&task, [respond(&message, "late")], [])).await.unwrap();
    assert_eq!(result(again.await.unwrap().outcome), Ok("late".to_owned()));
}

#[tokio::test]
async fn what_was_not_accepted_is_asked_again_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("updates.db");
    let server = Server::on_file(&path);
    let run = server.waiting("w").await;
    let before = server.event_types(&run).await;
    {
        let mut asked = pin!(server.update(&run, "u"));
        assert!(server.parks(&mut asked.as_mut()).await);
        server.poll().await;
        server.engine.close();
        assert_eq!(asked.await.unwrap_err().code, Code::Unavailable);
    }
    let server = server.reopen(&path);
    assert_eq!(server.event_types(&run).await, before);
    assert_eq!(
        server.call(poll_request(&run, "u", Stage::Accepted)).await.unwrap_err().code,
        Code::NotFound
    );
    let mut again = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut again.as_mut()).await);
    assert_eq!(server.poll().await.messages.len(), 1);
}
