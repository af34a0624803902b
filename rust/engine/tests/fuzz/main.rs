//! Wrong requests: whatever is sent, nothing panics, nothing is damaged, and the engine goes on.
//!
//! An input is a string of bytes; `play` says what it does. Here, seeded random inputs are played. The
//! same inputs, chosen by coverage: `make fuzz`. To play one that failed:
//! `FUZZ_SEED=17 cargo test --test fuzz one`, or `FUZZ_INPUT=path cargo test --test fuzz one`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says which input it was"
)]

mod player;

use hourglass_engine::{Entropy, SeededEntropy};

/// Inputs of an ordinary test run.
const SEEDS: u64 = 100;
/// Bytes of an input, in sixteens.
const LENGTH: usize = 100;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// Says which input it was when a check fails.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("play it again: FUZZ_SEED={} cargo test --test fuzz one", self.0);
        }
    }
}

fn play_seed(seed: u64) {
    let _named = Named(seed);
    let random = SeededEntropy::new(seed);
    let input: Vec<u8> = (0..LENGTH).flat_map(|_| random.bytes()).collect();
    player::play(&input);
}

#[test]
fn many_inputs_break_nothing() {
    let first = number("FUZZ_FIRST").unwrap_or(0);
    let count = number("FUZZ_SEEDS").unwrap_or(SEEDS);
    (first..first + count).for_each(play_seed);
}

#[test]
fn one_input_breaks_nothing() {
    match std::env::var_os("FUZZ_INPUT") {
        Some(path) => player::play(&std::fs::read(path).unwrap()),
        None => play_seed(number("FUZZ_SEED").unwrap_or(1)),
    }
}
