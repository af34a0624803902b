//! What a failed transaction had in its hands is not lost: it waits for the store to work again.

use hourglass_engine::RpcStatus;
use hourglass_engine::simulation::{Fault, Step};
use temporalio_protos::temporal::api::query::v1::WorkflowQuery;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::faults::{LATER, database, started};
use crate::support::Server;
use crate::support::command::{activity, schedule, start_timer};
use crate::support::values::NAMESPACE;

/// An activity that a worker has.
async fn given(server: &Server) -> PollActivityTaskQueueResponse {
    server.step([schedule(activity("a"))]).await;
    server.poll_activity().await
}

/// A poll of another worker.
async fn given_to_another(server: &Server) -> Result<PollActivityTaskQueueResponse, RpcStatus> {
    let worker_instance_key = "another".to_owned();
    let poll = PollActivityTaskQueueRequest { worker_instance_key, ..Server::activity_poll() };
    server.call(poll).await
}

#[tokio::test]
async fn b30_an_activity_of_a_gone_worker_is_kept_for_others_when_its_transaction_fails() {
    let (_directory, path) = database();
    let (server, faults, _run) = started(&path).await;
    let lost = given(&server).await;
    server.engine.worker_gone("instance", Vec::new());
    server.settle().await;
    faults.fail(Step::Commit, 1, Fault::Full);
    given_to_another(&server).await.unwrap_err();
    assert_eq!(given_to_another(&server).await.unwrap(), lost, "the same attempt");
}

#[tokio::test]
async fn b30_an_activity_that_is_kept_when_its_transaction_fails_goes_to_who_waits_already() {
    let (_directory, path) = database();
    let (server, faults, _run) = started(&path).await;
    let lost = given(&server).await;
    let mut first = std::pin::pin!(given_to_another(&server));
    assert!(server.parks(&mut first.as_mut()).await);
    let mut second = std::pin::pin!(given_to_another(&server));
    assert!(server.parks(&mut second.as_mut()).await);
    faults.fail(Step::Commit, 1, Fault::Full);
    server.engine.worker_gone("instance", Vec::new());
    assert!(server.parks(&mut second.as_mut()).await);
    first.await.unwrap_err();
    server.advance_secs(LATER).await;
    assert_eq!(second.await.unwrap(), lost, "the same attempt");
    let mut third = std::pin::pin!(given_to_another(&server));
    assert!(server.parks(&mut third.as_mut()).await, "it has gone to one already");
}

#[tokio::test]
async fn b30_a_worker_is_gone_although_the_store_failed_when_that_was_told() {
    for (step, nth) in [(Step::Read, 1), (Step::Read, 2)] {
        let (_directory, path) = database();
        let (server, faults, _run) = started(&path).await;
        let lost = given(&server).await;
        let server = server.reopen_healed(&path, &faults);
        faults.fail(step, nth, Fault::Io);
        server.engine.worker_gone("instance", Vec::new());
        server.settle().await;
        assert!(!faults.is_planned(), "{step:?} {nth} failed");
        server.advance_secs(LATER).await;
        assert_eq!(given_to_another(&server).await.unwrap(), lost, "after {step:?} {nth}");
    }
}

#[tokio::test]
async fn b30_an_activity_that_goes_on_is_given_to_nobody_although_the_store_failed() {
    let (_directory, path) = database();
    let (server, faults, _run) = started(&path).await;
    let running = given(&server).await;
    let server = server.reopen_healed(&path, &faults);
    faults.fail(Step::Read, 1, Fault::Io); // whether it goes on can't be read
    server.engine.worker_gone("instance", vec![running.task_token.clone()]);
    server.settle().await;
    assert!(!faults.is_planned());
    let mut poll = std::pin::pin!(given_to_another(&server));
    assert!(server.parks(&mut poll.as_mut()).await);
    server.advance_secs(LATER).await;
    assert!(server.parks(&mut poll.as_mut()).await);
    server.complete_activity(&running, "hash").await.unwrap();
}

#[tokio::test]
async fn b30_an_activity_answer_that_comes_back_to_a_failing_store_is_given_to_another() {
    let (_directory, path) = database();
    let (server, faults, _run) = started(&path).await;
    let task = server.poll().await;
    {
        let mut poll = std::pin::pin!(server.call(Server::activity_poll()));
        assert!(server.parks(&mut poll.as_mut()).await);
        server.complete(&task, [schedule(activity("a"))]).await.unwrap();
        server.advance_wall_secs(100).await; // the run is idle, and is not in memory any more
        faults.fail(Step::Read, 1, Fault::Io);
    }
    server.settle().await;
    assert!(!faults.is_planned(), "to look at the run failed");
    server.advance_secs(LATER).await;
    assert_eq!(given_to_another(&server).await.unwrap().attempt, 1);
}

#[tokio::test]
async fn a_workflow_task_that_a_worker_did_not_take_is_given_again_when_the_transaction_fails() {
    let (_directory, path) = database();
    let (server, faults, _run) = started(&path).await;
    let _lost = server.poll().await;
    server.engine.worker_gone("instance", Vec::new());
    server.settle().await;
    faults.break_down(Fault::Full);
    server.call(Server::start_request("another")).await.unwrap_err();
    faults.heal();
    server.advance_secs(LATER).await;
    assert_eq!(server.poll().await.attempt, 1);
}

#[tokio::test]
async fn a_query_that_was_given_in_a_transaction_that_failed_is_given_again() {
    let (_directory, path) = database();
    let (server, faults, run) = started(&path).await;
    server.step([start_timer("t", 60)]).await;
    let request = QueryWorkflowRequest {
        namespace: NAMESPACE.to_owned(),
        execution: Some(run),
        query: Some(WorkflowQuery { query_type: "state".to_owned(), ..Default::default() }),
        ..Default::default()
    };
    let mut query = std::pin::pin!(server.call(request));
    assert!(server.parks(&mut query.as_mut()).await);
    faults.fail(Step::Read, 1, Fault::Io);
    server.call(Server::workflow_poll()).await.unwrap_err();
    let asked = server.poll().await;
    assert_eq!(asked.query.unwrap().query_type, "state");
}
