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

#[derive(Clone, Default)]
pub(crate) struct Relations {
    /// Run and initiated event.
    pub(crate) parent: Option<(String, i64)>,
    /// Empty: none.
    pub(crate) continued_from: String,
    pub(crate) first_run: String,
    /// Empty: none.
    pub(crate) next_run: String,
    pub(crate) is_cron: bool,
    /// By initiated event.
    pub(crate) children: BTreeMap<i64, Child>,
    /// By initiated event.
    pub(crate) sent: BTreeMap<i64, Sent>,
    pub(crate) updates: BTreeMap<String, Update>,
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
        self.chain(attributes);
        self.child(event, attributes)?;
        self.sent(event, attributes)?;
        self.update(event, attributes)
    }

    fn chain(&mut self, attributes: &A) {
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
            A::WorkflowExecutionUpdateAcceptedEventAttributes(a) => {
                let request = a.accepted_request.clone().unwrap_or_default();
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
