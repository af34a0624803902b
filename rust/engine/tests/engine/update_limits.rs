//! What keeps an update from its outcome: limits, closing runs, failing tasks.

use std::pin::pin;

use hourglass_engine::Code;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::enums::v1::{
    UpdateWorkflowExecutionLifecycleStage as Stage, WorkflowTaskFailedCause,
};
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{complete, continue_as_new, start_timer};
use crate::support::update::{
    accept, completion, place, poll_request, reject, request, respond, result, sequenced_after,
};

#[tokio::test]
async fn closing_a_run_ends_its_updates() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut accepted = pin!(server.update(&run, "accepted"));
    assert!(server.parks(&mut accepted.as_mut()).await);
    let task = server.poll().await;
    let mut late = pin!(server.update(&run, "late"));
    assert!(server.parks(&mut late.as_mut()).await);
    let message = &task.messages[0];
    server.call(completion(&task, [accept(message)], [complete("done")])).await.unwrap();
    let cut_off =
        "Workflow Update failed because the Workflow completed before the Update completed.";
    assert_eq!(result(accepted.await.unwrap().outcome), Err(cut_off.to_owned()));
    let error = late.await.unwrap_err();
    assert_eq!(error.code, Code::NotFound);
    assert_eq!(error.message, "workflow update was aborted by closing workflow");
    assert_eq!(server.event_types(&run).await.last(), Some(&WorkflowExecutionCompleted));
    let again = server.update(&run, "accepted").await.unwrap();
    assert_eq!(result(again.outcome), Err(cut_off.to_owned()), "who asks later is told the same");
    let error = server.update(&run, "new").await.unwrap_err();
    assert_eq!(error.code, Code::NotFound);
    assert_eq!(error.message, "workflow execution already completed");
}

#[tokio::test]
async fn an_outcome_outlives_its_run() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    let message = &task.messages[0];
    let messages = [accept(message), respond(message, "r")];
    server.call(completion(&task, messages, [complete("done")])).await.unwrap();
    assert_eq!(result(asked.await.unwrap().outcome), Ok("r".to_owned()));
    let polled = server.call(poll_request(&run, "u", Stage::Completed)).await.unwrap();
    assert_eq!(result(polled.outcome), Ok("r".to_owned()));
    assert_eq!(result(server.update(&run, "u").await.unwrap().outcome), Ok("r".to_owned()));
}

#[tokio::test]
async fn terminating_a_run_ends_its_updates() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    server.terminate(&run).await.unwrap();
    assert_eq!(asked.await.unwrap_err().code, Code::NotFound);
    assert_eq!(
        server.event_types(&run).await[4..],
        [TimerStarted, WorkflowExecutionTerminated],
        "the task that was to carry it was never there"
    );
}

#[tokio::test]
async fn updates_of_a_run_that_continues_as_new_are_to_be_asked_again() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    server.complete(&task, [continue_as_new()]).await.unwrap();
    let error = asked.await.unwrap_err();
    assert_eq!(error.code, Code::ResourceExhausted);
    let newest = WorkflowExecution { run_id: String::new(), ..run };
    let mut again = pin!(server.update(&newest, "u"));
    assert!(server.parks(&mut again.as_mut()).await);
    let task = server.poll().await;
    assert_eq!(task.messages[0].protocol_instance_id, "u", "the run that follows takes it");
}

#[tokio::test]
async fn a_run_takes_ten_updates_at_a_time() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked: Vec<_> =
        (0..10).map(|n| Box::pin(server.update(&run, &format!("u{n}")))).collect();
    for asked in &mut asked {
        assert!(server.parks(&mut asked.as_mut()).await);
    }
    let error = server.update(&run, "one more").await.unwrap_err();
    assert_eq!(error.code, Code::ResourceExhausted);
    assert_eq!(
        error.message,
        "limit on number of concurrent in-flight updates has been reached (10)"
    );
    let task = server.poll().await;
    let rejections: Vec<_> = task.messages.iter().map(reject).collect();
    server.call(completion(&task, rejections, [])).await.unwrap();
    let mut again = pin!(server.update(&run, "one more"));
    assert!(server.parks(&mut again.as_mut()).await, "there is room again");
}

#[tokio::test]
async fn a_run_takes_two_thousand_updates() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    for batch in 0..200 {
        let mut asked: Vec<_> = (0..10)
            .map(|n| Box::pin(server.call(request(&run, &format!("{batch}-{n}"), Stage::Accepted))))
            .collect();
        for asked in &mut asked {
            assert!(server.parks(&mut asked.as_mut()).await);
        }
        let task = server.poll().await;
        let messages: Vec<_> =
            task.messages.iter().flat_map(|m| [accept(m), respond(m, "r")]).collect();
        server.call(completion(&task, messages, [])).await.unwrap();
    }
    let error = server.update(&run, "one more").await.unwrap_err();
    assert_eq!(error.code, Code::FailedPrecondition);
    assert_eq!(error.message, "limit on number of total updates has been reached (2000)");
}

#[tokio::test]
async fn a_run_whose_task_keeps_failing_takes_no_update() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    for _ in 0..2 {
        let task = server.poll().await;
        server.fail_task(&task).await.unwrap();
    }
    let error = server.update(&run, "u").await.unwrap_err();
    assert_eq!(error.code, Code::FailedPrecondition);
    assert_eq!(
        error.message,
        "Unable to perform workflow execution update due to Workflow Task in failed state."
    );
}

#[tokio::test]
async fn an_update_is_sent_again_when_its_task_fails() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    server.fail_task(&task).await.unwrap();
    let task = server.poll().await;
    assert_eq!((task.attempt, task.started_event_id), (2, 10));
    let message = &task.messages[0];
    assert_eq!((message.id.as_str(), sequenced_after(message)), ("u/request", 9));
    server.call(completion(&task, [accept(message), respond(message, "r")], [])).await.unwrap();
    assert_eq!(result(asked.await.unwrap().outcome), Ok("r".to_owned()));
    assert_eq!(
        server.event_types(&run).await[5..9],
        [WorkflowTaskScheduled, WorkflowTaskStarted, WorkflowTaskFailed, WorkflowTaskScheduled]
    );
}

#[tokio::test]
async fn an_update_whose_completion_is_refused_is_not_tried_again() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    let absent = place(&accept(&task.messages[0]));
    let error = server.complete(&task, [absent]).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
    assert_eq!(
        error.message,
        "BadUpdateWorkflowExecutionMessage: ProtocolMessageCommand referenced absent message ID \
         u/request/accept"
    );
    assert_eq!(asked.await.unwrap_err().code, Code::FailedPrecondition);
    let history = server.history(&run).await;
    let Attributes::WorkflowTaskFailedEventAttributes(failed) = history.attributes(8) else {
        panic!("{:?}", history.types());
    };
    assert_eq!(failed.cause(), WorkflowTaskFailedCause::BadUpdateWorkflowExecutionMessage);
    assert!(server.poll().await.messages.is_empty());
}

#[tokio::test]
async fn a_worker_says_of_an_update_only_what_can_be() {
    for outcome_first in [true, false] {
        let server = Server::in_memory();
        let run = server.waiting("w").await;
        let mut asked = pin!(server.update(&run, "u"));
        assert!(server.parks(&mut asked.as_mut()).await);
        let task = server.poll().await;
        let message = &task.messages[0];
        let messages = if outcome_first {
            [respond(message, "r"), accept(message)]
        } else {
            [accept(message), accept(message)]
        };
        let error = server.call(completion(&task, messages, [])).await.unwrap_err();
        assert!(error.message.starts_with("BadUpdateWorkflowExecutionMessage"), "{error}");
        assert!(!server.event_types(&run).await.contains(&WorkflowExecutionUpdateAccepted));
    }
}

/// What a worker is told that speaks of an update which is in that state.
fn refused(message: &str, state: &str) -> String {
    format!(
        "BadUpdateWorkflowExecutionMessage: invalid state transition attempted for Update u: received \
         *update.{message} message while in state {state}"
    )
}

#[tokio::test]
async fn a_worker_has_nothing_more_to_say_to_an_update_that_is_over() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    let update = task.messages[0].clone();
    let answers = [accept(&update), respond(&update, "r")];
    server.call(completion(&task, answers, [])).await.unwrap();
    assert_eq!(result(asked.await.unwrap().outcome), Ok("r".to_owned()));
    server.signal(&run, "s").await.unwrap();
    let too_late = [
        ("Acceptance", accept(&update)),
        ("Rejection", reject(&update)),
        ("Response", respond(&update, "another")),
    ];
    for (name, message) in too_late {
        let task = server.poll().await;
        let error = server.call(completion(&task, [message], [])).await.unwrap_err();
        assert_eq!(error.message, refused(name, "Completed"));
    }
    let types = server.event_types(&run).await;
    let accepted = types.into_iter().filter(|r#type| *r#type == WorkflowExecutionUpdateAccepted);
    assert_eq!(accepted.count(), 1);
}

#[tokio::test]
async fn an_update_is_not_accepted_again_by_the_task_that_ends_it() {
    for is_rejected in [true, false] {
        let server = Server::in_memory();
        let run = server.waiting("w").await;
        let mut asked = pin!(server.update(&run, "u"));
        assert!(server.parks(&mut asked.as_mut()).await);
        let task = server.poll().await;
        let update = &task.messages[0];
        let mut messages = vec![accept(update), respond(update, "r")];
        if is_rejected {
            messages = vec![reject(update)];
        }
        messages.push(accept(update));
        let commands: Vec<_> =
            if is_rejected { Vec::new() } else { messages.iter().map(place).collect() };
        let request =
            RespondWorkflowTaskCompletedRequest { messages, ..Server::completion(&task, commands) };
        let error = server.call(request).await.unwrap_err();
        assert_eq!(error.message, refused("Acceptance", "ProvisionallyCompleted"));
        assert!(!server.event_types(&run).await.contains(&WorkflowExecutionUpdateAccepted));
    }
}

#[tokio::test]
async fn an_update_does_not_wait_for_the_start_delay() {
    let server = Server::in_memory();
    let run = server
        .start_with(StartWorkflowExecutionRequest {
            workflow_start_delay: crate::support::values::secs(60),
            ..Server::start_request("w")
        })
        .await;
    let mut asked = pin!(server.update(&run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    let message = &task.messages[0];
    let messages = [accept(message), respond(message, "r")];
    server.call(completion(&task, messages, [start_timer("t", 3600)])).await.unwrap();
    assert_eq!(result(asked.await.unwrap().outcome), Ok("r".to_owned()));
    server.advance_secs(120).await;
    assert!(server.idle().await, "it has begun; the end of the delay is nothing to it");
}
