//! The tasks that were delivered and not answered yet, and the order of answers under way.

use std::collections::{HashMap, HashSet, VecDeque};

use temporalio_protos::coresdk::workflow_completion::WorkflowActivationCompletion;
use tokio::sync::oneshot;

use crate::error::Outcome;

/// The caller that waits for core's answer; without one an error goes to the inbox.
pub(super) type Reply = Option<oneshot::Sender<Outcome<()>>>;

/// A completion on its way to core.
pub(super) struct Shipment {
    pub(super) completion: WorkflowActivationCompletion,
    pub(super) reply: Reply,
}

/// The books of one worker.
#[derive(Default)]
pub(super) struct Ledger {
    /// Runs whose activation was delivered and not completed.
    activations: HashSet<String>,
    /// Tokens of activities that were started and not completed; which of them are local.
    activities: HashMap<Vec<u8>, bool>,
    /// Runs with a completion under way, and what has to wait for it.
    shipping: HashMap<String, VecDeque<Shipment>>,
    /// Activity completions under way.
    reporting: usize,
    /// Polls that have not ended.
    pub(super) polls: usize,
    /// Nothing stays out any more.
    ended: bool,
    /// Tokens of activities that go on without the worker.
    going_on: Vec<Vec<u8>>,
}

/// The tasks that were out and are not waited for any more.
pub(super) struct Outstanding {
    /// Runs whose activation will not be completed.
    pub(super) runs: Vec<String>,
    /// Tokens of activities that go on without the worker.
    pub(super) activities: Vec<Vec<u8>>,
    /// Tokens of local activities: their workflow tasks are failed.
    pub(super) local_activities: Vec<Vec<u8>>,
}

impl Ledger {
    pub(super) fn new(polls: usize) -> Self {
        Self { polls, ..Self::default() }
    }

    /// Book an activation that goes out; true if nothing is to stay out.
    pub(super) fn delivered(&mut self, run_id: &str) -> bool {
        self.activations.insert(run_id.to_owned());
        self.ended
    }

    /// Book an activity that goes out; true if nothing is to stay out.
    pub(super) fn started(&mut self, task_token: &[u8], is_local: bool) -> bool {
        self.activities.insert(task_token.to_vec(), is_local);
        self.ended
    }

    /// Take a completion. It is given back when nothing of its run is under way: ship it now.
    pub(super) fn complete(&mut self, shipment: Shipment) -> Option<Shipment> {
        let run_id = shipment.completion.run_id.as_str();
        // Before core has it: core's next activation of the run may come before core's answer.
        self.activations.remove(run_id);
        if let Some(queue) = self.shipping.get_mut(run_id) {
            queue.push_back(shipment);
            return None;
        }
        self.shipping.insert(run_id.to_owned(), VecDeque::new());
        Some(shipment)
    }

    /// Core has answered for a run: the next completion of it, if one waits.
    pub(super) fn shipped(&mut self, run_id: &str) -> Option<Shipment> {
        let next = self.shipping.get_mut(run_id)?.pop_front();
        if next.is_none() {
            self.shipping.remove(run_id);
        }
        next
    }

    /// Take what is out; from now on nothing stays out.
    pub(super) fn take_outstanding(&mut self) -> Outstanding {
        self.ended = true;
        let (local, remote): (Vec<_>, Vec<_>) =
            self.activities.drain().partition(|(_, is_local)| *is_local);
        let tokens = |activities: Vec<(Vec<u8>, bool)>| -> Vec<_> {
            activities.into_iter().map(|(token, _)| token).collect()
        };
        let activities = tokens(remote);
        self.going_on.extend(activities.iter().cloned());
        Outstanding {
            runs: self.activations.drain().collect(),
            activities,
            local_activities: tokens(local),
        }
    }

    /// The activities that go on without the worker.
    pub(super) fn going_on(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.going_on)
    }

    /// Book the end of an activity, unless it goes on without the worker.
    pub(super) fn report(&mut self, task_token: &[u8]) -> bool {
        let is_ours = self.activities.remove(task_token).is_some() || !self.ended;
        self.reporting += usize::from(is_ours);
        is_ours
    }

    pub(super) fn reported(&mut self) {
        self.reporting = self.reporting.saturating_sub(1);
    }

    pub(super) fn workflow_tasks(&self) -> usize {
        self.activations.len() + self.shipping.len()
    }

    pub(super) fn activity_tasks(&self) -> usize {
        self.activities.len() + self.reporting
    }

    pub(super) fn is_drained(&self) -> bool {
        self.polls == 0 && self.workflow_tasks() == 0 && self.activity_tasks() == 0
    }
}
