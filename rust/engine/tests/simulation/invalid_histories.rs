//! Histories that can't be true, and the invariant that says so.

#![allow(
    clippy::default_trait_access,
    clippy::needless_update,
    reason = "an event is long enough with the fields that matter"
)]

use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::history::v1::{
    HistoryEvent, history_event::Attributes as A, *,
};
use temporalio_protos::temporal::api::update::v1::Meta;

use super::audit::Audit;
use super::relations::Base;
use super::support::values::secs;
use super::world::Checked;

/// An event, one a second.
fn event((index, attributes): (usize, Option<A>)) -> HistoryEvent {
    let index = i64::try_from(index).unwrap();
    let event_time = Some(prost_wkt_types::Timestamp { seconds: index, nanos: 0 });
    let event_id = index + 1;
    HistoryEvent { event_id, event_time, attributes, ..Default::default() }
}

fn events(attributes: &[A]) -> Vec<HistoryEvent> {
    attributes.iter().cloned().map(Some).enumerate().map(event).collect()
}

/// Read a history of these events.
fn read(tale: Vec<Option<A>>) -> Checked {
    let mut audit = Audit::of_new_run();
    tale.into_iter().enumerate().try_for_each(|told| audit.read(&event(told), &[]))
}

#[track_caller]
fn is_a_lie(invariant: &str, tale: impl IntoIterator<Item = A>) {
    let tale: Vec<_> = tale.into_iter().map(Some).collect();
    read(tale[..tale.len() - 1].to_vec()).expect("all but the last event may be");
    let violation = read(tale).expect_err("the last event can't be").to_string();
    assert!(violation.contains(&format!("violated: {invariant}:")), "{violation}");
}

macro_rules! event {
    ($kind:ident, $attributes:ident { $($field:ident: $value:expr),* $(,)? }) => {
        A::$kind($attributes { $($field: $value.into(),)* ..Default::default() })
    };
}

fn scheduled() -> A {
    A::WorkflowTaskScheduledEventAttributes(WorkflowTaskScheduledEventAttributes::default())
}

fn started(scheduled_event_id: i64) -> A {
    event!(
        WorkflowTaskStartedEventAttributes,
        WorkflowTaskStartedEventAttributes { scheduled_event_id: scheduled_event_id }
    )
}

fn completed(scheduled_event_id: i64) -> A {
    event!(
        WorkflowTaskCompletedEventAttributes,
        WorkflowTaskCompletedEventAttributes { scheduled_event_id: scheduled_event_id }
    )
}

fn closed() -> A {
    A::WorkflowExecutionCompletedEventAttributes(Default::default())
}

fn timer(after: u64) -> A {
    event!(
        TimerStartedEventAttributes,
        TimerStartedEventAttributes { timer_id: "t", start_to_fire_timeout: secs(after) }
    )
}

fn fired() -> A {
    event!(
        TimerFiredEventAttributes,
        TimerFiredEventAttributes { timer_id: "t", started_event_id: 1 }
    )
}

fn activity_completed(scheduled_event_id: i64) -> A {
    event!(
        ActivityTaskCompletedEventAttributes,
        ActivityTaskCompletedEventAttributes { scheduled_event_id: scheduled_event_id }
    )
}

fn signaled() -> A {
    event!(
        WorkflowExecutionSignaledEventAttributes,
        WorkflowExecutionSignaledEventAttributes { signal_name: "once 1" }
    )
}

fn child_initiated() -> A {
    A::StartChildWorkflowExecutionInitiatedEventAttributes(Default::default())
}

fn child_started() -> A {
    event!(
        ChildWorkflowExecutionStartedEventAttributes,
        ChildWorkflowExecutionStartedEventAttributes { initiated_event_id: 1 }
    )
}

fn child_completed() -> A {
    let run = WorkflowExecution { run_id: "r".to_owned(), ..Default::default() };
    event!(
        ChildWorkflowExecutionCompletedEventAttributes,
        ChildWorkflowExecutionCompletedEventAttributes {
            initiated_event_id: 1,
            workflow_execution: run,
        }
    )
}

fn signal_sent() -> A {
    A::SignalExternalWorkflowExecutionInitiatedEventAttributes(Default::default())
}

fn signal_arrived() -> A {
    event!(
        ExternalWorkflowExecutionSignaledEventAttributes,
        ExternalWorkflowExecutionSignaledEventAttributes { initiated_event_id: 1 }
    )
}

fn update_accepted() -> A {
    event!(
        WorkflowExecutionUpdateAcceptedEventAttributes,
        WorkflowExecutionUpdateAcceptedEventAttributes { protocol_instance_id: "u" }
    )
}

fn update_completed() -> A {
    let meta = Meta { update_id: "u".to_owned(), ..Default::default() };
    event!(
        WorkflowExecutionUpdateCompletedEventAttributes,
        WorkflowExecutionUpdateCompletedEventAttributes { accepted_event_id: 1, meta: meta }
    )
}

#[test]
fn lies_about_workflow_tasks_are_noticed() {
    is_a_lie("one workflow task at a time", [scheduled(), scheduled()]);
    is_a_lie("a started task was scheduled", [started(1)]);
    is_a_lie("a started task was scheduled", [scheduled(), started(1), started(1)]);
    let twice = [scheduled(), started(1), completed(1), completed(1)];
    is_a_lie("one completion per scheduled event", twice);
}

#[test]
fn lies_about_timers_and_activities_are_noticed() {
    is_a_lie("a timer fires once", [fired()]);
    is_a_lie("a timer fires once", [timer(1), fired(), fired()]);
    is_a_lie("a timer fires not early", [timer(2), fired()]);
    let scheduled = || A::ActivityTaskScheduledEventAttributes(Default::default());
    let twice = [signaled(), scheduled(), activity_completed(2), activity_completed(2)];
    is_a_lie("one completion per scheduled event", twice);
    let alone = [scheduled(), activity_completed(1), activity_completed(1)];
    is_a_lie("one close event, and nothing behind it", alone);
}

#[test]
fn lies_about_other_runs_are_noticed() {
    is_a_lie("a child starts once", [child_initiated(), child_started(), child_started()]);
    let told = "a parent is told once of the end of a child";
    is_a_lie(told, [child_initiated(), child_completed()]);
    is_a_lie(told, [child_initiated(), child_started(), child_completed(), child_completed()]);
    is_a_lie("what was sent is answered once", [signal_sent(), signal_arrived(), signal_arrived()]);
}

#[test]
fn lies_about_callers_are_noticed() {
    is_a_lie("a signal that is repeated is there once", [signaled(), signaled()]);
    is_a_lie("an update is accepted once", [update_accepted(), update_accepted()]);
    let once = "an accepted update completes or fails once";
    is_a_lie(once, [update_completed()]);
    is_a_lie(once, [update_accepted(), update_completed(), update_completed()]);
}

#[test]
fn lies_about_the_base_of_a_reset_are_noticed() {
    let (run_id, reason) = (String::new(), String::new());
    let base = Base { run_id, scheduled: 2, failed: 4, reason };
    let begins = |own: &[A], theirs: &[A]| base.is_begun_by(&events(own), &events(theirs));
    let theirs = [signaled(), scheduled(), started(2), completed(2)];
    assert!(begins(&[signaled(), scheduled(), started(2), fired()], &theirs));
    assert!(begins(&[signaled(), scheduled(), started(2), fired()], &theirs[..2]));
    assert!(!begins(&[fired(), scheduled(), started(2)], &theirs), "another event");
    assert!(!begins(&[scheduled(), scheduled(), started(2)], &theirs), "a task before its own");
    assert!(!begins(&[signaled(), scheduled(), fired()], &theirs), "something between");
    assert!(!begins(&[signaled()], &[]), "nothing to go back to");
}

#[test]
fn lies_about_the_end_are_noticed() {
    is_a_lie("one close event, and nothing behind it", [closed(), signaled()]);
    is_a_lie("one close event, and nothing behind it", [closed(), closed()]);
    let nothing = read(vec![None]).expect_err("an event says something").to_string();
    assert!(nothing.contains("an event says something"), "{nothing}");
    let skipped = HistoryEvent { event_id: 2, attributes: Some(closed()), ..Default::default() };
    let skipped = Audit::of_new_run().read(&skipped, &[]).expect_err("one is missing");
    assert!(skipped.to_string().contains("event ids count up"), "{skipped}");
}
