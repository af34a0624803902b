//! What an event costs in a history that has many already. It must not depend on how many.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark measures wall time, prints what it measured, and fails by panicking"
)]

#[allow(dead_code, reason = "each benchmark uses its part")]
mod support;

use std::time::{Duration, Instant};

use support::{Client, scaled};

/// Events of one step: a signal, and the workflow task that sees it (scheduled, started, completed).
const EVENTS_PER_STEP: usize = 4;
/// Steps that one figure is the median of.
const WINDOW: usize = 250;

fn main() {
    let directory = tempfile::tempdir().expect("a directory for the database");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let client = Client::open(&directory.path().join("history_growth.db"));
    runtime.block_on(measure(&client));
    client.close();
}

/// One workflow, step after step, on a sticky queue as a worker that keeps it in its cache would.
async fn measure(client: &Client) {
    let run = client.start().await;
    client.first_task().await;
    for size in [10, 1_000, 10_000, 50_000] {
        let size = scaled(size).max(10);
        let mut events = client.history_length(&run).await;
        while events + EVENTS_PER_STEP < size {
            client.step(&run).await;
            events += EVENTS_PER_STEP;
        }
        let mut steps = Vec::with_capacity(WINDOW);
        for _ in 0..scaled(WINDOW).max(3) {
            let began = Instant::now();
            client.step(&run).await;
            steps.push(began.elapsed());
        }
        steps.sort_unstable();
        let median: Duration = steps[steps.len() / 2];
        let events = u32::try_from(EVENTS_PER_STEP).unwrap_or(1);
        println!("event at {size:>6} events of history, FULL, p50 {:>9.3?}", median / events);
    }
}
