//! Many runs at once, driven by workers that poll in parallel.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use temporalio_protos::temporal::api::enums::v1::EventType::*;

use crate::support::Server;
use crate::support::command::{activity, complete, schedule};

const RUNS: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_runs_in_flight_finish_and_none_is_mixed_up() {
    let server = Server::in_memory();
    let mut runs = Vec::new();
    for index in 0..RUNS {
        runs.push(server.start(&format!("w{index}")).await);
    }
    let left = Arc::new(AtomicUsize::new(RUNS));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        workers.spawn(workflow_worker(server.clone(), Arc::clone(&left)));
        workers.spawn(activity_worker(server.clone()));
    }
    while left.load(Ordering::SeqCst) > 0 {
        let finished = workers.join_next().await.expect("workers outlive the work");
        finished.unwrap();
    }
    workers.abort_all();
    let expected = [
        WorkflowExecutionStarted,
        WorkflowTaskScheduled,
        WorkflowTaskStarted,
        WorkflowTaskCompleted,
        ActivityTaskScheduled,
        ActivityTaskStarted,
        ActivityTaskCompleted,
        WorkflowTaskScheduled,
        WorkflowTaskStarted,
        WorkflowTaskCompleted,
        WorkflowExecutionCompleted,
    ];
    for run in &runs {
        assert_eq!(server.event_types(run).await, expected, "{}", run.workflow_id);
    }
}

/// Take workflow tasks until every run is closed.
async fn workflow_worker(server: Server, left: Arc<AtomicUsize>) {
    loop {
        let task = server.poll().await;
        if task.previous_started_event_id == 0 {
            server.complete(&task, [schedule(activity("a"))]).await.unwrap();
        } else {
            server.complete(&task, [complete("done")]).await.unwrap();
            if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                return;
            }
        }
    }
}

async fn activity_worker(server: Server) {
    loop {
        let work = server.poll_activity().await;
        server.complete_activity(&work, "hash").await.unwrap();
    }
}
