//! What was delivered and not answered yet, and the order of what is being answered.

use std::collections::{HashMap, HashSet, VecDeque};

use temporalio_protos::coresdk::workflow_completion::WorkflowActivationCompletion;
use tokio::sync::oneshot;

use crate::error::Outcome;

/// Who wants to hear what core said; nobody: an error goes to the inbox.
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
    /// Tokens of activities that were started and not completed.
    activities: HashSet<Vec<u8>>,
    /// Runs with a completion under way, and what has to wait for it.
    shipping: HashMap<String, VecDeque<Shipment>>,
    /// Activity completions under way.
    reporting: usize,
    /// Polls that have not ended.
    pub(super) polls: usize,
}

impl Ledger {
    pub(super) fn new(polls: usize) -> Self {
        Self { polls, ..Self::default() }
    }

    pub(super) fn delivered(&mut self, run_id: &str) {
        self.activations.insert(run_id.to_owned());
    }

    pub(super) fn started(&mut self, task_token: &[u8]) {
        self.activities.insert(task_token.to_vec());
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

    /// The runs that are out, and are not any more.
    pub(super) fn give_up(&mut self) -> Vec<String> {
        self.activations.drain().collect()
    }

    pub(super) fn report(&mut self, task_token: &[u8]) {
        self.activities.remove(task_token);
        self.reporting += 1;
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
