//! Polls: who gets a task, and what becomes of a poll that nobody waits for any more.

use std::time::Duration;

use crate::support::Server;
use crate::support::command::{activity, complete, schedule};
use crate::support::values::queue;

#[tokio::test]
async fn a_poll_waits_for_a_task() {
    let server = Server::in_memory();
    let mut poll = std::pin::pin!(server.poll());
    assert!(server.parks(&mut poll.as_mut()).await);
    let run = server.start("w").await;
    assert_eq!(poll.await.workflow_execution, Some(run));
}

#[tokio::test]
async fn a_poll_that_waited_a_minute_comes_back_empty() {
    let server = Server::in_memory();
    let mut workflow = std::pin::pin!(server.call(Server::workflow_poll()));
    let mut activity = std::pin::pin!(server.call(Server::activity_poll()));
    assert!(server.parks(&mut workflow.as_mut()).await);
    assert!(server.parks(&mut activity.as_mut()).await);
    server.advance_wall_secs(61).await;
    assert!(workflow.await.unwrap().task_token.is_empty());
    assert!(activity.await.unwrap().task_token.is_empty());
}

#[tokio::test]
async fn a_poll_ends_before_its_caller_stops_waiting() {
    let server = Server::in_memory();
    let timeout = Some(Duration::from_secs(5));
    let mut poll = std::pin::pin!(server.call_within(timeout, Server::workflow_poll()));
    assert!(server.parks(&mut poll.as_mut()).await);
    server.advance_wall_secs(5).await;
    match poll.await {
        Ok(task) => assert!(task.task_token.is_empty()),
        Err(error) => assert_eq!(error.code, hourglass_engine::Code::DeadlineExceeded),
    }
    let run = server.start("w").await;
    assert_eq!(server.poll().await.workflow_execution, Some(run));
}

#[tokio::test]
async fn b_30_a_dropped_poll_takes_no_task() {
    let server = Server::in_memory();
    for _ in 0..10 {
        let mut poll = std::pin::pin!(server.call(Server::workflow_poll()));
        assert!(server.parks(&mut poll.as_mut()).await);
        let mut poll = std::pin::pin!(server.call(Server::activity_poll()));
        assert!(server.parks(&mut poll.as_mut()).await);
    }
    let run = server.start("w").await;
    let task = server.poll().await;
    assert_eq!((task.workflow_execution, task.attempt), (Some(run), 1));
}

#[tokio::test]
async fn b_30_a_poll_dropped_when_its_task_is_on_the_way_gives_it_back() {
    let server = Server::in_memory();
    {
        let mut poll = std::pin::pin!(server.call(Server::workflow_poll()));
        assert!(server.parks(&mut poll.as_mut()).await);
        // The engine has matched the task with this poll before the start is answered.
        server.start("w").await;
    }
    let task = server.poll().await;
    assert_eq!(task.attempt, 1);
    server.complete(&task, [schedule(activity("a"))]).await.unwrap();
    assert_eq!(server.poll_activity().await.attempt, 1);
}

#[tokio::test]
async fn b_30_an_activity_poll_dropped_when_its_task_is_on_the_way_gives_it_back() {
    let server = Server::in_memory();
    server.start("w").await;
    let task = server.poll().await;
    {
        let mut poll = std::pin::pin!(server.call(Server::activity_poll()));
        assert!(server.parks(&mut poll.as_mut()).await);
        server.complete(&task, [schedule(activity("a"))]).await.unwrap();
    }
    let work = server.poll_activity().await;
    assert_eq!(work.attempt, 1);
    server.complete_activity(&work, "hash").await.unwrap();
}

#[tokio::test]
async fn tasks_go_to_the_queue_they_are_for() {
    let server = Server::in_memory();
    let mut request = Server::start_request("elsewhere");
    request.task_queue = queue("elsewhere");
    let elsewhere = server.start_with(request).await;
    let here = server.start("here").await;
    assert_eq!(server.poll().await.workflow_execution, Some(here));
    let mut poll = Server::workflow_poll();
    poll.task_queue = queue("elsewhere");
    assert_eq!(server.call(poll).await.unwrap().workflow_execution, Some(elsewhere));
}

#[tokio::test]
async fn a_task_goes_to_one_poll() {
    let server = Server::in_memory();
    let mut first = std::pin::pin!(server.call(Server::workflow_poll()));
    let mut second = std::pin::pin!(server.call(Server::workflow_poll()));
    assert!(server.parks(&mut first.as_mut()).await);
    assert!(server.parks(&mut second.as_mut()).await);
    server.start("w").await;
    let (task, mut waiting) = tokio::select! {
        task = &mut first => (task.unwrap(), second),
        task = &mut second => (task.unwrap(), first),
    };
    assert!(server.parks(&mut waiting.as_mut()).await);
    server.complete(&task, [complete("done")]).await.unwrap();
    assert!(server.parks(&mut waiting.as_mut()).await);
}

#[tokio::test]
async fn tasks_wait_in_line() {
    let server = Server::in_memory();
    for index in 0..10 {
        server.start(&format!("w{index}")).await;
    }
    for index in 0..10 {
        let run = server.poll().await.workflow_execution.unwrap();
        assert_eq!(run.workflow_id, format!("w{index}"));
    }
}
