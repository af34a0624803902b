//! A store that fails: what callers are told, what remains, and that everything goes on afterwards.

use std::path::{Path, PathBuf};
use std::task::Poll;

use hourglass_engine::simulation::{Fault, Faults, Step};
use hourglass_engine::{Code, DATABASE_FAILURE, RpcStatus};
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::{self, *};
use temporalio_protos::temporal::api::enums::v1::HistoryEventFilterType;
use temporalio_protos::temporal::api::workflowservice::v1::{
    GetWorkflowExecutionHistoryRequest, PollWorkflowTaskQueueResponse,
};

use crate::support::Server;
use crate::support::command::{activity, complete, schedule, start_timer};
use crate::support::logs;
use crate::support::server::Rpc;

/// Longer than the engine waits before it tries a store again that failed.
pub(crate) const LATER: u64 = 2;

pub(crate) fn database() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("orders.db");
    (directory, path)
}

/// A started workflow on a store that works so far.
pub(crate) async fn started(path: &Path) -> (Server, Faults, WorkflowExecution) {
    let faults = Faults::default();
    let server = Server::on_faulty_file(path, &faults);
    let run = server.start("w").await;
    (server, faults, run)
}

async fn count(server: &Server, run: &WorkflowExecution, wanted: EventType) -> usize {
    server.event_types(run).await.iter().filter(|found| **found == wanted).count()
}

#[tokio::test]
async fn a_failed_transaction_is_answered_with_what_failed() {
    for (fault, code) in [
        (Fault::Full, Code::ResourceExhausted),
        (Fault::Io, Code::Unavailable),
        (Fault::ReadOnly, Code::Unavailable),
    ] {
        for step in [Step::Read, Step::Write, Step::Commit] {
            let (_directory, path) = database();
            let faults = Faults::default();
            let server = Server::on_faulty_file(&path, &faults);
            server.settle().await;
            faults.fail(step, 1, fault);
            let error = server.call(Server::start_request("w")).await.unwrap_err();
            assert_eq!(error.code, code, "{fault:?} at {step:?}");
            let text = &error.message;
            assert!(text.contains(path.to_str().unwrap()), "{text}");
            assert!(text.contains("can't be") && text.contains("goes on by itself"), "{text}");
            assert!(String::from_utf8_lossy(&error.details).contains(DATABASE_FAILURE), "{text}");
        }
    }
}

#[tokio::test]
async fn nothing_of_a_failed_transaction_remains() {
    let (_directory, path) = database();
    let faults = Faults::default();
    let server = Server::on_faulty_file(&path, &faults);
    server.settle().await;
    faults.fail(Step::Commit, 1, Fault::Full);
    server.call(Server::start_request("w")).await.unwrap_err();
    let run = WorkflowExecution { workflow_id: "w".into(), run_id: String::new() };
    assert_eq!(server.describe(&run).await.unwrap_err().code, Code::NotFound);
    assert!(server.idle().await, "its task went with it");
    server.start("w").await;
    server.step([complete("done")]).await;
}

#[tokio::test]
async fn a_signal_that_failed_is_not_in_the_history_and_its_repetition_is_once() {
    let (_directory, path) = database();
    let (server, faults, run) = started(&path).await;
    server.step([]).await;
    faults.fail(Step::Commit, 1, Fault::Io);
    server.signal(&run, "s").await.unwrap_err();
    assert_eq!(count(&server, &run, WorkflowExecutionSignaled).await, 0);
    server.signal(&run, "s").await.unwrap();
    assert_eq!(count(&server, &run, WorkflowExecutionSignaled).await, 1);
}

#[tokio::test]
async fn a_workflow_task_whose_completion_failed_is_offered_again() {
    let (_directory, path) = database();
    let (server, faults, run) = started(&path).await;
    let task = server.poll().await;
    faults.fail(Step::Commit, 1, Fault::Full);
    let error = server.complete(&task, [complete("lost")]).await.unwrap_err();
    assert_eq!(error.code, Code::ResourceExhausted);
    server.advance_secs(LATER).await;
    let again = server.poll().await;
    assert_eq!(again.attempt, 1, "nothing was wrong with it");
    server.complete(&again, [complete("done")]).await.unwrap();
    assert_eq!(count(&server, &run, WorkflowExecutionCompleted).await, 1);
}

#[tokio::test]
async fn an_activity_whose_lease_could_not_be_stored_is_given_to_nobody_and_offered_again() {
    let (_directory, path) = database();
    let (server, faults, _run) = started(&path).await;
    server.step([schedule(activity("a"))]).await;
    faults.fail(Step::Commit, 1, Fault::Full);
    server.call(Server::activity_poll()).await.unwrap_err();
    server.advance_secs(LATER).await;
    let work = server.poll_activity().await;
    assert_eq!((work.activity_id.as_str(), work.attempt), ("a", 1));
}

#[tokio::test]
async fn polls_that_wait_get_their_task_when_a_store_that_failed_works_again() {
    let (_directory, path) = database();
    let faults = Faults::default();
    let server = Server::on_faulty_file(&path, &faults);
    let mut poll = std::pin::pin!(server.call(Server::workflow_poll()));
    assert!(server.parks(&mut poll.as_mut()).await);
    faults.fail(Step::Write, 1, Fault::Io);
    server.call(Server::start_request("w")).await.unwrap_err();
    server.start("w").await;
    let task = match poll.await {
        Ok(task) => task,
        Err(_) => server.poll().await, // it was to carry the task that failed
    };
    assert_eq!(task.workflow_execution.unwrap().workflow_id, "w");
}

#[tokio::test]
async fn b_76_a_timer_whose_firing_failed_fires_without_a_restart_when_the_store_recovers() {
    let (_directory, path) = database();
    let (server, faults, run) = started(&path).await;
    server.step([start_timer("t", 60)]).await;
    for step in [Step::Write, Step::Commit] {
        faults.fail(step, 1, Fault::Io);
        server.advance_secs(60).await;
    }
    faults.break_down(Fault::Full);
    server.advance_secs(600).await;
    faults.heal();
    server.advance_secs(LATER).await;
    assert_eq!(count(&server, &run, TimerFired).await, 1);
    server.step([complete("done")]).await;
    assert_eq!(count(&server, &run, WorkflowExecutionCompleted).await, 1);
}

#[tokio::test]
async fn b_76_timers_that_a_failing_store_delayed_fire_in_order_and_none_is_lost() {
    let (_directory, path) = database();
    let faults = Faults::default();
    let server = Server::on_faulty_file(&path, &faults);
    for index in 0..5_u64 {
        server.start(&format!("w{index}")).await;
        server.step([start_timer("t", 50 - 10 * index)]).await;
    }
    faults.break_down(Fault::Io);
    for _ in 0..10 {
        server.advance_secs(30).await;
    }
    faults.heal();
    server.advance_secs(LATER).await;
    let mut order = Vec::new();
    for _ in 0..5 {
        order.push(server.poll().await.workflow_execution.unwrap().workflow_id);
    }
    assert_eq!(order, ["w4", "w3", "w2", "w1", "w0"]);
}

#[tokio::test]
async fn an_engine_that_opened_on_a_full_disk_works_when_there_is_room_again() {
    let (_directory, path) = database();
    let faults = Faults::default();
    faults.fail(Step::Write, 1, Fault::Full);
    let server = Server::on_faulty_file(&path, &faults);
    server.call(Server::start_request("early")).await.unwrap_err();
    faults.heal();
    server.clock.advance(std::time::Duration::from_secs(LATER));
    server.call(Server::start_request("wakes it")).await.ok();
    server.start("w").await;
}

#[tokio::test]
async fn an_outage_is_logged_once_when_it_begins_and_once_when_it_is_over() {
    let (_directory, path) = database();
    logs::keep();
    let faults = Faults::default();
    let server = Server::on_faulty_file(&path, &faults);
    let logged = || logs::about(path.to_str().unwrap());
    server.start("before").await;
    for _ in 0..2 {
        faults.break_down(Fault::Full);
        for _ in 0..5 {
            server.call(Server::start_request("w")).await.unwrap_err();
            server.advance_secs(LATER).await;
        }
        faults.heal();
        server.advance_secs(LATER).await;
        server.signal(&execution("before"), "s").await.unwrap();
        let lines = logged();
        assert_eq!(lines.len() % 2, 0, "{lines:?}");
        let (begin, end) = (&lines[lines.len() - 2], &lines[lines.len() - 1]);
        assert!(begin.contains("orders.db") && begin.contains("disk"), "{lines:?}");
        assert!(end.contains("orders.db") && end.contains("can be written again"), "{lines:?}");
    }
    assert_eq!(logged().len(), 4);
}

fn execution(id: &str) -> WorkflowExecution {
    WorkflowExecution { workflow_id: id.into(), run_id: String::new() }
}

#[tokio::test]
async fn those_who_wait_for_a_result_are_told_when_the_store_fails_twice_in_a_row() {
    let (_directory, path) = database();
    let (server, faults, run) = started(&path).await;
    let request = GetWorkflowExecutionHistoryRequest {
        wait_new_event: true,
        history_event_filter_type: HistoryEventFilterType::CloseEvent.into(),
        ..Server::history_request(&run)
    };
    let mut result = std::pin::pin!(server.call(request));
    assert!(server.parks(&mut result.as_mut()).await);
    faults.fail(Step::Commit, 1, Fault::Full);
    server.signal(&run, "s").await.unwrap_err();
    assert!(server.parks(&mut result.as_mut()).await, "it may have been nothing");
    for _ in 0..2 {
        faults.fail(Step::Commit, 1, Fault::Full);
        server.signal(&run, "s").await.unwrap_err();
    }
    let error = result.await.unwrap_err();
    assert_eq!(error.code, Code::ResourceExhausted);
    assert!(error.message.contains("orders.db"), "{error}");
}

/// Try until it works, as clients do, and give the store time to be tried again.
async fn insist<T, F: Future<Output = Result<T, RpcStatus>>>(
    server: &Server,
    mut call: impl FnMut() -> F,
) -> T {
    for _ in 0..5 {
        if let Ok(done) = call().await {
            return done;
        }
        server.advance_secs(LATER).await;
    }
    panic!("it never worked");
}

/// Call, and let time pass until there is an answer: a task may wait for the store to be tried again.
async fn patiently<R: Rpc>(server: &Server, request: R) -> Result<R::Response, RpcStatus> {
    let mut call = std::pin::pin!(server.call(request));
    loop {
        // An answer that is there is taken before time goes on: what is in it could time out.
        if let Poll::Ready(answer) = server.settled(&mut call.as_mut()).await {
            return answer;
        }
        server.clock.advance(std::time::Duration::from_secs(LATER));
    }
}

async fn insist_on_step(
    server: &Server,
    commands: &[temporalio_protos::temporal::api::command::v1::Command],
) -> PollWorkflowTaskQueueResponse {
    insist(server, || async {
        let task = patiently(server, Server::workflow_poll()).await?;
        server.complete(&task, commands.to_vec()).await?;
        Ok(task)
    })
    .await
}

#[tokio::test]
async fn whichever_step_fails_the_history_becomes_the_one_without_a_failure() {
    let expected = pipeline(None).await.0;
    for step in [Step::Read, Step::Write, Step::Commit] {
        for nth in 1.. {
            let (types, happened) = pipeline(Some((step, nth))).await;
            assert_eq!(types, expected, "after failure {nth} at {step:?}");
            if !happened {
                assert!(nth > 3, "there are more steps than that");
                break;
            }
        }
    }
}

/// A workflow with an activity and a timer; tells its history and whether the planned step came.
async fn pipeline(failure: Option<(Step, u64)>) -> (Vec<EventType>, bool) {
    let (_directory, path) = database();
    let faults = Faults::default();
    let server = Server::on_faulty_file(&path, &faults);
    server.settle().await;
    if let Some((step, nth)) = failure {
        faults.fail(step, nth, Fault::Io);
    }
    let run_id = insist(&server, || server.call(Server::start_request("w"))).await.run_id;
    let run = WorkflowExecution { workflow_id: "w".into(), run_id };
    insist_on_step(&server, &[schedule(activity("a")), start_timer("t", 1000)]).await;
    insist(&server, || async {
        let work = patiently(&server, Server::activity_poll()).await?;
        server.complete_activity(&work, "hash").await
    })
    .await;
    insist_on_step(&server, &[]).await;
    server.advance_secs(1000).await;
    server.advance_secs(LATER).await;
    insist_on_step(&server, &[complete("done")]).await;
    let happened = !faults.is_planned();
    faults.heal();
    (server.event_types(&run).await, happened)
}
