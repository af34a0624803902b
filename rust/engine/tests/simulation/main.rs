//! The whole engine under simulation: virtual time, seeded randomness, a disk that fails, and clients
//! and workers that do whatever a seed says, with invariants checked after every step.
//!
//! A seed replays exactly. To look at one, with what happens in it:
//! `SIMULATION_TRACE=1 SIMULATION_SEED=17 cargo test --test simulation one -- --nocapture`.
//! To run many: `make simulate SEEDS=10000`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::wildcard_imports,
    clippy::unnecessary_wraps,
    reason = "a test fails by panicking, and a long run says how far it is"
)]
#![allow(deprecated, reason = "old clients and children send reuse policies that are no more")]

mod activities;
mod alone;
mod audit;
mod checks;
mod client_view;
mod clients;
mod decisions;
mod deletions;
mod disk;
mod failures;
mod family;
mod invalid_histories;
mod invariants;
mod ledger;
mod mutations;
mod operators;
mod relations;
mod rng;
mod starts;
mod summary;
#[path = "../engine/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with the engine's other tests")]
mod support;
mod updates;
mod workers;
mod world;

use hourglass_engine::simulation::{Mutation, Step, activate};

use summary::Summary;
use world::World;

/// Seeds of an ordinary test run.
const SEEDS: u64 = 60;
/// A mutation is found within this many seeds.
const WITHIN: u64 = 200;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// Run seeds and tell what they did; the first violation names its seed.
fn run(seeds: impl IntoIterator<Item = u64>) -> Result<Summary, String> {
    let mut total = Summary::default();
    for (done, seed) in seeds.into_iter().enumerate() {
        let summary = World::simulate(seed).map_err(|violation| {
            format!(
                "{violation}\nreplay it: SIMULATION_SEED={seed} cargo test --test simulation one"
            )
        })?;
        total.add(&summary);
        if done % 1000 == 999 {
            eprintln!("{} seeds: {total}", done + 1);
        }
    }
    Ok(total)
}

#[test]
fn many_seeds_violate_no_invariant() {
    let first = number("SIMULATION_FIRST").unwrap_or(0);
    let count = number("SIMULATION_SEEDS").unwrap_or(SEEDS);
    match run(first..first + count) {
        Ok(total) => {
            eprintln!("{count} seeds from {first}: {total}");
            if std::env::var_os("SIMULATION_TRACE").is_some() {
                eprintln!("{:#?}", total.seen);
            }
        }
        Err(violation) => panic!("{violation}"),
    }
}

#[test]
fn one_seed_violates_no_invariant() {
    let seed = number("SIMULATION_SEED").unwrap_or(1);
    run([seed]).unwrap_or_else(|violation| panic!("{violation}"));
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..10 {
        let (first, second) = (World::simulate(seed).unwrap(), World::simulate(seed).unwrap());
        assert_eq!(first, second, "seed {seed}");
    }
}

#[test]
fn a_crash_at_every_step_of_the_store_is_survived() {
    let long = number("SIMULATION_SEEDS").is_some();
    let first = number("SIMULATION_FIRST").unwrap_or(0);
    for seed in first..first + if long { 5 } else { 2 } {
        for (step, stride) in [(Step::Commit, 7), (Step::Write, 43), (Step::Read, 31)] {
            let survived = |nth| {
                World::crash_at(seed, step, nth)
                    .unwrap_or_else(|violation| panic!("{step:?} {nth} of {seed}: {violation}"))
                    .is_some()
            };
            let mut nth = 1;
            while survived(nth) {
                nth += if long { 1 } else { stride };
            }
            eprintln!("seed {seed} survives a crash at each {step:?}: {nth}");
        }
    }
}

/// The beginning of what is found by an assertion of the engine's own.
const ASSERTED: &str = "the engine asserts: ";

/// Whether a mutation was found: by one of these invariants, or earlier, by the engine's own assertions.
fn shows(violation: &str, seen: &[&str]) -> bool {
    violation.starts_with(ASSERTED) || seen.iter().any(|invariant| violation.contains(invariant))
}

/// The violation that a mutation leads to, or the assertion of the engine that it fails.
fn found(mutation: Mutation) -> String {
    activate(Some(mutation));
    let found = std::panic::catch_unwind(|| run(0..WITHIN));
    activate(None);
    match found {
        Ok(found) => found.expect_err("the mutation is found"),
        Err(panic) => match panic.downcast::<&str>() {
            Ok(message) => format!("{ASSERTED}{message}"),
            Err(panic) => match panic.downcast::<String>() {
                Ok(message) => format!("{ASSERTED}{message}"),
                Err(panic) => std::panic::resume_unwind(panic),
            },
        },
    }
}

#[test]
fn a_lost_wake_is_found() {
    let violation = found(Mutation::LostWake);
    assert!(shows(&violation, &["what a workflow has not seen has a task"]), "{violation}");
}

#[test]
fn a_double_completion_is_found() {
    let violation = found(Mutation::DoubleCompletion);
    // An activity that stays pending shows in the tables before it completes a second time.
    let seen = [
        "one completion per scheduled event",
        "what is pending is what the history says",
        "each pending task has a time",
    ];
    assert!(shows(&violation, &seen), "{violation}");
}

#[test]
fn an_early_reply_is_found() {
    let violation = found(Mutation::PrecommitReply);
    let seen =
        ["nothing acknowledged is lost", "an activity is given when its order is on the disk"];
    assert!(shows(&violation, &seen), "{violation}");
}

#[test]
fn a_paused_activity_that_is_given_out_is_found() {
    let violation = found(Mutation::PausedActivity);
    // One that counts as ready is missed in its queue before it is let go on.
    let seen = ["a paused activity is given to no worker", "each activity is offered"];
    assert!(shows(&violation, &seen), "{violation}");
}

#[test]
fn a_forgotten_timer_is_found() {
    let violation = found(Mutation::ForgottenTimer);
    assert!(shows(&violation, &["what is pending is what the history says"]), "{violation}");
}

#[test]
fn an_untold_parent_is_found() {
    let violation = found(Mutation::UntoldParent);
    assert!(shows(&violation, &["a parent is told of the end of its child"]), "{violation}");
}

#[test]
fn a_forgotten_waiter_is_found() {
    let violation = found(Mutation::ForgottenWaiter);
    assert!(shows(&violation, &["nobody waits for a closed run"]), "{violation}");
}

#[test]
fn an_activity_that_is_handed_out_before_the_commit_is_found() {
    let violation = found(Mutation::PrecommitActivity);
    let seen =
        ["an activity is given when its order is on the disk", "nothing acknowledged is lost"];
    assert!(shows(&violation, &seen), "{violation}");
}

#[test]
fn a_task_that_outlives_its_failed_transaction_is_found() {
    let violation = found(Mutation::KeptLease);
    let seen = [
        "a completed task was of what is on the disk",
        "a started task was scheduled",
        "each lease has an end",
    ];
    assert!(shows(&violation, &seen), "{violation}");
}

#[test]
fn a_history_that_outlives_its_run_is_found() {
    let violation = found(Mutation::KeptHistory);
    assert!(shows(&violation, &["a deleted run is nowhere"]), "{violation}");
}
