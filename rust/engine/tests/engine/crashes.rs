//! A machine that stops at any step of the store: whatever was under way is there as a whole or not at
//! all, and goes on when the file is opened again.

use std::path::PathBuf;
use std::time::Duration;

use hourglass_engine::simulation::{Faults, Step};
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;

use crate::support::Server;
use crate::support::command::{cancel_timer, complete, start_timer};

/// Steps that no transaction of these tests has as many of.
const MANY: u64 = 30;

/// Every step of a store at which it can stop.
fn steps() -> impl Iterator<Item = (Step, u64)> {
    let writes = (1..MANY).map(|nth| (Step::Write, nth));
    writes.chain([(Step::Commit, 1)])
}

struct Scene {
    _directory: tempfile::TempDir,
    path: PathBuf,
    faults: Faults,
    server: Server,
    run: WorkflowExecution,
}

impl Scene {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("orders.db");
        let faults = Faults::default();
        let server = Server::on_faulty_file(&path, &faults);
        let run = server.start("w").await;
        Self { _directory: directory, path, faults, server, run }
    }

    /// Open the file again, after a while.
    fn reopen(mut self, after: Duration) -> Self {
        self.server.clock.advance(after);
        self.server = self.server.reopen_healed(&self.path, &self.faults);
        self
    }

    async fn has(&self, wanted: temporalio_protos::temporal::api::enums::v1::EventType) -> bool {
        self.server.event_types(&self.run).await.contains(&wanted)
    }
}

#[tokio::test]
async fn b_74_a_crash_while_a_timer_is_recorded_never_parks_the_workflow_for_ever() {
    for (step, nth) in steps() {
        let scene = Scene::new().await;
        let task = scene.server.poll().await;
        scene.faults.crash(step, nth);
        let told = scene.server.complete(&task, [start_timer("t", 60)]).await;
        let scene = scene.reopen(Duration::from_hours(1));
        scene.server.settle().await;
        if scene.has(TimerStarted).await {
            assert!(scene.has(TimerFired).await, "the timer is lost: {step:?} {nth}");
        } else {
            told.expect_err("what is answered is on the disk");
            scene.server.step([complete("decided again")]).await;
        }
    }
}

#[tokio::test]
async fn b_75_a_crash_while_a_run_is_ended_leaves_it_ended_or_its_timers_alive() {
    for (step, nth) in steps() {
        let scene = Scene::new().await;
        scene.server.step([start_timer("t", 60), start_timer("u", 90)]).await;
        scene.faults.crash(step, nth);
        let told = scene.server.terminate(&scene.run).await;
        let scene = scene.reopen(Duration::from_hours(1));
        scene.server.settle().await;
        let (ended, fired) =
            (scene.has(WorkflowExecutionTerminated).await, scene.has(TimerFired).await);
        assert!(ended != fired, "ended: {ended}, fired: {fired} after {step:?} {nth}");
        assert!(ended || told.is_err(), "what is answered is on the disk");
    }
}

#[tokio::test]
async fn b_58_a_crash_while_a_timer_is_cancelled_leaves_it_cancelled_or_fired_and_never_both() {
    for (step, nth) in steps() {
        let scene = Scene::new().await;
        scene.server.step([start_timer("t", 60)]).await;
        scene.server.signal(&scene.run, "stop").await.unwrap();
        let task = scene.server.poll().await;
        scene.faults.crash(step, nth);
        let told = scene.server.complete(&task, [cancel_timer("t")]).await;
        let scene = scene.reopen(Duration::from_hours(1));
        scene.server.settle().await;
        let (cancelled, fired) = (scene.has(TimerCanceled).await, scene.has(TimerFired).await);
        assert!(cancelled != fired, "cancelled: {cancelled}, fired: {fired} at {step:?} {nth}");
        assert!(cancelled || told.is_err(), "what is answered is on the disk");
    }
}

#[tokio::test]
async fn b_76_a_crash_while_a_timer_fires_fires_it_once_after_the_restart() {
    for (step, nth) in steps() {
        let scene = Scene::new().await;
        scene.server.step([start_timer("t", 60)]).await;
        scene.faults.crash(step, nth);
        scene.server.advance_secs(60).await;
        let scene = scene.reopen(Duration::from_secs(5));
        scene.server.settle().await;
        let types = scene.server.event_types(&scene.run).await;
        let fired = types.iter().filter(|found| **found == TimerFired).count();
        assert_eq!(fired, 1, "{types:?} after {step:?} {nth}");
        scene.server.step([complete("done")]).await;
    }
}

#[tokio::test]
async fn b_72_timers_of_an_engine_that_closes_fire_in_the_one_that_opens_the_file_next() {
    let scene = Scene::new().await;
    scene.server.step([start_timer("t", 60)]).await;
    let first = scene.server.engine.clone();
    first.close();
    let scene = scene.reopen(Duration::from_mins(2));
    scene.server.settle().await;
    assert!(first.dispatch(describe_call()).await.is_err(), "the first records nothing any more");
    let types = scene.server.event_types(&scene.run).await;
    assert_eq!(types.iter().filter(|found| **found == TimerFired).count(), 1);
    scene.server.step([complete("woke up")]).await;
}

fn describe_call() -> hourglass_engine::Call {
    hourglass_engine::Call {
        service: "temporal.api.workflowservice.v1.WorkflowService".into(),
        method: "GetSystemInfo".into(),
        timeout: None,
        body: bytes::Bytes::new(),
    }
}
