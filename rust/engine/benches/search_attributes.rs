//! What it costs to count and to list the few workflows that have a search attribute, among more and
//! more that have another. It must depend on how many have it, not on how many there are.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark measures wall time, prints what it measured, and fails by panicking"
)]

#[allow(dead_code, reason = "each benchmark uses its part")]
mod support;

use std::time::{Duration, Instant};

use support::{Client, Sample, scaled};

/// So many workflows have the rare value, however many there are.
const RARE: usize = 40;

fn main() {
    let directory = tempfile::tempdir().expect("a directory for the database");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let client = Client::open(&directory.path().join("search_attributes.db"));
    runtime.block_on(measure(&client));
    client.close();
}

async fn measure(client: &Client) {
    let mut before = None;
    let mut there = 0;
    for size in [1_000, 4_000, 16_000] {
        let size = scaled(size);
        let starter = client.clone();
        Sample::take(size - there, 100, move |index| {
            let starter = starter.clone();
            let user = if there + index < RARE { "rare" } else { "common" };
            async move { drop(starter.start_by(user).await) }
        })
        .await;
        there = size;
        let count = median(|| client.count("BatcherUser = 'rare'")).await;
        let list = median(|| client.list("BatcherUser = 'rare' AND ExecutionStatus = 1")).await;
        let page = median(|| client.list("BatcherUser = 'common'")).await;
        let (grown, of_list) =
            before.replace((count, list)).map_or((1.0, 1.0), |(c, l): (Duration, Duration)| {
                (count.as_secs_f64() / c.as_secs_f64(), list.as_secs_f64() / l.as_secs_f64())
            });
        println!(
            "{RARE} of {size:>6} workflows: count {count:>9.3?} ({grown:.2} times), list {list:>9.3?} \
             ({of_list:.2} times); a page of the others {page:>9.3?}"
        );
    }
}

async fn median<F: Future<Output = ()>>(operation: impl Fn() -> F) -> Duration {
    let mut taken = Vec::new();
    for _ in 0..21 {
        let began = Instant::now();
        operation().await;
        taken.push(began.elapsed());
    }
    taken.sort_unstable();
    taken[taken.len() / 2]
}
