//! Workflows that sleep: what one costs in memory, how long a database full of them takes to open, and
//! how late their timers fire.

#![allow(
    unsafe_code,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a benchmark measures wall time and memory, prints what it measured, and fails by panicking"
)]

#[allow(dead_code, reason = "each benchmark uses its part")]
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use hourglass_engine::{Clock, SystemClock, Timestamp};
use support::{Client, scaled};

/// Counts what the engine has on its heap. (SQLite has a heap of its own, with its page cache.)
struct Counting;

static LIVE: AtomicI64 = AtomicI64::new(0);

fn count(layout: Layout, sign: i64) {
    LIVE.fetch_add(sign * i64::try_from(layout.size()).unwrap_or(0), Ordering::Relaxed);
}

// SAFETY: everything is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout, 1);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout, -1);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The system's clock, which can be put forward.
struct Ahead(AtomicI64);

impl Ahead {
    fn put_forward(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_nanos()).unwrap_or(0), Ordering::Relaxed);
    }

    fn by(&self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(0))
    }
}

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now().after(self.by())
    }

    fn wall(&self) -> Instant {
        SystemClock.wall() + self.by()
    }
}

/// How many workflows a process is to put to sleep.
const COUNT: &str = "SLEEPING_WORKFLOWS";
/// How long they sleep.
const SLEEP: Duration = Duration::from_hours(24);
/// Timers whose lateness is measured: one each millisecond.
const FIRING: usize = 1_000;

/// Each size in a process of its own: what an earlier one left behind is not counted.
fn main() {
    if let Some(count) = std::env::var(COUNT).ok().and_then(|count| count.parse().ok()) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let directory = tempfile::tempdir().expect("a directory for the database");
        let path = directory.path().join("sleeping_workflows.db");
        return runtime.block_on(measure(&path, count));
    }
    let program = std::env::current_exe().expect("a path to this program");
    for count in [1_000, 10_000, 100_000] {
        let count = scaled(count).to_string();
        let ended = std::process::Command::new(&program).env(COUNT, count).status();
        assert!(ended.expect("the program starts").success(), "a measurement failed");
    }
}

async fn measure(path: &Path, count: usize) {
    let clock = Arc::new(Ahead(AtomicI64::new(0)));
    let client = Client::open_with(path, Arc::<Ahead>::clone(&clock));
    let before = LIVE.load(Ordering::Relaxed);
    let asleep = client.put_to_sleep(count, SLEEP, Duration::from_millis(1)).await;
    // Minutes in which nothing happens. In the first, timeouts of workflow tasks come to nothing, and
    // look at their runs.
    for _ in 0..3 {
        clock.put_forward(Duration::from_mins(1));
        client.idle().await;
        client.idle().await;
    }
    let each = (LIVE.load(Ordering::Relaxed) - before) as f64 / count as f64;
    client.close();
    drop(client);
    let began = Instant::now();
    let client = Client::open_with(path, Arc::<Ahead>::clone(&clock));
    let open = began.elapsed();
    let firing = FIRING.min(count);
    let due = clock.now();
    clock.put_forward(asleep.first_due.since(due).saturating_sub(Duration::from_millis(500)));
    let mut late = client.wake(firing, clock.as_ref()).await;
    late.sort_unstable();
    println!(
        "{count:>6} asleep: {:>6.0} starts/s   {each:>5.0} bytes each   open {open:>9.3?}   \
         late p50 {:>9.3?} p99 {:>9.3?}",
        asleep.per_second,
        late[late.len() / 2],
        late[late.len() * 99 / 100],
    );
    client.close();
}
