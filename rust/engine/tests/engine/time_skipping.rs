//! Time skipping: one counter, held by tests and by work in flight; at zero, time jumps.

use std::pin::pin;

use hourglass_engine::simulation::{Fault, Faults, Step};
use hourglass_engine::{Code, Engine, EngineError, EngineOptions};
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::{self, *};
use temporalio_protos::temporal::api::query::v1::WorkflowQuery;
use temporalio_protos::temporal::api::testservice::v1::*;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::clock::START;
use crate::support::command::{activity, complete, schedule, start_timer};
use crate::support::time_skipping::TEST_SERVICE;
use crate::support::values::{NAMESPACE, retry_policy, secs};

/// Turn until time has come so far; the engine turns by itself, a call only sees that it did.
async fn last_event(server: &Server, run: &WorkflowExecution, wanted: EventType) -> u64 {
    loop {
        if server.event_types(run).await.last() == Some(&wanted) {
            return server.elapsed().await;
        }
    }
}

#[tokio::test]
async fn an_engine_that_was_not_asked_to_has_no_test_service() {
    let server = Server::in_memory();
    let refused = server.unlock().await.unwrap_err();
    assert_eq!(refused.code, Code::Unimplemented);
    assert_eq!(
        refused.message,
        format!("unknown method UnlockTimeSkipping for service {TEST_SERVICE}")
    );
}

#[test]
fn an_engine_on_a_file_can_not_skip_time() {
    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("w.db");
    let options =
        EngineOptions { path: Some(path.clone()), time_skipping: true, ..Default::default() };
    let refused = Engine::open(options).unwrap_err();
    assert!(matches!(refused, EngineError::TimeSkippingOnFile { .. }), "{refused}");
    assert!(!path.exists());
}

#[tokio::test]
async fn time_is_locked_at_first_and_goes_at_the_walls_pace() {
    let server = Server::skipping();
    let run = server.start("w").await;
    server.step([start_timer("t", 100_000)]).await;
    server.settle().await;
    assert_eq!(server.elapsed().await, 0);
    server.advance_secs(7).await;
    assert_eq!(server.elapsed().await, 7);
    assert_eq!(server.event_types(&run).await.last(), Some(&TimerStarted));
}

#[tokio::test]
async fn an_unlocked_clock_jumps_to_the_timer_and_stays_while_a_worker_has_the_task() {
    let server = Server::skipping();
    let run = server.start("w").await;
    server.step([start_timer("t", 100_000), start_timer("later", 200_000)]).await;
    server.unlock().await.unwrap();
    assert_eq!(last_event(&server, &run, WorkflowTaskScheduled).await, 100_000);
    server.settle().await;
    assert_eq!(server.elapsed().await, 100_000, "the workflow task holds the counter");
    let task = server.poll().await;
    assert_eq!(server.elapsed().await, 100_000);
    server.complete(&task, []).await.unwrap();
    assert_eq!(last_event(&server, &run, WorkflowTaskScheduled).await, 200_000);
    let fired = server.history(&run).await.0;
    let fired = fired.iter().find(|event| event.event_type() == TimerFired).unwrap();
    let at = fired.event_time.unwrap();
    assert_eq!(at.seconds, START.0 / 1_000_000_000 + 100_000, "events have virtual times");
}

#[tokio::test]
async fn a_timer_that_is_not_committed_yet_is_not_jumped_over() {
    let server = Server::skipping();
    let first = server.start("first").await;
    server.step([start_timer("late", 1000)]).await;
    server.start("second").await;
    let task = server.poll().await;
    server.unlock().await.unwrap();
    server.complete(&task, [start_timer("early", 10)]).await.unwrap();
    assert_eq!(server.poll().await.workflow_execution.unwrap().workflow_id, "second");
    assert_eq!(server.elapsed().await, 10);
    assert_eq!(server.event_types(&first).await.last(), Some(&TimerStarted));
}

#[tokio::test]
async fn a_timer_that_can_not_be_committed_fires_when_the_store_works_again() {
    let faults = Faults::default();
    let server = Server::skipping_unless(&faults);
    let run = server.start("w").await;
    server.step([start_timer("t", 100), start_timer("later", 200)]).await;
    faults.fail(Step::Commit, 1, Fault::Io);
    server.unlock().await.unwrap();
    while server.elapsed().await < 100 {}
    server.settle().await;
    assert_eq!(server.event_types(&run).await.last(), Some(&TimerStarted));
    assert_eq!(server.elapsed().await, 100, "nothing is skipped while the store rests");
    server.advance_wall_secs(1).await;
    assert_eq!(last_event(&server, &run, WorkflowTaskScheduled).await, 100);
}

#[tokio::test]
async fn the_counter_never_goes_below_zero() {
    let server = Server::skipping();
    server.unlock().await.unwrap();
    for refused in [server.unlock().await, server.sleep(1).await] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.code, Code::FailedPrecondition);
        assert_eq!(refused.message, "Unbalanced lock and unlock calls");
    }
    server.lock().await;
    server.unlock().await.unwrap();
}

#[tokio::test]
async fn unlocks_are_counted() {
    let server = Server::skipping();
    let run = server.start("w").await;
    server.step([start_timer("t", 60)]).await;
    server.lock().await;
    server.unlock().await.unwrap();
    server.settle().await;
    assert_eq!(server.elapsed().await, 0, "locked once more than unlocked");
    server.unlock().await.unwrap();
    assert_eq!(last_event(&server, &run, WorkflowTaskScheduled).await, 60);
}

#[tokio::test]
async fn with_nothing_to_jump_to_time_goes_at_the_walls_pace() {
    let server = Server::skipping();
    let run = server.start("w").await;
    let task = server.poll().await;
    let completion = Server::sticky_completion("sticky", &task, []);
    server.call(completion).await.unwrap();
    server.unlock().await.unwrap();
    server.settle().await;
    assert_eq!(server.elapsed().await, 0, "what is left of the ended task is no timer");
    server.advance_secs(3).await;
    assert_eq!(server.elapsed().await, 3);
    server.signal(&run, "go").await.unwrap();
    server.step([start_timer("t", 60)]).await;
    assert_eq!(last_event(&server, &run, WorkflowTaskScheduled).await, 63);
}

#[tokio::test]
async fn a_sleep_lets_go_of_time_and_takes_it_again() {
    let server = Server::skipping();
    let run = server.start("w").await;
    server.step([start_timer("t", 60)]).await;
    server.sleep(30).await.unwrap();
    assert_eq!(server.elapsed().await, 30);
    server.settle().await;
    assert_eq!(server.elapsed().await, 30, "locked again");
    server.sleep(0).await.unwrap();
    server.sleep(30).await.unwrap();
    assert_eq!(last_event(&server, &run, WorkflowTaskScheduled).await, 60);
    let refused = server.sleep(-1).await.unwrap_err();
    assert_eq!(refused.code, Code::InvalidArgument);
}

#[tokio::test]
async fn a_sleep_with_no_other_timer_is_one_itself() {
    let server = Server::skipping();
    server.sleep(1_000_000).await.unwrap();
    assert_eq!(server.elapsed().await, 1_000_000);
}

#[tokio::test]
async fn a_sleep_under_another_lock_takes_as_long_as_it_says() {
    let server = Server::skipping();
    server.lock().await;
    let mut sleep = pin!(server.sleep(10));
    assert!(server.parks(&mut sleep.as_mut()).await);
    server.advance_secs(9).await;
    assert!(server.parks(&mut sleep.as_mut()).await);
    server.advance_secs(1).await;
    sleep.await.unwrap();
}

#[tokio::test]
async fn who_gives_up_its_sleep_locks_again_at_its_end() {
    let server = Server::skipping();
    server.lock().await;
    {
        let mut sleep = pin!(server.sleep(10));
        assert!(server.parks(&mut sleep.as_mut()).await);
    }
    server.advance_secs(10).await;
    server.unlock().await.unwrap();
    server.unlock().await.unwrap();
    assert_eq!(server.unlock().await.unwrap_err().code, Code::FailedPrecondition);
}

#[tokio::test]
async fn sleepers_that_do_not_unlock_are_woken_by_time() {
    let server = Server::skipping();
    let past = SleepUntilRequest { timestamp: Some(prost_wkt_types::Timestamp::default()) };
    server.time::<SleepResponse>("SleepUntil", past).await.unwrap();
    let until = prost_wkt_types::Timestamp { seconds: START.0 / 1_000_000_000 + 20, nanos: 0 };
    let until = SleepUntilRequest { timestamp: Some(until) };
    let mut until = pin!(server.time::<SleepResponse>("SleepUntil", until));
    let mut sleep =
        pin!(server.time::<SleepResponse>("Sleep", SleepRequest { duration: secs(30) }));
    assert!(server.parks(&mut until.as_mut()).await);
    assert!(server.parks(&mut sleep.as_mut()).await);
    server.sleep(20).await.unwrap();
    until.await.unwrap();
    assert!(server.parks(&mut sleep.as_mut()).await);
    server.unlock().await.unwrap();
    sleep.await.unwrap();
    assert_eq!(server.elapsed().await, 30);
}

#[tokio::test]
async fn an_activity_holds_time_until_its_attempt_ends() {
    let server = Server::skipping();
    let run = server.start("w").await;
    let attributes = activity("a");
    server.step([schedule(attributes), start_timer("t", 100)]).await;
    server.unlock().await.unwrap();
    server.settle().await;
    assert_eq!(server.elapsed().await, 0, "scheduled");
    let work = server.poll_activity().await;
    server.settle().await;
    assert_eq!(server.elapsed().await, 0, "started");
    server.complete_activity(&work, "done").await.unwrap();
    server.step([]).await;
    assert_eq!(last_event(&server, &run, WorkflowTaskScheduled).await, 100);
}

#[tokio::test]
async fn the_backoff_of_a_retry_is_skipped() {
    let server = Server::skipping();
    server.start("w").await;
    let mut attributes = activity("a");
    attributes.retry_policy =
        retry_policy(0).map(|policy| temporalio_protos::temporal::api::common::v1::RetryPolicy {
            initial_interval: secs(1000),
            backoff_coefficient: 2.0,
            maximum_interval: secs(100_000),
            ..policy
        });
    server.step([schedule(attributes)]).await;
    server.unlock().await.unwrap();
    for (attempt, at) in [(1, 0), (2, 1000), (3, 3000), (4, 7000)] {
        let work = server.poll_activity().await;
        assert_eq!((work.attempt, server.elapsed().await), (attempt, at));
        server.fail_activity(&work, "Again").await.unwrap();
    }
}

#[tokio::test]
async fn an_activity_that_sleeps_runs_into_its_own_heartbeat_timeout() {
    let server = Server::skipping();
    let run = server.start("w").await;
    let mut attributes = activity("a");
    attributes.start_to_close_timeout = secs(1000);
    attributes.heartbeat_timeout = secs(20);
    attributes.retry_policy = retry_policy(1);
    server.step([schedule(attributes)]).await;
    server.unlock().await.unwrap(); // as a test does that waits for the result
    let work = server.poll_activity().await;
    server.sleep(40).await.unwrap(); // and this is the activity
    assert_eq!(server.elapsed().await, 40);
    let gone = server.complete_activity(&work, "late").await.unwrap_err();
    assert_eq!(gone.code, Code::NotFound);
    assert!(server.event_types(&run).await.contains(&ActivityTaskTimedOut));
}

#[tokio::test]
async fn a_timer_and_the_runs_timeout_behind_it_do_not_fire_together() {
    let server = Server::skipping();
    let mut request = Server::start_request("w");
    request.workflow_run_timeout = secs(11);
    let run = server.start_with(request).await;
    server.step([start_timer("t", 10)]).await;
    server.unlock().await.unwrap();
    assert_eq!(last_event(&server, &run, WorkflowTaskScheduled).await, 10);
    server.step([complete("in time")]).await;
    assert_eq!(
        server.event_types(&run).await.last(),
        Some(&WorkflowExecutionCompleted),
        "the task that the timer made was answered before time went on to the timeout"
    );
}

#[tokio::test]
async fn timers_of_one_moment_fire_one_by_one() {
    let server = Server::skipping();
    let mut request = Server::start_request("w");
    request.workflow_run_timeout = secs(10);
    let run = server.start_with(request).await;
    server.step([start_timer("t", 10)]).await;
    server.unlock().await.unwrap();
    assert_eq!(last_event(&server, &run, WorkflowExecutionTimedOut).await, 10);
    let types = server.event_types(&run).await;
    assert_eq!(
        types[4..],
        [TimerStarted, TimerFired, WorkflowTaskScheduled, WorkflowExecutionTimedOut]
    );
}

#[tokio::test]
async fn a_query_holds_time_until_it_is_answered() {
    let server = Server::skipping();
    let run = server.start("w").await;
    server.step([start_timer("t", 100)]).await;
    let request = QueryWorkflowRequest {
        namespace: NAMESPACE.to_owned(),
        execution: Some(run.clone()),
        query: Some(WorkflowQuery { query_type: "progress".to_owned(), ..Default::default() }),
        ..Default::default()
    };
    let mut query = pin!(server.call(request));
    assert!(server.parks(&mut query.as_mut()).await);
    server.unlock().await.unwrap();
    server.settle().await;
    assert_eq!(server.elapsed().await, 0);
    let task = server.poll().await;
    let answer = RespondQueryTaskCompletedRequest {
        task_token: task.task_token,
        namespace: NAMESPACE.to_owned(),
        completed_type: 1,
        ..Default::default()
    };
    server.call(answer).await.unwrap();
    query.await.unwrap();
    assert_eq!(last_event(&server, &run, WorkflowTaskScheduled).await, 100);
}

#[tokio::test]
async fn a_task_that_nobody_takes_does_not_hold_time_against_two_who_let_go() {
    let server = Server::skipping();
    let run = server.start("w").await;
    server.step([start_timer("t", 10)]).await;
    server.unlock().await.unwrap(); // waits for a result
    last_event(&server, &run, WorkflowTaskScheduled).await;
    server.sleep(3600).await.unwrap(); // a test that sleeps beyond
    assert_eq!(server.elapsed().await, 3610);
}

#[tokio::test]
async fn a_worker_that_has_a_task_keeps_it_against_two_who_let_go() {
    let server = Server::skipping();
    let run = server.start("w").await;
    let task = server.poll().await;
    server.unlock().await.unwrap();
    let mut sleep = pin!(server.sleep(3600));
    assert!(server.parks(&mut sleep.as_mut()).await);
    assert_eq!(server.elapsed().await, 0);
    server.complete(&task, [start_timer("t", 10)]).await.unwrap();
    server.step([]).await; // the timer's
    sleep.await.unwrap();
    assert_eq!(server.elapsed().await, 3600);
    assert!(!server.event_types(&run).await.contains(&WorkflowTaskTimedOut));
}

#[tokio::test]
async fn long_polls_end_by_the_wall_and_not_by_skipped_time() {
    let server = Server::skipping();
    let mut poll = pin!(server.call(Server::workflow_poll()));
    assert!(server.parks(&mut poll.as_mut()).await);
    server.sleep(100_000).await.unwrap();
    assert!(server.parks(&mut poll.as_mut()).await);
    server.advance_wall_secs(60).await;
    assert!(poll.await.unwrap().task_token.is_empty());
}

#[tokio::test]
async fn who_sleeps_while_the_engine_closes_is_told() {
    let server = Server::skipping();
    server.lock().await;
    let mut sleep = pin!(server.sleep(10));
    assert!(server.parks(&mut sleep.as_mut()).await);
    server.engine.close();
    assert_eq!(sleep.await.unwrap_err().code, Code::Unavailable);
}
