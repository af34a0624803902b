//! What callers were told is so.

use std::collections::BTreeMap;

use temporalio_protos::temporal::api::history::v1::{HistoryEvent, history_event::Attributes as A};

use super::audit::Audit;
use super::deletions::Deletions;
use super::world::{Checked, Violation};

/// Something that was acknowledged.
#[derive(Clone, Debug)]
pub(crate) enum Fact {
    Started,
    Signaled(String),
    CancelRequested,
    Closed,
    Deleted,
    /// This is what an activity without a workflow came to.
    Outcome(Vec<u8>),
    TaskCompleted {
        started_event_id: i64,
    },
    ActivityGiven {
        scheduled_event_id: i64,
    },
    ActivityEnded {
        scheduled_event_id: i64,
    },
    UpdateAccepted {
        id: String,
    },
    /// With this encoded outcome.
    UpdateCompleted {
        id: String,
        outcome: Vec<u8>,
    },
    /// It was accepted, and then its run closed.
    UpdateCutOff {
        id: String,
    },
}

struct Entry {
    run_id: String,
    fact: Fact,
    /// How many commits there were.
    commits: u64,
    /// Seen on the disk since the engine was opened last.
    seen: bool,
}

#[derive(Default)]
pub(crate) struct Ledger(Vec<Entry>);

impl Ledger {
    pub(crate) fn note(&mut self, run_id: &str, fact: Fact, commits: u64) {
        self.0.push(Entry { run_id: run_id.to_owned(), fact, commits, seen: false });
    }

    /// It was said for a test.
    pub(crate) fn forget_last(&mut self) {
        self.0.pop();
    }

    /// The engine was opened anew: look again at everything.
    pub(crate) fn look_again(&mut self) {
        self.0.iter_mut().for_each(|entry| entry.seen = false);
    }

    /// A disk that lied lost everything after that many commits, and nobody can be blamed.
    pub(crate) fn forgive(&mut self, commits: u64) {
        self.0.retain(|entry| entry.commits <= commits);
    }

    /// Nothing acknowledged is lost.
    pub(crate) fn check(
        &mut self,
        keys: &BTreeMap<String, i64>,
        audits: &BTreeMap<i64, Audit>,
        deletions: &Deletions,
        buffered: impl Fn(i64) -> Vec<HistoryEvent>,
    ) -> Checked {
        for entry in self.0.iter_mut().filter(|entry| !entry.seen) {
            let lost = |entry: &Entry| {
                let detail = format!("{:?} of run {}", entry.fact, entry.run_id);
                Err(Violation::new("nothing acknowledged is lost", detail))
            };
            let Some(key) = keys.get(&entry.run_id) else {
                entry.seen = deletions.may_have(&entry.run_id);
                if entry.seen {
                    continue;
                }
                return lost(entry);
            };
            let audit = &audits[key];
            entry.seen = holds(&entry.fact, audit);
            if !entry.seen && !buffered(*key).iter().any(|event| says(event, &entry.fact)) {
                return lost(entry);
            }
        }
        Ok(())
    }
}

fn holds(fact: &Fact, audit: &Audit) -> bool {
    match fact {
        Fact::Started => true,
        Fact::Signaled(name) => audit.signals.contains(name),
        // A closed run needs no cancelling: that is acknowledged too.
        Fact::CancelRequested => audit.cancel_requested || audit.closed,
        Fact::Closed => audit.closed,
        Fact::Deleted => false,
        Fact::Outcome(end) => audit.end.as_ref() == Some(end),
        Fact::TaskCompleted { started_event_id } => {
            audit.completed_tasks.contains(started_event_id)
        }
        Fact::ActivityGiven { scheduled_event_id } => {
            audit.activities.contains(scheduled_event_id)
                || audit.ended_activities.contains(scheduled_event_id)
        }
        Fact::ActivityEnded { scheduled_event_id } => {
            audit.ended_activities.contains(scheduled_event_id)
        }
        Fact::UpdateAccepted { id } => audit.relations.updates.contains_key(id),
        Fact::UpdateCompleted { id, outcome } => {
            let update = audit.relations.updates.get(id);
            update.is_some_and(|update| update.outcome.as_ref() == Some(outcome))
        }
        Fact::UpdateCutOff { id } => {
            let update = audit.relations.updates.get(id);
            audit.closed && update.is_some_and(|update| update.outcome.is_none())
        }
    }
}

/// Whether an event that is held back is what was acknowledged.
fn says(event: &HistoryEvent, fact: &Fact) -> bool {
    match (&event.attributes, fact) {
        (Some(A::WorkflowExecutionSignaledEventAttributes(a)), Fact::Signaled(name)) => {
            a.signal_name == *name
        }
        (Some(A::WorkflowExecutionCancelRequestedEventAttributes(_)), Fact::CancelRequested) => {
            true
        }
        (
            Some(A::ActivityTaskCompletedEventAttributes(a)),
            Fact::ActivityEnded { scheduled_event_id },
        ) => a.scheduled_event_id == *scheduled_event_id,
        _ => false,
    }
}
