//! What one history says about others: where its run comes from and goes on, its children, what it
//! sent to other runs, and the updates that callers asked it for.

use std::collections::BTreeMap;

use prost::Message;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::ParentClosePolicy;
use temporalio_protos::temporal::api::history::v1::{
    HistoryEvent, WorkflowExecutionUpdateCompletedEventAttributes, history_event::Attributes as A,
};
use temporalio_protos::temporal::api::update::v1::Request;

use super::world::{Checked, require};

/// How far a child has come, as its parent knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Initiated,
    /// With this run.
    Started(String),
    Refused,
    /// And its first run was this.
    Ended(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Child {
    pub(crate) policy: ParentClosePolicy,
    pub(crate) stage: Stage,
}

/// A signal or a request to cancel that was sent to another run.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) workflow_id: String,
    /// `None`: a request to cancel.
    pub(crate) signal: Option<String>,
    /// Whether it arrived; `None`: nothing is said of that.
    pub(crate) arrived: Option<bool>,
}

#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub(crate) accepted: i64,
    pub(crate) request: Request,
    /// Its encoded outcome.
    pub(crate) outcome: Option<Vec<u8>>,
}

/// An update that is on record and was not accepted yet.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    pub(crate) event_id: i64,
    pub(crate) request: Request,
}

/// What a reset went back to.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    pub(crate) run_id: String,
    /// From here on up to the other one, the new run may have events of its own.
    pub(crate) scheduled: i64,
    pub(crate) failed: i64,
    /// Why it was gone back.
    pub(crate) reason: String,
}

impl Base {
    /// Whether these events begin as the others do, but for the workflow task that failed.
    pub(crate) fn is_begun_by(&self, own: &[HistoryEvent], others: &[HistoryEvent]) -> bool {
        let prefix = own.iter().take_while(|event| event.event_id < self.failed);
        prefix.zip(others.iter().map(Some).chain(std::iter::repeat(None))).all(|(event, other)| {
            let of_task = matches!(
                event.attributes,
                Some(
                    A::WorkflowTaskScheduledEventAttributes(_)
                        | A::WorkflowTaskStartedEventAttributes(_)
                )
            );
            other == Some(event) || of_task && event.event_id >= self.scheduled
        })
    }
}

#[derive(Clone, Default)]
pub(crate) struct Relations {
    /// Run and initiated event.
    pub(crate) parent: Option<(String, i64)>,
    /// Empty: none.
    pub(crate) continued_from: String,
    pub(crate) first_run: String,
    /// Empty: none.
    pub(crate) next_run: String,
    /// The run that this one began as, up to the scheduled and the failed event of a workflow task.
    pub(crate) base: Option<Base>,
    /// It ended because a reset took its place.
    pub(crate) is_replaced: bool,
    pub(crate) is_cron: bool,
    /// By initiated event.
    pub(crate) children: BTreeMap<i64, Child>,
    /// By initiated event.
    pub(crate) sent: BTreeMap<i64, Sent>,
    pub(crate) updates: BTreeMap<String, Update>,
    /// Requests that a reset admits again.
    pub(crate) admitted: BTreeMap<String, Admitted>,
}

fn workflow_id(execution: Option<&WorkflowExecution>) -> String {
    execution.map(|execution| execution.workflow_id.clone()).unwrap_or_default()
}

fn run_id(execution: Option<&WorkflowExecution>) -> String {
    execution.map(|execution| execution.run_id.clone()).unwrap_or_default()
}

impl Relations {
    /// The next event, in the history or held back.
    pub(crate) fn read(&mut self, event: &HistoryEvent) -> Checked {
        let Some(attributes) = &event.attributes else { return Ok(()) };
        self.chain(event.event_id, attributes);
        self.child(event, attributes)?;
        self.sent(event, attributes)?;
        self.update(event, attributes)
    }

    fn chain(&mut self, event_id: i64, attributes: &A) {
        match attributes {
            A::WorkflowExecutionStartedEventAttributes(a) => {
                let parent = a.parent_workflow_execution.as_ref();
                self.parent = parent.map(|p| (p.run_id.clone(), a.parent_initiated_event_id));
                self.continued_from.clone_from(&a.continued_execution_run_id);
                self.first_run.clone_from(&a.first_execution_run_id);
                self.is_cron = !a.cron_schedule.is_empty();
            }
            A::WorkflowExecutionCompletedEventAttributes(a) => {
                self.next_run.clone_from(&a.new_execution_run_id);
            }
            A::WorkflowExecutionFailedEventAttributes(a) => {
                self.next_run.clone_from(&a.new_execution_run_id);
            }
            A::WorkflowExecutionTimedOutEventAttributes(a) => {
                self.next_run.clone_from(&a.new_execution_run_id);
            }
            A::WorkflowExecutionContinuedAsNewEventAttributes(a) => {
                self.next_run.clone_from(&a.new_execution_run_id);
            }
            A::WorkflowExecutionTerminatedEventAttributes(a) => {
                self.is_replaced = a.identity == "history-resetter";
            }
            A::WorkflowTaskFailedEventAttributes(a) if !a.base_run_id.is_empty() => {
                self.base = Some(Base {
                    run_id: a.base_run_id.clone(),
                    scheduled: a.scheduled_event_id,
                    failed: event_id,
                    reason: a.failure.clone().unwrap_or_default().message,
                });
            }
            _ => {}
        }
    }

    /// A child: initiated, then started or refused, then ended once.
    fn child(&mut self, event: &HistoryEvent, attributes: &A) -> Checked {
        let (initiated, run) = match attributes {
            A::StartChildWorkflowExecutionInitiatedEventAttributes(a) => {
                let child = Child { policy: a.parent_close_policy(), stage: Stage::Initiated };
                self.children.insert(event.event_id, child);
                return Ok(());
            }
            A::ChildWorkflowExecutionStartedEventAttributes(a) => {
                let run = run_id(a.workflow_execution.as_ref());
                let (from, to) = (Stage::Initiated, Stage::Started(run));
                return self.child_moves(event, a.initiated_event_id, &from, to);
            }
            A::StartChildWorkflowExecutionFailedEventAttributes(a) => {
                let (from, to) = (Stage::Initiated, Stage::Refused);
                return self.child_moves(event, a.initiated_event_id, &from, to);
            }
            A::ChildWorkflowExecutionCompletedEventAttributes(a) => {
                (a.initiated_event_id, &a.workflow_execution)
            }
            A::ChildWorkflowExecutionFailedEventAttributes(a) => {
                (a.initiated_event_id, &a.workflow_execution)
            }
            A::ChildWorkflowExecutionCanceledEventAttributes(a) => {
                (a.initiated_event_id, &a.workflow_execution)
            }
            A::ChildWorkflowExecutionTimedOutEventAttributes(a) => {
                (a.initiated_event_id, &a.workflow_execution)
            }
            A::ChildWorkflowExecutionTerminatedEventAttributes(a) => {
                (a.initiated_event_id, &a.workflow_execution)
            }
            _ => return Ok(()),
        };
        let child = self.children.get_mut(&initiated);
        let started = child.and_then(|child| match &child.stage {
            Stage::Started(first) => {
                let first = first.clone();
                child.stage = Stage::Ended(first.clone());
                Some(first)
            }
            _ => None,
        });
        require("a parent is told once of the end of a child", started.is_some(), || {
            format!("{event:?}")
        })?;
        require("a child that ended is named", !run_id(run.as_ref()).is_empty(), || {
            format!("{event:?}")
        })
    }

    fn child_moves(
        &mut self,
        event: &HistoryEvent,
        initiated: i64,
        from: &Stage,
        to: Stage,
    ) -> Checked {
        let child = self.children.get_mut(&initiated).filter(|child| child.stage == *from);
        let moved = child.map(|child| child.stage = to).is_some();
        require("a child starts once", moved, || format!("{event:?}"))
    }

    fn sent(&mut self, event: &HistoryEvent, attributes: &A) -> Checked {
        let (initiated, arrived) = match attributes {
            A::SignalExternalWorkflowExecutionInitiatedEventAttributes(a) => {
                let workflow_id = workflow_id(a.workflow_execution.as_ref());
                let signal = Some(a.signal_name.clone());
                self.sent.insert(event.event_id, Sent { workflow_id, signal, arrived: None });
                return Ok(());
            }
            A::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(a) => {
                let workflow_id = workflow_id(a.workflow_execution.as_ref());
                self.sent.insert(event.event_id, Sent { workflow_id, signal: None, arrived: None });
                return Ok(());
            }
            A::ExternalWorkflowExecutionSignaledEventAttributes(a) => (a.initiated_event_id, true),
            A::SignalExternalWorkflowExecutionFailedEventAttributes(a) => {
                (a.initiated_event_id, false)
            }
            A::ExternalWorkflowExecutionCancelRequestedEventAttributes(a) => {
                (a.initiated_event_id, true)
            }
            A::RequestCancelExternalWorkflowExecutionFailedEventAttributes(a) => {
                (a.initiated_event_id, false)
            }
            _ => return Ok(()),
        };
        let sent = self.sent.get_mut(&initiated);
        let before = sent.map(|sent| sent.arrived.replace(arrived));
        require("what was sent is answered once", before == Some(None), || format!("{event:?}"))
    }

    fn update(&mut self, event: &HistoryEvent, attributes: &A) -> Checked {
        match attributes {
            A::WorkflowExecutionUpdateAdmittedEventAttributes(a) => {
                let request = a.request.clone().unwrap_or_default();
                let id = request.meta.clone().unwrap_or_default().update_id;
                let admitted = Admitted { event_id: event.event_id, request };
                let first = self.admitted.insert(id, admitted).is_none();
                require("an update is admitted once", first, || format!("{event:?}"))
            }
            A::WorkflowExecutionUpdateAcceptedEventAttributes(a) => {
                let admitted = self.admitted.remove(&a.protocol_instance_id);
                let request = a.accepted_request.clone().or(admitted.map(|a| a.request));
                let request = request.unwrap_or_default();
                let update = Update { accepted: event.event_id, request, outcome: None };
                let first = self.updates.insert(a.protocol_instance_id.clone(), update);
                require("an update is accepted once", first.is_none(), || format!("{event:?}"))
            }
            A::WorkflowExecutionUpdateCompletedEventAttributes(a) => {
                let first = self.complete(a);
                require("an accepted update completes or fails once", first, || {
                    format!("{event:?}")
                })
            }
            _ => Ok(()),
        }
    }

    fn complete(&mut self, completed: &WorkflowExecutionUpdateCompletedEventAttributes) -> bool {
        let id = completed.meta.as_ref().map_or("", |meta| &meta.update_id);
        let update = self.updates.get_mut(id);
        let update = update.filter(|update| update.accepted == completed.accepted_event_id);
        let outcome = completed.outcome.clone().unwrap_or_default().encode_to_vec();
        update.is_some_and(|update| update.outcome.replace(outcome).is_none())
    }
}
