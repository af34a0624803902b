//! Durable user timers.

use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::enums::v1::WorkflowTaskFailedCause;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;

use crate::support::Server;
use crate::support::command::{cancel_timer, complete, start_timer};
use crate::support::values::secs;

#[tokio::test]
async fn a_timer_fires_when_it_is_due_and_not_before() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([start_timer("t", 3600)]).await;
    server.advance_secs(3599).await;
    assert_eq!(server.event_types(&run).await.last(), Some(&TimerStarted));
    server.advance_secs(1).await;
    let history = server.history(&run).await;
    assert_eq!(history.types()[4..], [TimerStarted, TimerFired, WorkflowTaskScheduled]);
    let Attributes::TimerStartedEventAttributes(started) = history.attributes(5) else {
        panic!("{:?}", history.types());
    };
    assert_eq!(started.start_to_fire_timeout, secs(3600));
    let Attributes::TimerFiredEventAttributes(fired) = history.attributes(6) else {
        panic!("{:?}", history.types());
    };
    assert_eq!((fired.timer_id.as_str(), fired.started_event_id), ("t", 5));
    let task = server.poll().await;
    assert_eq!(task.history.as_ref().unwrap().events.len(), 8);
    server.complete(&task, [complete("done")]).await.unwrap();
}

#[tokio::test]
async fn timers_fire_in_the_order_they_are_due() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([start_timer("late", 30), start_timer("early", 10), start_timer("mid", 20)]).await;
    server.advance_secs(60).await;
    let history = server.history(&run).await;
    let fired: Vec<_> = history
        .0
        .iter()
        .filter_map(|event| match event.attributes.as_ref()? {
            Attributes::TimerFiredEventAttributes(fired) => Some(fired.timer_id.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(fired, ["early", "mid", "late"]);
    let scheduled =
        history.types().iter().filter(|r#type| **r#type == WorkflowTaskScheduled).count();
    assert_eq!(scheduled, 2, "one task tells of all three");
}

#[tokio::test]
async fn a_cancelled_timer_never_fires() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([start_timer("t", 10), start_timer("other", 1)]).await;
    server.advance_secs(1).await;
    server.step([cancel_timer("t")]).await;
    server.advance_secs(60).await;
    let history = server.history(&run).await;
    let Attributes::TimerCanceledEventAttributes(cancelled) = history.last() else {
        panic!("{:?}", history.types());
    };
    assert_eq!((cancelled.timer_id.as_str(), cancelled.started_event_id), ("t", 5));
}

#[tokio::test]
async fn a_timer_id_is_free_again_after_it_fired() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    for _ in 0..3 {
        server.step([start_timer("t", 10)]).await;
        server.advance_secs(10).await;
    }
    let types = server.event_types(&run).await;
    assert_eq!(types.iter().filter(|r#type| **r#type == TimerFired).count(), 3);
}

#[tokio::test]
async fn a_second_timer_of_one_id_fails_the_task() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server.complete(&task, [start_timer("t", 1), start_timer("t", 2)]).await.unwrap_err();
    let history = server.history(&run).await;
    let Attributes::WorkflowTaskFailedEventAttributes(failed) = history.attributes(4) else {
        panic!("{:?}", history.types());
    };
    assert_eq!(failed.cause(), WorkflowTaskFailedCause::StartTimerDuplicateId);
}

#[tokio::test]
async fn b_67_a_timer_of_a_closed_run_leaves_no_trace() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([start_timer("t", 10), complete("done")]).await;
    server.advance_secs(60).await;
    assert_eq!(server.event_types(&run).await.last(), Some(&WorkflowExecutionCompleted));
    assert!(server.idle().await);
}

#[tokio::test]
async fn b_66_a_timer_of_an_earlier_run_does_not_touch_the_next() {
    let server = Server::in_memory();
    let first = server.start("w").await;
    server.step([start_timer("t", 10)]).await;
    server.terminate(&first).await.unwrap();
    let mut request = Server::start_request("w");
    "start again".clone_into(&mut request.request_id);
    let second = server.start_with(request).await;
    server.step([start_timer("t", 100)]).await;
    server.advance_secs(10).await;
    assert_eq!(server.event_types(&second).await.last(), Some(&TimerStarted));
    server.advance_secs(90).await;
    assert!(server.event_types(&second).await.contains(&TimerFired));
}

#[tokio::test]
async fn b_70_timers_of_two_engines_never_cross() {
    let (one, other) = (Server::in_memory(), Server::in_memory());
    let here = one.start("w").await;
    let there = other.start("w").await;
    one.step([start_timer("t", 10)]).await;
    other.step([start_timer("t", 10)]).await;
    one.advance_secs(10).await;
    other.settle().await;
    assert!(one.event_types(&here).await.contains(&TimerFired));
    assert!(!other.event_types(&there).await.contains(&TimerFired));
}

#[tokio::test]
async fn b_80_timers_that_a_jump_of_the_clock_made_due_fire_soon_in_order_and_never_before() {
    let server = Server::in_memory();
    for (id, seconds) in [("late", 3000), ("soon", 1800), ("tomorrow", 90_000)] {
        server.start(id).await;
        server.step([start_timer("t", seconds)]).await;
    }
    server.clock.set_by(-3600);
    server.advance_secs(3000).await;
    assert!(server.idle().await, "the clock says that it is not time yet");
    server.clock.set_by(3600);
    server.settle().await;
    for expected in ["soon", "late"] {
        assert_eq!(server.poll().await.workflow_execution.unwrap().workflow_id, expected);
    }
    assert!(server.idle().await);
}

#[tokio::test]
async fn b_80_a_clock_that_was_set_back_does_not_prolong_the_time_that_a_worker_has() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.poll().await; // and the worker is never heard of again
    server.clock.set_by(-3600);
    server.advance_secs(9).await;
    assert!(server.idle().await);
    server.advance_secs(1).await;
    server.poll().await;
    server.clock.set_by(7200);
    assert!(server.idle().await, "nor does one that was set forward shorten it");
    let timeouts = server.event_types(&run).await;
    let timeouts = timeouts.iter().filter(|r#type| **r#type == WorkflowTaskTimedOut);
    assert_eq!(timeouts.count(), 1);
}

#[tokio::test]
async fn b_68_a_name_is_needed_and_none_has_a_meaning() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let names = ["deadline:x", "schedule:x", "timer:named:x", "x"];
    for nameless in [start_timer("", 1), cancel_timer("")] {
        let task = server.poll().await;
        let refused = server.complete(&task, [nameless]).await.unwrap_err();
        assert!(refused.message.contains("TimerId is not set"), "{}", refused.message);
    }
    server.step(names.map(|name| start_timer(name, 10))).await;
    server.signal(&run, "go").await.unwrap();
    server.step([cancel_timer("x")]).await;
    server.advance_secs(10).await;
    let history = server.history(&run).await;
    let causes = history.0.iter().filter_map(|event| match event.attributes.as_ref()? {
        Attributes::WorkflowTaskFailedEventAttributes(failed) => Some(failed.cause()),
        _ => None,
    });
    // Only the first attempt of a task is on record.
    assert_eq!(causes.collect::<Vec<_>>(), [WorkflowTaskFailedCause::BadStartTimerAttributes]);
    let fired = history.0.iter().filter_map(|event| match event.attributes.as_ref()? {
        Attributes::TimerFiredEventAttributes(fired) => Some(fired.timer_id.as_str()),
        _ => None,
    });
    assert_eq!(fired.collect::<Vec<_>>(), names[..3]);
}
