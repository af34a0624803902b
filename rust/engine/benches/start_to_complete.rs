//! Empty workflows, from their start to their result: start, poll, complete, wait for the close.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark measures wall time, prints what it measured, and fails by panicking"
)]

#[allow(dead_code, reason = "each benchmark uses its part")]
mod support;

use support::{Client, Sample, scaled};

/// Polls that wait at the same time.
const WORKERS: usize = 100;

fn main() {
    let directory = tempfile::tempdir().expect("a directory for the database");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let client = Client::open(&directory.path().join("start_to_complete.db"));
    runtime.block_on(measure(&client));
    client.close();
}

async fn measure(client: &Client) {
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..WORKERS {
        workers.spawn(client.clone().work());
    }
    for (count, in_flight) in [(500, 1), (5_000, 100)] {
        let client = client.clone();
        let sample = Sample::take(scaled(count), in_flight, move |_| {
            let client = client.clone();
            async move {
                let run = client.start().await;
                client.result(run).await;
            }
        })
        .await;
        sample.print(&format!("empty workflow, FULL, {in_flight} in flight"));
    }
    workers.abort_all();
}
