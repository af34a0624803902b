//! `ShutdownWorker`: a worker that leaves gets its polls back and keeps no task waiting.

use hourglass_engine::Code;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{activity, complete, schedule, start_timer};
use crate::support::values::{NAMESPACE, QUEUE};
use crate::support::worker::IDENTITY;

fn request() -> ShutdownWorkerRequest {
    ShutdownWorkerRequest {
        namespace: NAMESPACE.to_owned(),
        sticky_task_queue: "sticky".to_owned(),
        identity: IDENTITY.to_owned(),
        worker_instance_key: "instance".to_owned(),
        task_queue: QUEUE.to_owned(),
        reason: "graceful shutdown".to_owned(),
        ..Default::default()
    }
}

fn activity_poll_of(worker: &str) -> PollActivityTaskQueueRequest {
    PollActivityTaskQueueRequest {
        worker_instance_key: worker.to_owned(),
        ..Server::activity_poll()
    }
}

/// A workflow has ordered an activity, and the worker that `poll` is of has it.
async fn given(
    server: &Server,
    poll: PollActivityTaskQueueRequest,
) -> (WorkflowExecution, PollActivityTaskQueueResponse) {
    let run = server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    (run, server.call(poll).await.unwrap())
}

#[tokio::test]
async fn every_poll_of_the_worker_comes_back_empty() {
    let server = Server::in_memory();
    let mut normal = std::pin::pin!(server.call(Server::workflow_poll()));
    let mut sticky = std::pin::pin!(server.call(Server::sticky_poll("sticky")));
    let mut activity = std::pin::pin!(server.call(Server::activity_poll()));
    assert!(server.parks(&mut normal.as_mut()).await);
    assert!(server.parks(&mut sticky.as_mut()).await);
    assert!(server.parks(&mut activity.as_mut()).await);
    server.call(request()).await.unwrap();
    assert!(normal.await.unwrap().task_token.is_empty());
    assert!(sticky.await.unwrap().task_token.is_empty());
    assert!(activity.await.unwrap().task_token.is_empty());
}

#[tokio::test]
async fn a_poll_that_arrives_after_the_shutdown_comes_back_empty() {
    let server = Server::in_memory();
    server.call(request()).await.unwrap();
    let task = server.call(Server::workflow_poll()).await.unwrap();
    assert!(task.task_token.is_empty());
    let task = server.call(Server::activity_poll()).await.unwrap();
    assert!(task.task_token.is_empty());
}

#[tokio::test]
async fn the_polls_of_other_workers_go_on_waiting() {
    let server = Server::in_memory();
    let other = PollWorkflowTaskQueueRequest {
        worker_instance_key: "another".to_owned(),
        ..Server::workflow_poll()
    };
    let mut poll = std::pin::pin!(server.call(other));
    assert!(server.parks(&mut poll.as_mut()).await);
    server.call(request()).await.unwrap();
    assert!(server.parks(&mut poll.as_mut()).await);
    let run = server.start("w").await;
    assert_eq!(poll.await.unwrap().workflow_execution, Some(run));
}

#[tokio::test]
async fn a_task_for_the_workers_sticky_queue_goes_to_the_normal_one_at_once() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server.call(Server::sticky_completion("sticky", &task, [start_timer("t", 60)])).await.unwrap();
    {
        let mut sticky = std::pin::pin!(server.call(Server::sticky_poll("sticky")));
        assert!(server.parks(&mut sticky.as_mut()).await);
        server.call(request()).await.unwrap();
    }
    server.signal(&run, "s").await.unwrap();
    let other = PollWorkflowTaskQueueRequest {
        worker_instance_key: "another".to_owned(),
        ..Server::workflow_poll()
    };
    let task = server.call(other).await.unwrap();
    assert_eq!(task.history.as_ref().unwrap().events[0].event_id, 1, "the whole history");
    server.complete(&task, [complete("done")]).await.unwrap();
}

#[tokio::test]
async fn b30_a_workflow_task_of_a_worker_that_is_gone_goes_to_another_at_once() {
    let server = Server::in_memory();
    server.start("w").await;
    let lost = server.poll().await;
    server.engine.worker_gone("instance", Vec::new());
    let task = server.call(Server::workflow_poll()).await.unwrap();
    assert_eq!((task.attempt, task.started_event_id), (lost.attempt, lost.started_event_id));
    let late = server.complete(&lost, [complete("late")]).await.unwrap_err();
    assert_eq!(late.code, Code::NotFound);
    server.complete(&task, [complete("done")]).await.unwrap();
}

#[tokio::test]
async fn b30_an_activity_of_a_worker_that_is_gone_goes_to_another_at_once() {
    let server = Server::in_memory();
    let (_, lost) = given(&server, Server::activity_poll()).await;
    server.engine.worker_gone("another", Vec::new());
    server.engine.worker_gone("instance", Vec::new());
    let found = server.call(activity_poll_of("another")).await.unwrap();
    assert_eq!(found, lost, "the same attempt, under the same lease");
}

#[tokio::test]
async fn b30_an_activity_that_a_gone_worker_did_not_take_is_given_again_once() {
    let server = Server::in_memory();
    server.start("w").await;
    let task = server.poll().await;
    {
        let mut poll = std::pin::pin!(server.call(Server::activity_poll()));
        assert!(server.parks(&mut poll.as_mut()).await);
        // The answer is on its way to the poll, and comes back.
        server.complete(&task, [schedule(activity("a"))]).await.unwrap();
    }
    server.engine.worker_gone("instance", Vec::new());
    assert_eq!(server.call(activity_poll_of("another")).await.unwrap().attempt, 1);
    let mut poll = std::pin::pin!(server.call(activity_poll_of("third")));
    assert!(server.parks(&mut poll.as_mut()).await);
}

#[tokio::test]
async fn b30_an_activity_answer_that_comes_back_after_its_worker_is_gone_is_given_again_once() {
    let server = Server::in_memory();
    server.start("w").await;
    let task = server.poll().await;
    {
        let mut lost = std::pin::pin!(server.call(Server::activity_poll()));
        assert!(server.parks(&mut lost.as_mut()).await);
        server.complete(&task, [schedule(activity("a"))]).await.unwrap();
        server.engine.worker_gone("instance", Vec::new());
        assert_eq!(server.call(activity_poll_of("another")).await.unwrap().attempt, 1);
    }
    let mut poll = std::pin::pin!(server.call(activity_poll_of("third")));
    assert!(server.parks(&mut poll.as_mut()).await);
}

#[tokio::test]
async fn b30_an_activity_that_was_passed_on_belongs_to_the_worker_that_took_it() {
    let server = Server::in_memory();
    let (run, first) = given(&server, activity_poll_of("first")).await;
    server.engine.worker_gone("first", Vec::new());
    let poll = PollActivityTaskQueueRequest {
        identity: "the second's".to_owned(),
        ..activity_poll_of("second")
    };
    assert_eq!(server.call(poll).await.unwrap(), first);
    let pending = server.describe(&run).await.unwrap().pending_activities.remove(0);
    assert_eq!(pending.last_worker_identity, "the second's");
    server.engine.worker_gone("first", Vec::new());
    {
        let mut poll = std::pin::pin!(server.call(activity_poll_of("third")));
        assert!(server.parks(&mut poll.as_mut()).await);
    }
    server.engine.worker_gone("second", Vec::new());
    assert_eq!(server.call(activity_poll_of("third")).await.unwrap(), first);
}

#[tokio::test]
async fn b30_an_activity_that_goes_on_without_its_worker_is_not_given_again() {
    let server = Server::in_memory();
    let (_, running) = given(&server, Server::activity_poll()).await;
    server.engine.worker_gone("instance", vec![running.task_token]);
    let mut poll = std::pin::pin!(server.call(Server::activity_poll()));
    assert!(server.parks(&mut poll.as_mut()).await);
}

#[tokio::test]
async fn b30_a_task_that_was_answered_is_not_given_again() {
    let server = Server::in_memory();
    server.start("w").await;
    let task = server.poll().await;
    server.complete(&task, [start_timer("t", 60)]).await.unwrap();
    server.engine.worker_gone("instance", Vec::new());
    let mut poll = std::pin::pin!(server.call(Server::workflow_poll()));
    assert!(server.parks(&mut poll.as_mut()).await);
}

#[tokio::test]
async fn b30_a_task_whose_answer_a_leaving_worker_did_not_take_goes_to_another_at_once() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server.call(Server::sticky_completion("sticky", &task, [start_timer("t", 60)])).await.unwrap();
    {
        let mut sticky = std::pin::pin!(server.call(Server::sticky_poll("sticky")));
        assert!(server.parks(&mut sticky.as_mut()).await);
        server.signal(&run, "s").await.unwrap(); // the answer is on its way to the poll
        server.call(request()).await.unwrap();
    }
    let other = PollWorkflowTaskQueueRequest {
        worker_instance_key: "another".to_owned(),
        ..Server::workflow_poll()
    };
    let task = server.call(other).await.unwrap();
    assert_eq!(task.history.as_ref().unwrap().events[0].event_id, 1, "the whole history");
    server.complete(&task, [complete("done")]).await.unwrap();
}
