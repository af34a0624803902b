//! One history, read as it grows: what may follow what.

use std::collections::{BTreeMap, BTreeSet};

use temporalio_protos::temporal::api::history::v1::{HistoryEvent, history_event::Attributes as A};

use super::alone;
use super::relations::Relations;
use super::world::{Checked, Violation, require};

/// What the events of a run say so far.
#[allow(clippy::struct_excessive_bools, reason = "each says a thing of its own")]
#[derive(Clone, Default)]
pub(crate) struct Audit {
    /// The next event is this one.
    pub(crate) next: i64,
    pub(crate) digest: u64,
    pub(crate) closed: bool,
    pub(crate) signals: BTreeSet<String>,
    /// Signals that only come once, and from whom.
    unique_signals: BTreeSet<(String, String)>,
    /// Pending timers: id, and when it may fire.
    pub(crate) timers: BTreeMap<String, (i64, i64)>,
    /// Pending activities, by scheduled event.
    pub(crate) activities: BTreeSet<i64>,
    pub(crate) ended_activities: BTreeSet<i64>,
    /// Started events of workflow tasks that completed.
    pub(crate) completed_tasks: BTreeSet<i64>,
    pub(crate) cancel_requested: bool,
    /// Something the workflow should be told of, and no task has been scheduled since.
    pub(crate) unseen: bool,
    pub(crate) relations: Relations,
    fired: BTreeSet<i64>,
    scheduled_task: Option<i64>,
    started_task: Option<i64>,
    pub(crate) had_task: bool,
    /// It is of an activity without a workflow.
    alone: bool,
    /// What that one came to.
    pub(crate) end: Option<Vec<u8>>,
    ended_tasks: BTreeSet<i64>,
}

fn nanos(event: &HistoryEvent) -> i64 {
    let time = event.event_time.unwrap_or_default();
    time.seconds * 1_000_000_000 + i64::from(time.nanos)
}

impl Audit {
    pub(crate) fn of_new_run() -> Self {
        Self { next: 1, ..Self::default() }
    }

    /// The next event of the history.
    pub(crate) fn read(&mut self, event: &HistoryEvent, bytes: &[u8]) -> Checked {
        require("event ids count up", event.event_id == self.next, || format!("{event:?}"))?;
        require("one close event, and nothing behind it", !self.closed, || format!("{event:?}"))?;
        self.next += 1;
        self.digest = digest(self.digest, bytes);
        let Some(attributes) = &event.attributes else {
            return Err(Violation::new("an event says something", format!("{event:?}")));
        };
        self.task(event, attributes)?;
        self.timer(event, attributes)?;
        self.activity(event, attributes)?;
        if self.alone {
            self.end = alone::end_of_event(attributes);
        }
        self.relations.read(event)?;
        self.rest(attributes)
    }

    fn task(&mut self, event: &HistoryEvent, attributes: &A) -> Checked {
        let ended = match attributes {
            A::WorkflowTaskScheduledEventAttributes(_) => {
                require("one workflow task at a time", self.scheduled_task.is_none(), || {
                    format!("{event:?}")
                })?;
                self.scheduled_task = Some(event.event_id);
                (self.unseen, self.had_task) = (false, true);
                return Ok(());
            }
            A::WorkflowTaskStartedEventAttributes(a) => {
                let fits = self.scheduled_task == Some(a.scheduled_event_id);
                require(
                    "a started task was scheduled",
                    fits && self.started_task.is_none(),
                    || format!("{event:?}"),
                )?;
                self.started_task = Some(event.event_id);
                self.unseen = false;
                return Ok(());
            }
            A::WorkflowTaskCompletedEventAttributes(a) => {
                self.completed_tasks.insert(a.started_event_id);
                a.scheduled_event_id
            }
            A::WorkflowTaskFailedEventAttributes(a) => a.scheduled_event_id,
            A::WorkflowTaskTimedOutEventAttributes(a) => a.scheduled_event_id,
            _ => return Ok(()),
        };
        let fits = self.scheduled_task.take() == Some(ended);
        self.started_task = None;
        require(
            "one completion per scheduled event",
            fits && self.ended_tasks.insert(ended),
            || format!("{event:?}"),
        )
    }

    fn timer(&mut self, event: &HistoryEvent, attributes: &A) -> Checked {
        match attributes {
            A::TimerStartedEventAttributes(a) => {
                let after = a.start_to_fire_timeout.unwrap_or_default();
                let due = nanos(event) + after.seconds * 1_000_000_000 + i64::from(after.nanos);
                self.timers.insert(a.timer_id.clone(), (event.event_id, due));
            }
            A::TimerFiredEventAttributes(a) => {
                let timer = self.timers.remove(&a.timer_id);
                let once = timer.is_some_and(|(started, _)| started == a.started_event_id);
                require(
                    "a timer fires once",
                    once && self.fired.insert(a.started_event_id),
                    || format!("{event:?}"),
                )?;
                let early = timer.is_some_and(|(_, due)| nanos(event) < due);
                require("a timer fires not early", !early, || format!("{event:?} {timer:?}"))?;
                self.unseen = true;
            }
            A::TimerCanceledEventAttributes(a) => {
                let pending = self.timers.remove(&a.timer_id).is_some();
                require("a timer fires once", pending, || format!("{event:?}"))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn activity(&mut self, event: &HistoryEvent, attributes: &A) -> Checked {
        let scheduled = match attributes {
            A::ActivityTaskScheduledEventAttributes(_) => {
                self.alone |= event.event_id == 1;
                self.activities.insert(event.event_id);
                return Ok(());
            }
            A::ActivityTaskCompletedEventAttributes(a) => a.scheduled_event_id,
            A::ActivityTaskFailedEventAttributes(a) => a.scheduled_event_id,
            A::ActivityTaskTimedOutEventAttributes(a) => a.scheduled_event_id,
            A::ActivityTaskCanceledEventAttributes(a) => a.scheduled_event_id,
            _ => return Ok(()),
        };
        let pending = self.activities.remove(&scheduled);
        self.ended_activities.insert(scheduled);
        (self.unseen, self.closed) = (true, self.alone);
        require("one completion per scheduled event", pending, || format!("{event:?}"))
    }

    fn rest(&mut self, attributes: &A) -> Checked {
        match attributes {
            A::WorkflowExecutionSignaledEventAttributes(a) => {
                self.unseen = true;
                self.signals.insert(a.signal_name.clone());
                // A run that goes back in its history may send what it sent before once more.
                let source = a.external_workflow_execution.as_ref();
                let source = source.map_or(&a.request_id, |source| &source.run_id);
                let unique = a.signal_name.starts_with("once ");
                let signal = (a.signal_name.clone(), source.clone());
                let first = !unique || self.unique_signals.insert(signal);
                return require("a signal that is repeated is there once", first, || {
                    a.signal_name.clone()
                });
            }
            A::WorkflowExecutionCancelRequestedEventAttributes(_) => {
                (self.unseen, self.cancel_requested) = (true, true);
            }
            A::ChildWorkflowExecutionStartedEventAttributes(_)
            | A::StartChildWorkflowExecutionFailedEventAttributes(_)
            | A::ChildWorkflowExecutionCompletedEventAttributes(_)
            | A::ChildWorkflowExecutionFailedEventAttributes(_)
            | A::ChildWorkflowExecutionCanceledEventAttributes(_)
            | A::ChildWorkflowExecutionTimedOutEventAttributes(_)
            | A::ChildWorkflowExecutionTerminatedEventAttributes(_)
            | A::ExternalWorkflowExecutionSignaledEventAttributes(_)
            | A::SignalExternalWorkflowExecutionFailedEventAttributes(_)
            | A::ExternalWorkflowExecutionCancelRequestedEventAttributes(_)
            | A::RequestCancelExternalWorkflowExecutionFailedEventAttributes(_) => {
                self.unseen = true;
            }
            A::WorkflowExecutionCompletedEventAttributes(_)
            | A::WorkflowExecutionFailedEventAttributes(_)
            | A::WorkflowExecutionTimedOutEventAttributes(_)
            | A::WorkflowExecutionCanceledEventAttributes(_)
            | A::WorkflowExecutionTerminatedEventAttributes(_)
            | A::WorkflowExecutionContinuedAsNewEventAttributes(_) => self.closed = true,
            _ => {}
        }
        Ok(())
    }
}

/// FNV-1a.
pub(crate) fn digest(from: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(from ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
