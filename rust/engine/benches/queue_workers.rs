//! 1, 10 and 100 workers on one task queue: what they get done together, and how evenly. Each has one
//! poll out at a time, and completes what it gets at once.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark measures wall time, prints what it measured, and fails by panicking"
)]

#[allow(dead_code, reason = "each benchmark uses its part")]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::{Client, Sample, scaled};

/// Empty workflows under way at the same time.
const IN_FLIGHT: usize = 100;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for (workers, count) in [(1, 1_000), (10, 3_000), (100, 10_000)] {
        let directory = tempfile::tempdir().expect("a directory for the database");
        let client = Client::open(&directory.path().join("queue_workers.db"));
        runtime.block_on(measure(&client, workers, scaled(count)));
        client.close();
    }
}

async fn measure(client: &Client, workers: usize, count: usize) {
    let done: Vec<_> = (0..workers).map(|_| Arc::new(AtomicUsize::new(0))).collect();
    let mut working = tokio::task::JoinSet::new();
    for done in &done {
        working.spawn(client.clone().work_and_count(Arc::clone(done)));
    }
    let starter = client.clone();
    let sample = Sample::take(count, IN_FLIGHT, move |_| {
        let client = starter.clone();
        async move {
            let run = client.start().await;
            client.result(run).await;
        }
    })
    .await;
    working.abort_all();
    let mut shares: Vec<_> = done.iter().map(|done| done.load(Ordering::Relaxed)).collect();
    shares.sort_unstable();
    let (least, most) = (shares[0], shares[shares.len() - 1]);
    sample.print(&format!("{workers:>3} workers, {IN_FLIGHT} in flight, FULL"));
    println!("    of {count} tasks a worker got {least} at least and {most} at most");
}
