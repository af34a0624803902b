//! Runs to which nothing happens for a while are not kept in memory. Nobody is to notice.

use std::time::Duration;

use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::history::v1::HistoryEvent;

use crate::support::Server;
use crate::support::command::{activity, complete, schedule, start_timer};
use crate::support::manual::Scene;

/// Let a run of workflow `w` wait for an hour, its worker having it in its cache.
async fn asleep(
    server: &Server,
) -> temporalio_protos::temporal::api::common::v1::WorkflowExecution {
    let run = server.start("w").await;
    let task = server.poll().await;
    let timer = [start_timer("t", 3600)];
    server.call(Server::sticky_completion("sticky", &task, timer)).await.unwrap();
    run
}

#[tokio::test]
async fn a_cold_run_goes_back_to_the_worker_that_has_it_in_its_cache() {
    let server = Server::in_memory();
    let run = asleep(&server).await;
    server.advance_wall_secs(3600).await;
    let mut polled = std::pin::pin!(server.poll_sticky("sticky"));
    assert!(server.parks(&mut polled.as_mut()).await);
    server.advance_secs(3600).await;
    let task = polled.await;
    assert_eq!(task.workflow_execution.as_ref(), Some(&run));
    let types: Vec<_> =
        task.history.as_ref().unwrap().events.iter().map(HistoryEvent::event_type).collect();
    assert_eq!(
        types,
        [
            WorkflowTaskCompleted,
            TimerStarted,
            TimerFired,
            WorkflowTaskScheduled,
            WorkflowTaskStarted
        ],
        "only what the worker does not know"
    );
    server.complete(&task, [complete("done")]).await.unwrap();
}

#[tokio::test]
async fn a_cold_run_takes_signals_and_results() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    let task = server.poll_activity().await;
    server.advance_wall_secs(600).await;
    server.signal(&run, "s").await.unwrap();
    server.advance_wall_secs(600).await;
    server.complete_activity(&task, "done").await.unwrap();
    server.step([complete("done")]).await;
    assert_eq!(
        server.event_types(&run).await[5..],
        [
            WorkflowExecutionSignaled,
            WorkflowTaskScheduled,
            ActivityTaskStarted,
            ActivityTaskCompleted,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            WorkflowExecutionCompleted
        ]
    );
}

#[test]
fn an_engine_in_which_nothing_happens_forgets_what_was_warm_when_it_looked_last() {
    let mut scene = Scene::new();
    let mut tasks = scene.send(&Server::workflow_poll());
    let _start = scene.send(&Server::start_request("w"));
    scene.engine.turn(false);
    scene.clock.advance_wall(Duration::from_secs(50));
    let task = tasks.take().unwrap().unwrap();
    let _completed = scene.send(&Server::completion(&task, [start_timer("t", 3600)]));
    scene.engine.turn(false);
    assert_eq!(scene.engine.memory().runs, 1, "something has just happened to it");
    let minutes = |wait: &Duration| *wait <= Duration::from_mins(2);
    while let Some(wait) = scene.engine.patience().filter(minutes) {
        scene.clock.advance(wait);
        scene.engine.turn(false);
    }
    assert_eq!(scene.engine.memory().runs, 0);
}
