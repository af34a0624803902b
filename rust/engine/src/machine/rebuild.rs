//! A run made again from the first events of another one's history.
//!
//! The only place that reads state out of events: a reset goes back to a point of which nothing but the
//! history is left.

use std::collections::BTreeMap;

use crate::Timestamp;
use crate::ids::EventId;
use crate::machine::{activity, child, reset_points, workflow_options};
use crate::mutation::{Mutation, is_active};
use crate::proto::history::HistoryEvent;
use crate::proto::{Attributes, merge, nanos, update_id};
use crate::state::effect::{Effect, StartChild};
use crate::state::env::Env;
use crate::state::run::Run;
use crate::state::timers::TimerKind;
use crate::store::record::{ActivityState, AdmittedRecord};
use crate::store::{ActivityRecord, ChildRecord, TimerRecord};

/// Where the workflow task is after the last event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Task {
    /// There is none.
    #[default]
    None,
    /// Scheduled: the event, and the attempt.
    Scheduled(EventId, i32),
    /// Started: the scheduled and the started event.
    Started(EventId, EventId),
    /// The attempt before it failed, and this one is not on record.
    Unwritten,
}

/// A run, and what it waits for, not yet part of it: most of that came and went.
pub(crate) struct Rebuilt {
    pub(crate) run: Run,
    pub(crate) task: Task,
    pub(crate) activities: BTreeMap<EventId, ActivityRecord>,
    pub(crate) children: BTreeMap<EventId, ChildRecord>,
    /// Of signals.
    pub(crate) request_ids: Vec<String>,
    /// Effects that other runs have not answered, by their initiated event.
    effects: BTreeMap<EventId, Effect>,
    timers: BTreeMap<EventId, TimerRecord>,
}

impl Rebuilt {
    pub(crate) fn new(run: Run) -> Self {
        Self {
            run,
            task: Task::None,
            activities: BTreeMap::new(),
            children: BTreeMap::new(),
            request_ids: Vec::new(),
            effects: BTreeMap::new(),
            timers: BTreeMap::new(),
        }
    }

    /// Take in the next event.
    pub(crate) fn take(&mut self, event: HistoryEvent) {
        if let Some(attributes) = &event.attributes {
            self.of_workflow_task(&event, attributes);
            self.of_activity(&event, attributes);
            self.of_timer(&event, attributes);
            self.of_child(&event, attributes);
            self.of_others(&event, attributes);
            self.of_state(&event, attributes);
        }
        self.run.append_event(event);
    }

    /// Hand over the run, with all that it waits for, and what other runs are still to do for it.
    pub(crate) fn into_run(mut self, env: &mut Env) -> Run {
        for (_, mut record) in self.activities {
            record.scheduled_time = env.now.0;
            record.attempt_scheduled_time = env.now.0;
            activity::schedule_again(&mut self.run, env, record);
        }
        for (_, timer) in self.timers {
            if is_active(Mutation::ForgottenTimer) {
                break;
            }
            self.run.put_timer(timer);
        }
        for (_, child) in self.children {
            self.run.put_child(child);
        }
        env.effects.extend(self.effects.into_values());
        let expiration = self.run.row.record.run_expiration;
        if expiration != 0 {
            self.run.arm(expiration, TimerKind::RunTimeout, 0);
        }
        self.run
    }

    /// A child is there after all: it need not be started.
    pub(crate) fn child_started(&mut self, initiated: EventId, started: EventId, run_id: &[u8]) {
        self.effects.remove(&initiated);
        if let Some(child) = self.children.get_mut(&initiated) {
            child.started_event_id = started;
            child.run_id = run_id.to_vec();
        }
    }

    pub(crate) fn remove_child(&mut self, initiated: EventId) {
        self.effects.remove(&initiated);
        self.children.remove(&initiated);
    }

    fn of_workflow_task(&mut self, event: &HistoryEvent, attributes: &Attributes) {
        use Attributes as A;
        match attributes {
            A::WorkflowTaskScheduledEventAttributes(a) => {
                self.task = Task::Scheduled(event.event_id, a.attempt);
            }
            A::WorkflowTaskStartedEventAttributes(a) => {
                self.task = Task::Started(a.scheduled_event_id, event.event_id);
            }
            A::WorkflowTaskCompletedEventAttributes(a) => {
                self.task = Task::None;
                self.run.state().record.previous_started_event_id = a.started_event_id;
                let resettable = self.children.is_empty();
                reset_points::add(&mut self.run, Timestamp(time(event)), a, resettable);
            }
            A::WorkflowTaskFailedEventAttributes(_) | A::WorkflowTaskTimedOutEventAttributes(_) => {
                self.task = Task::Unwritten;
            }
            _ => {}
        }
    }

    fn of_activity(&mut self, event: &HistoryEvent, attributes: &Attributes) {
        use Attributes as A;
        let ended = match attributes {
            A::ActivityTaskScheduledEventAttributes(a) => {
                let mut record = activity::record(a, event.event_id, time(event));
                record.level = activity::level(&self.run, a);
                self.activities.insert(event.event_id, record);
                return;
            }
            A::ActivityTaskStartedEventAttributes(a) => {
                if let Some(record) = self.activities.get_mut(&a.scheduled_event_id) {
                    record.set_state(ActivityState::Started);
                    record.attempt = a.attempt;
                    record.identity.clone_from(&a.identity);
                    record.started_event_id = event.event_id;
                }
                return;
            }
            A::ActivityTaskCancelRequestedEventAttributes(a) => {
                if let Some(record) = self.activities.get_mut(&a.scheduled_event_id) {
                    record.cancel_requested = event.event_id;
                }
                return;
            }
            A::ActivityTaskCompletedEventAttributes(a) => a.scheduled_event_id,
            A::ActivityTaskFailedEventAttributes(a) => a.scheduled_event_id,
            A::ActivityTaskTimedOutEventAttributes(a) => a.scheduled_event_id,
            A::ActivityTaskCanceledEventAttributes(a) => a.scheduled_event_id,
            _ => return,
        };
        self.activities.remove(&ended);
    }

    fn of_timer(&mut self, event: &HistoryEvent, attributes: &Attributes) {
        use Attributes as A;
        match attributes {
            A::TimerStartedEventAttributes(a) => {
                let due = time(event).saturating_add(nanos(a.start_to_fire_timeout.as_ref()));
                let started_event_id = event.event_id;
                let record = TimerRecord { started_event_id, timer_id: a.timer_id.clone(), due };
                self.timers.insert(started_event_id, record);
            }
            A::TimerFiredEventAttributes(a) => {
                self.timers.remove(&a.started_event_id);
            }
            A::TimerCanceledEventAttributes(a) => {
                self.timers.remove(&a.started_event_id);
            }
            _ => {}
        }
    }

    fn of_child(&mut self, event: &HistoryEvent, attributes: &Attributes) {
        use Attributes as A;
        match attributes {
            A::StartChildWorkflowExecutionInitiatedEventAttributes(a) => {
                let initiated_event_id = event.event_id;
                self.children.insert(initiated_event_id, child::record(a, initiated_event_id));
                let start = StartChild {
                    parent: self.run.key(),
                    initiated_event_id,
                    attributes: Box::new(a.clone()),
                    user_metadata: event.user_metadata.clone(),
                };
                self.effects.insert(initiated_event_id, Effect::StartChild(start));
            }
            A::ChildWorkflowExecutionStartedEventAttributes(a) => {
                let run_id = a.workflow_execution.as_ref().map_or("", |run| run.run_id.as_str());
                let run_id = uuid::Uuid::parse_str(run_id).unwrap_or_default();
                self.child_started(a.initiated_event_id, event.event_id, run_id.as_bytes());
            }
            other => {
                if let Some(initiated) = child::ended_child(other) {
                    self.remove_child(initiated);
                }
            }
        }
    }

    /// Take in an event about signals and cancellations of other runs.
    fn of_others(&mut self, event: &HistoryEvent, attributes: &Attributes) {
        use Attributes as A;
        let (source, initiated_event_id) = (self.run.key(), event.event_id);
        let answered = match attributes {
            A::SignalExternalWorkflowExecutionInitiatedEventAttributes(a) => {
                let attributes = Box::new(a.clone());
                let effect = Effect::Signal { source, initiated_event_id, attributes };
                self.effects.insert(initiated_event_id, effect);
                return;
            }
            A::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(a) => {
                let attributes = Box::new(a.clone());
                let effect = Effect::Cancel { source, initiated_event_id, attributes };
                self.effects.insert(initiated_event_id, effect);
                return;
            }
            A::ExternalWorkflowExecutionSignaledEventAttributes(a) => a.initiated_event_id,
            A::SignalExternalWorkflowExecutionFailedEventAttributes(a) => a.initiated_event_id,
            A::ExternalWorkflowExecutionCancelRequestedEventAttributes(a) => a.initiated_event_id,
            A::RequestCancelExternalWorkflowExecutionFailedEventAttributes(a) => {
                a.initiated_event_id
            }
            _ => return,
        };
        self.effects.remove(&answered);
    }

    fn of_state(&mut self, event: &HistoryEvent, attributes: &Attributes) {
        use Attributes as A;
        let run = &mut self.run;
        match attributes {
            A::WorkflowExecutionCancelRequestedEventAttributes(_) => {
                run.state().record.cancel_requested = true;
            }
            A::WorkflowExecutionSignaledEventAttributes(a) if !a.request_id.is_empty() => {
                self.request_ids.push(a.request_id.clone());
            }
            A::WorkflowExecutionOptionsUpdatedEventAttributes(a) => {
                workflow_options::take(run, a, event.event_id);
            }
            A::UpsertWorkflowSearchAttributesEventAttributes(a) => {
                let upserted = a.search_attributes.clone().unwrap_or_default();
                merge(&mut run.search_attributes().indexed_fields, upserted.indexed_fields);
            }
            A::WorkflowPropertiesModifiedEventAttributes(a) => {
                let upserted = a.upserted_memo.clone().unwrap_or_default();
                let memo = run.state().record.memo.get_or_insert_default();
                merge(&mut memo.fields, upserted.fields);
            }
            A::WorkflowExecutionUpdateAdmittedEventAttributes(a) => {
                let update_id = a.request.as_ref().map(update_id).unwrap_or_default().to_owned();
                let record = AdmittedRecord { update_id, event_id: event.event_id };
                run.state().record.admitted.push(record);
            }
            A::WorkflowExecutionUpdateAcceptedEventAttributes(a) => {
                run.accept_update(&a.protocol_instance_id, event.event_id);
            }
            A::WorkflowExecutionUpdateCompletedEventAttributes(a) => {
                let id = a.meta.as_ref().map(|meta| meta.update_id.clone()).unwrap_or_default();
                run.complete_update(&id, event.event_id);
            }
            _ => {}
        }
    }
}

/// When an event happened.
fn time(event: &HistoryEvent) -> i64 {
    event
        .event_time
        .as_ref()
        .map_or(0, |at| at.seconds.saturating_mul(1_000_000_000).saturating_add(at.nanos.into()))
}
