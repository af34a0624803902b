//! `ResetWorkflowExecution`: what only a virtual clock or a restart can show. How events go is compared
//! with a real server elsewhere.

use std::pin::pin;

use hourglass_engine::RpcStatus;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::protocol::v1::Message;
use temporalio_protos::temporal::api::protocol::v1::message::SequencingId;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{activity, complete, continue_as_new, schedule, start_timer};
use crate::support::update::{accept, completion, respond, result};
use crate::support::values::{NAMESPACE, secs};

fn reset_request(run: &WorkflowExecution, until: i64) -> ResetWorkflowExecutionRequest {
    ResetWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: Some(run.clone()),
        reason: "again".to_owned(),
        workflow_task_finish_event_id: until,
        request_id: format!("reset {} {until}", run.run_id),
        ..Default::default()
    }
}

impl Server {
    async fn reset(
        &self,
        run: &WorkflowExecution,
        until: i64,
    ) -> Result<WorkflowExecution, RpcStatus> {
        let run_id = self.call(reset_request(run, until)).await?.run_id;
        Ok(WorkflowExecution { run_id, ..run.clone() })
    }
}

#[tokio::test]
async fn a_timer_keeps_its_deadline_over_a_reset() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([start_timer("early", 60), start_timer("late", 100)]).await;
    server.signal(&run, "s").await.unwrap();
    server.step([start_timer("later", 100)]).await;
    server.advance_secs(30).await;
    let new = server.reset(&run, 10).await.unwrap();
    server.step([]).await;
    let fired = async || {
        let types = server.event_types(&new).await;
        types.into_iter().filter(|r#type| *r#type == TimerFired).count()
    };
    server.advance_secs(29).await;
    assert_eq!(fired().await, 0);
    server.advance_secs(1).await;
    assert_eq!(fired().await, 1);
    server.advance_secs(40).await;
    assert_eq!(fired().await, 2, "the timer after the point of the reset is gone");
    server.advance_secs(60).await;
    assert_eq!(fired().await, 2);
}

#[tokio::test]
async fn a_reset_that_is_asked_for_twice_is_one() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([start_timer("t", 60)]).await;
    let once = server.reset(&run, 4).await.unwrap();
    let again = server.reset(&run, 4).await.unwrap();
    assert_eq!(once.run_id, again.run_id);
    assert!(!server.event_types(&once).await.contains(&WorkflowExecutionTerminated));
}

#[tokio::test]
async fn the_timeouts_of_a_run_begin_anew_with_a_reset() {
    let server = Server::in_memory();
    let request = StartWorkflowExecutionRequest {
        workflow_run_timeout: secs(100),
        ..Server::start_request("w")
    };
    let run = server.start_with(request).await;
    server.step([start_timer("t", 3600)]).await;
    server.advance_secs(90).await;
    let new = server.reset(&run, 4).await.unwrap();
    server.advance_secs(99).await;
    assert_eq!(server.event_types(&new).await.last(), Some(&WorkflowTaskScheduled));
    server.advance_secs(1).await;
    assert_eq!(server.event_types(&new).await.last(), Some(&WorkflowExecutionTimedOut));
}

#[tokio::test]
async fn an_activity_begins_anew_with_a_reset_and_its_old_worker_is_turned_away() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    server.signal(&run, "s").await.unwrap();
    server.step([]).await;
    let old = server.poll_activity().await;
    let new = server.reset(&run, 9).await.unwrap();
    server.heartbeat(&old, "alive").await.unwrap_err();
    server.complete_activity(&old, "late").await.unwrap_err();
    let again = server.poll_activity().await;
    assert_eq!((again.attempt, &again.input), (1, &old.input));
    assert_eq!(again.workflow_execution.as_ref(), Some(&new));
    server.complete_activity(&again, "done").await.unwrap();
    server.step([complete("done")]).await;
    assert_eq!(server.event_types(&new).await.last(), Some(&WorkflowExecutionCompleted));
}

#[tokio::test]
async fn an_update_that_a_reset_admits_outlives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let server = Server::on_file(&path);
    let run = server.waiting("w").await;
    let message = {
        let mut asked = pin!(server.update(&run, "u"));
        assert!(server.parks(&mut asked.as_mut()).await);
        let task = server.poll().await;
        let message: Message = task.messages[0].clone();
        let answers = [accept(&message), respond(&message, "first")];
        server.call(completion(&task, answers, [])).await.unwrap();
        asked.await.unwrap();
        message
    };
    let new = server.reset(&run, 4).await.unwrap();
    let server = server.reopen(&path);
    let history = server.history(&new).await;
    let Attributes::WorkflowExecutionUpdateAdmittedEventAttributes(admitted) =
        history.attributes(5)
    else {
        panic!("{:?}", history.types());
    };
    assert!(admitted.request.is_some());
    {
        let mut asked = pin!(server.update(&new, "u"));
        assert!(server.parks(&mut asked.as_mut()).await, "it is known and not answered");
        let task = server.poll().await;
        assert_eq!(task.messages, [], "a worker finds it in the history");
        let message = Message { sequencing_id: Some(SequencingId::EventId(5)), ..message };
        let answers = [accept(&message), respond(&message, "second")];
        server.call(completion(&task, answers, [])).await.unwrap();
        assert_eq!(result(asked.await.unwrap().outcome), Ok("second".to_owned()));
    }
    let history = server.history(&new).await;
    let Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(accepted) =
        history.attributes(9)
    else {
        panic!("{:?}", history.types());
    };
    assert_eq!(accepted.accepted_request, None, "the event before it has the request");
    let server = server.reopen(&path);
    server.signal(&new, "s").await.unwrap();
    assert_eq!(server.poll().await.messages, []);
}

#[tokio::test]
async fn a_refused_reset_changes_nothing() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    let before = server.event_types(&run).await;
    server.reset(&run, 5).await.unwrap_err();
    assert_eq!(server.event_types(&run).await, before);
    let described = server.describe(&run).await.unwrap().workflow_extended_info.unwrap();
    assert_eq!(described.reset_run_id, "");
    server.advance_secs(3600).await;
    server.step([complete("done")]).await;
}

/// Ask for an update of a run, and complete it with its next task.
async fn update_and_complete(server: &Server, run: &WorkflowExecution) {
    let mut asked = pin!(server.update(run, "u"));
    assert!(server.parks(&mut asked.as_mut()).await);
    let task = server.poll().await;
    let message = &task.messages[0];
    let answers = [accept(message), respond(message, "done")];
    server.call(completion(&task, answers, [])).await.unwrap();
    asked.await.unwrap();
}

#[tokio::test]
async fn an_update_that_two_runs_of_a_chain_had_is_admitted_once_by_a_reset() {
    let server = Server::in_memory();
    let run = server.waiting("w").await;
    update_and_complete(&server, &run).await;
    server.signal(&run, "s").await.unwrap();
    server.step([continue_as_new()]).await;
    server.step([start_timer("t", 3600)]).await;
    let next = WorkflowExecution { run_id: String::new(), ..run.clone() };
    update_and_complete(&server, &next).await;
    let new = server.reset(&run, 4).await.unwrap();
    let types = server.event_types(&new).await;
    let admitted = types.into_iter().filter(|r#type| *r#type == WorkflowExecutionUpdateAdmitted);
    assert_eq!(admitted.count(), 1);
}
