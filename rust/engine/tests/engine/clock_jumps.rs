//! What an engine that nobody calls knows of its clock.

use crate::support::Server;
use crate::support::clock::VirtualClock;
use crate::support::command::start_timer;

/// Set the clock forward to a timer while nobody calls.
async fn fires_when_the_clock_is_set(clock: VirtualClock, watchers: usize) {
    let server = Server::with_clock(clock);
    server.start("w").await;
    assert_eq!(server.clock.watchers(), 0, "without a timer there is nothing to watch it for");
    server.step([start_timer("t", 3600)]).await;
    let mut poll = std::pin::pin!(server.call(Server::workflow_poll()));
    assert!(server.parks(&mut poll.as_mut()).await);
    while server.clock.watchers() < watchers {
        tokio::task::yield_now().await;
    }
    server.clock.set_by(3600);
    assert!(!poll.await.unwrap().task_token.is_empty(), "nobody called it");
    server.engine.close();
    assert_eq!(server.clock.watchers(), 0);
}

#[tokio::test]
async fn b_80_an_idle_engine_is_told_that_its_clock_was_set_forward() {
    fires_when_the_clock_is_set(VirtualClock::new(), 1).await;
}

#[tokio::test]
async fn b_80_an_idle_engine_that_nobody_tells_notices_that_its_clock_was_set_forward() {
    fires_when_the_clock_is_set(VirtualClock::silent(), 0).await;
}

/// The system's own clock, and the system's own count of how often a thread has woken up.
#[cfg(target_os = "linux")]
mod on_linux {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use hourglass_engine::{Clock, Engine, EngineOptions, SystemClock, Timestamp};

    use super::*;

    /// The system's clock on a system that can't tell when it is set.
    struct Unwatched;

    impl Clock for Unwatched {
        fn now(&self) -> Timestamp {
            SystemClock.now()
        }

        fn wall(&self) -> Instant {
            SystemClock.wall()
        }
    }

    /// An engine that nobody calls, with a timer far away.
    struct Idle {
        server: Server,
        /// `/proc/<process>/task/<thread>` of its thread.
        thread: PathBuf,
    }

    impl Idle {
        async fn on(clock: Arc<dyn Clock>) -> Self {
            let engine = Engine::open(EngineOptions { clock, ..EngineOptions::default() }).unwrap();
            let server = Server { engine, clock: Arc::new(VirtualClock::new()) };
            server.start("w").await;
            server.step([start_timer("t", 86_400)]).await;
            let (sender, receiver) = std::sync::mpsc::channel();
            let gate = move || sender.send(std::fs::read_link("/proc/thread-self")).unwrap();
            server.engine.hold(gate);
            let thread = Path::new("/proc").join(receiver.recv().unwrap().unwrap());
            let idle = Self { server, thread };
            while idle.status("State:") != "S" {
                tokio::task::yield_now().await;
            }
            idle
        }

        fn status(&self, name: &str) -> String {
            let status = std::fs::read_to_string(self.thread.join("status")).unwrap();
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().to_owned()
        }

        /// How often its thread has begun to wait.
        fn waits(&self) -> String {
            self.status("voluntary_ctxt_switches:")
        }
    }

    #[tokio::test]
    async fn b_80_an_engine_with_a_timer_far_away_wakes_up_only_where_nobody_tells_it_the_time() {
        let told = Idle::on(Arc::new(SystemClock)).await;
        let untold = Idle::on(Arc::new(Unwatched)).await;
        let (of_told, of_untold) = (told.waits(), untold.waits());
        while untold.waits() == of_untold {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(told.waits(), of_told);
        told.server.engine.close();
        assert!(!told.thread.exists());
    }
}
