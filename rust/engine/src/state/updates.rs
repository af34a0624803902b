//! Updates that are not accepted yet, and callers that wait for a stage of one.
//!
//! ```text
//! none     --requested-->            admitted   (in memory; a workflow task carries it)
//! admitted --accepted-->             accepted   (WorkflowExecutionUpdateAccepted)
//! admitted --rejected, or ignored--> none       (without a trace; its caller is told)
//! accepted --completed-->            completed  (WorkflowExecutionUpdateCompleted)
//! accepted --its run closes-->       failed     (its caller is told)
//! ```

use std::collections::{BTreeMap, HashMap};

use crate::ids::RunKey;
use crate::proto::enums::UpdateWorkflowExecutionLifecycleStage as Stage;
use crate::proto::failure::Failure;
use crate::proto::service::StartWorkflowExecutionResponse;
use crate::proto::update::Request;
use crate::proto::update::outcome::Value;
use crate::proto::{update, update_id};
use crate::state::reply::Responder;
use crate::state::task_queues::Ticket;

/// Updates of a run that are not completed, at most.
pub(crate) const IN_FLIGHT: usize = 10;

/// An update that is neither accepted nor rejected.
pub(crate) struct Admitted {
    pub(crate) request: Request,
    /// An event holds it: a worker finds it there.
    pub(crate) on_record: bool,
    /// A worker has got it.
    pub(crate) sent: bool,
}

impl Admitted {
    pub(crate) fn id(&self) -> &str {
        update_id(&self.request)
    }
}

/// Which call waits.
pub(crate) enum UpdateCall {
    Update,
    Poll,
    /// An update with the start of its workflow, which was answered with this.
    WithStart(Box<StartWorkflowExecutionResponse>),
}

/// A caller that waits for an update to reach a stage.
pub(crate) struct UpdateWaiter {
    pub(crate) run: RunKey,
    pub(crate) update_id: String,
    pub(crate) stage: Stage,
    pub(crate) asked: UpdateCall,
    pub(crate) responder: Responder,
}

/// The stage that an update has reached.
pub(crate) struct Reached {
    pub(crate) stage: Stage,
    pub(crate) outcome: Option<update::Outcome>,
}

impl Reached {
    pub(crate) const fn stage(stage: Stage) -> Self {
        Self { stage, outcome: None }
    }

    pub(crate) fn failed(failure: Failure) -> Self {
        let outcome = update::Outcome { value: Some(Value::Failure(failure)) };
        Self { stage: Stage::Completed, outcome: Some(outcome) }
    }
}

/// The updates that a completed workflow task accepted and rejected.
#[derive(Default)]
pub(crate) struct ResolvedUpdates {
    pub(crate) accepted: Vec<String>,
    pub(crate) rejected: Vec<(String, Failure)>,
}

/// All updates that are not accepted yet, and everybody who waits for any.
#[derive(Default)]
pub(crate) struct Updates {
    /// In order of arrival.
    pub(crate) admitted: HashMap<RunKey, Vec<Admitted>>,
    pub(crate) waiters: BTreeMap<Ticket, UpdateWaiter>,
    /// Invariant: each ticket of `waiters` once.
    pub(crate) waiting: HashMap<RunKey, Vec<Ticket>>,
}

impl Updates {
    pub(crate) fn admitted(&self, run: RunKey) -> impl Iterator<Item = &Admitted> {
        self.admitted.get(&run).into_iter().flatten()
    }

    /// Tell whether there is something for the run's next workflow task to carry.
    pub(crate) fn is_admitted(&self, run: RunKey) -> bool {
        self.admitted.contains_key(&run)
    }

    /// The requests that are not accepted yet, by id.
    pub(crate) fn requests(&self, run: RunKey) -> HashMap<String, Option<Request>> {
        let request = |update: &Admitted| (!update.on_record).then(|| update.request.clone());
        self.admitted(run).map(|update| (update.id().to_owned(), request(update))).collect()
    }

    /// An update is on record as admitted.
    pub(crate) fn recall(&mut self, run: RunKey, request: Request) {
        if !self.admitted(run).any(|update| update.id() == update_id(&request)) {
            let admitted = Admitted { request, on_record: true, sent: false };
            self.admitted.entry(run).or_default().push(admitted);
        }
    }

    pub(crate) fn remove(&mut self, run: RunKey, id: &str) {
        if let Some(admitted) = self.admitted.get_mut(&run) {
            admitted.retain(|update| update.id() != id);
            if admitted.is_empty() {
                self.admitted.remove(&run);
            }
        }
    }

    pub(crate) fn add_waiter(&mut self, ticket: Ticket, waiter: UpdateWaiter) {
        self.waiting.entry(waiter.run).or_default().push(ticket);
        let before = self.waiters.insert(ticket, waiter);
        debug_assert!(before.is_none(), "a ticket is given once");
        self.check_waiters();
    }

    pub(crate) fn take_waiter(&mut self, ticket: Ticket) -> Option<UpdateWaiter> {
        let waiter = self.waiters.remove(&ticket)?;
        if let Some(tickets) = self.waiting.get_mut(&waiter.run) {
            tickets.retain(|other| *other != ticket);
            if tickets.is_empty() {
                self.waiting.remove(&waiter.run);
            }
        }
        self.check_waiters();
        Some(waiter)
    }

    /// Check that each caller is found by its run.
    fn check_waiters(&self) {
        debug_assert_eq!(
            self.waiters.len(),
            self.waiting.values().map(Vec::len).sum::<usize>(),
            "each caller is found by its run"
        );
    }

    pub(crate) fn take_waiters(&mut self, run: RunKey) -> Vec<(Ticket, UpdateWaiter)> {
        let tickets = self.waiting.remove(&run).unwrap_or_default();
        tickets.into_iter().filter_map(|t| Some((t, self.waiters.remove(&t)?))).collect()
    }

    /// A transaction with the run failed: forget its updates, and give everybody who waits for one.
    pub(crate) fn forget(&mut self, run: RunKey) -> Vec<Responder> {
        self.admitted.remove(&run);
        self.take_waiters(run).into_iter().map(|(_, waiter)| waiter.responder).collect()
    }

    /// The updates that are not accepted yet, by run and id.
    #[cfg(feature = "simulation")]
    pub(crate) fn all_admitted(&self) -> impl Iterator<Item = (RunKey, &str)> {
        self.admitted.iter().flat_map(|(run, all)| all.iter().map(|update| (*run, update.id())))
    }

    /// List the waiting callers: run, update, and whether for the outcome.
    #[cfg(feature = "simulation")]
    pub(crate) fn all_waiting(&self) -> impl Iterator<Item = (RunKey, &str, bool)> {
        let waiters = self.waiters.values();
        waiters.map(|w| (w.run, w.update_id.as_str(), w.stage == Stage::Completed))
    }

    /// Everybody who waits, to be told that the engine closes.
    pub(crate) fn drain(&mut self) -> Vec<Responder> {
        self.waiting.clear();
        std::mem::take(&mut self.waiters).into_values().map(|waiter| waiter.responder).collect()
    }
}
