//! One event appended to a history, durable on disk before it is acknowledged.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark measures wall time, prints what it measured, and fails by panicking"
)]

#[allow(dead_code, reason = "each benchmark uses its part")]
mod support;

use support::{Client, Sample, scaled};

fn main() {
    let directory = tempfile::tempdir().expect("a directory for the database");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let client = Client::open(&directory.path().join("append.db"));
    runtime.block_on(measure(&client));
    client.close();
}

async fn measure(client: &Client) {
    for (count, in_flight) in [(1_000, 1), (20_000, 100)] {
        let mut runs = Vec::with_capacity(in_flight);
        for _ in 0..in_flight {
            runs.push(client.start().await);
        }
        let (client, runs) = (client.clone(), std::sync::Arc::new(runs));
        let sample = Sample::take(scaled(count).max(in_flight), in_flight, move |index| {
            let (client, runs) = (client.clone(), std::sync::Arc::clone(&runs));
            async move { client.signal(&runs[index % runs.len()]).await }
        })
        .await;
        sample.print(&format!("append, FULL, {in_flight} in flight"));
    }
    growth(client).await;
}

/// The cost of an event must not depend on how many came before it.
async fn growth(client: &Client) {
    let run = client.start().await;
    let batch = scaled(1_000).max(10);
    for first in (0..10 * batch).step_by(batch) {
        let (client, run) = (client.clone(), run.clone());
        let sample = Sample::take(batch, 10, move |_| {
            let (client, run) = (client.clone(), run.clone());
            async move { client.signal(&run).await }
        })
        .await;
        if first == 0 || first == 9 * batch {
            sample.print(&format!("append to one history, events from {first}"));
        }
    }
}
