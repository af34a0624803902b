//! What a run of a seed did, in numbers.

use std::collections::BTreeMap;
use std::fmt;

/// What a seed did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) steps: u64,
    pub(crate) turns: u64,
    pub(crate) crashes: u64,
    pub(crate) failures: u64,
    pub(crate) runs: u64,
    pub(crate) events: u64,
    pub(crate) digest: u64,
    /// How often: calls that were answered, by method and outcome, and events, by type.
    pub(crate) seen: BTreeMap<String, u64>,
}

impl Summary {
    pub(crate) fn see(&mut self, what: String) {
        *self.seen.entry(what).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.turns += other.turns;
        self.crashes += other.crashes;
        self.failures += other.failures;
        self.runs += other.runs;
        self.events += other.events;
        self.digest ^= other.digest;
        for (what, times) in &other.seen {
            *self.seen.entry(what.clone()).or_default() += times;
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps, turns, crashes, failures, runs, events, digest, .. } = self;
        write!(
            f,
            "{steps} steps, {turns} turns, {crashes} crashes, {failures} planned failures, \
             {runs} runs, {events} events, digest {digest:016x}"
        )
    }
}
