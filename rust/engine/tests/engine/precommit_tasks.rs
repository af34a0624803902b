//! Workflow tasks that are with a worker before the transaction that scheduled them is on the disk.

use hourglass_engine::Code;
use hourglass_engine::simulation::{Fault, Step};
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{activity, complete, schedule};
use crate::support::manual::{Pending, Scene};
use crate::support::values::{NAMESPACE, payloads};

/// Longer than the engine waits before it tries a store again that failed.
const LATER: u64 = 2;

impl Scene {
    /// Handle what was sent, and leave the commit for later.
    fn handle(&mut self) {
        self.engine.turn(true);
        assert!(self.engine.is_uncommitted(), "a worker has a task of the transaction");
    }

    fn commit(&mut self) {
        self.engine.turn(false);
    }

    /// A workflow whose first task is with a worker, and whose start is not on the disk.
    fn begun(&mut self) -> (Pending<StartWorkflowExecutionRequest>, PollWorkflowTaskQueueResponse) {
        let mut poll = self.send(&Server::workflow_poll());
        let start = self.send(&Server::start_request("w"));
        self.handle();
        (start, poll.take().expect("the worker has it").unwrap())
    }

    fn completion(
        &self,
        task: &PollWorkflowTaskQueueResponse,
        name: &str,
    ) -> Pending<RespondWorkflowTaskCompletedRequest> {
        self.send(&Server::sticky_completion("mine", task, [schedule(activity(name))]))
    }

    fn confirm(
        &self,
        task: &PollWorkflowTaskQueueResponse,
        worker: &str,
    ) -> Pending<DescribeNamespaceRequest> {
        let run_id = task.workflow_execution.clone().unwrap().run_id;
        self.call(
            "hourglass.Engine",
            "ConfirmWorkflowTask",
            format!("{run_id} {worker}").into_bytes(),
        )
    }
}

#[test]
fn one_commit_carries_a_start_and_what_its_first_task_orders() {
    let mut scene = Scene::new();
    let before = scene.faults.commits();
    let mut activities = scene.send(&Server::activity_poll());
    let (mut start, task) = scene.begun();
    assert!(start.is_waiting(), "the start is not on the disk");
    let mut completed = scene.completion(&task, "a");
    scene.commit();
    start.take().unwrap().unwrap();
    completed.take().unwrap().unwrap();
    assert!(!activities.take().unwrap().unwrap().task_token.is_empty());
    assert_eq!(scene.faults.commits() - before, 1);
}

#[test]
fn a_step_of_a_cached_workflow_is_one_commit() {
    let mut scene = Scene::new();
    let mut activities = scene.send(&Server::activity_poll());
    let (_start, task) = scene.begun();
    let _completed = scene.completion(&task, "a");
    scene.commit();
    let before = scene.faults.commits();
    let first = activities.take().unwrap().unwrap();
    let mut tasks = scene.send(&Server::sticky_poll("mine"));
    let mut activities = scene.send(&Server::activity_poll());
    let mut told = scene.send(&RespondActivityTaskCompletedRequest {
        task_token: first.task_token,
        result: payloads("done"),
        namespace: NAMESPACE.to_owned(),
        ..Default::default()
    });
    scene.handle();
    let task = tasks.take().unwrap().unwrap();
    assert!(told.is_waiting(), "the result is not on the disk");
    let _completed = scene.completion(&task, "b");
    scene.commit();
    told.take().unwrap().unwrap();
    assert_eq!(activities.take().unwrap().unwrap().activity_id, "b");
    assert_eq!(scene.faults.commits() - before, 1);
}

#[test]
fn an_activity_waits_for_the_commit_while_others_have_their_workflow_tasks() {
    let mut scene = Scene::new();
    let mut activities = scene.send(&Server::activity_poll());
    let (_start, task) = scene.begun();
    let mut other = scene.send(&Server::workflow_poll());
    let _second = scene.send(&Server::start_request("other"));
    let mut completed = scene.completion(&task, "a");
    scene.handle();
    other.take().unwrap().unwrap();
    assert!(completed.is_waiting());
    assert!(activities.is_waiting(), "nothing that reaches the world is early");
    scene.commit();
    completed.take().unwrap().unwrap();
    activities.take().unwrap().unwrap();
}

#[test]
fn what_was_handed_out_from_a_failed_transaction_is_withdrawn() {
    let mut scene = Scene::new();
    let (mut start, task) = scene.begun();
    scene.faults.fail(Step::Commit, 1, Fault::Full);
    scene.commit();
    assert_eq!(start.take().unwrap().unwrap_err().code, Code::ResourceExhausted);
    let mut completed = scene.completion(&task, "a");
    scene.commit();
    assert_eq!(completed.take().unwrap().unwrap_err().code, Code::NotFound);
}

#[test]
fn a_cached_workflow_gets_its_whole_history_after_a_failed_transaction() {
    let mut scene = Scene::new();
    let (_start, task) = scene.begun();
    let completion = Server::sticky_completion("mine", &task, []);
    let _completed = scene.send(&completion);
    scene.commit();
    let mut tasks = scene.send(&Server::sticky_poll("mine"));
    let run = task.workflow_execution.clone().unwrap();
    let mut signal = scene.send(&Server::signal_request(&run, "s"));
    scene.handle();
    let withdrawn = tasks.take().unwrap().unwrap();
    assert_eq!(withdrawn.history.as_ref().unwrap().events[0].event_id, 4, "what is new to it");
    scene.faults.fail(Step::Commit, 1, Fault::Io);
    scene.commit();
    signal.take().unwrap().unwrap_err();
    scene.clock.advance(std::time::Duration::from_secs(LATER));
    let mut signal = scene.send(&Server::signal_request(&run, "s"));
    let mut completed = scene.send(&Server::completion(&withdrawn, [complete("too late")]));
    let mut tasks = scene.send(&Server::workflow_poll());
    scene.commit();
    signal.take().unwrap().unwrap();
    assert_eq!(completed.take().unwrap().unwrap_err().code, Code::NotFound);
    let again = tasks.take().unwrap().unwrap();
    assert_eq!(again.history.as_ref().unwrap().events[0].event_id, 1, "everything");
    let mut completed = scene.send(&Server::completion(&again, [complete("done")]));
    scene.commit();
    completed.take().unwrap().unwrap();
}

#[test]
fn a_workflow_task_is_confirmed_once_it_is_on_the_disk() {
    let mut scene = Scene::new();
    let (_start, task) = scene.begun();
    let mut confirmed = scene.confirm(&task, "instance");
    scene.engine.turn(true);
    assert!(!scene.engine.is_uncommitted(), "the worker waits for the commit");
    confirmed.take().unwrap().unwrap();
}

#[test]
fn a_workflow_task_that_was_withdrawn_is_not_confirmed() {
    let mut scene = Scene::new();
    let (_start, task) = scene.begun();
    scene.faults.fail(Step::Commit, 1, Fault::Io);
    let mut confirmed = scene.confirm(&task, "instance");
    scene.commit();
    assert_eq!(confirmed.take().unwrap().unwrap_err().code, Code::Unavailable, "ask again");
    let mut confirmed = scene.confirm(&task, "instance");
    scene.commit();
    assert_eq!(confirmed.take().unwrap().unwrap_err().code, Code::NotFound);
}

#[test]
fn a_withdrawn_task_is_not_confirmed_by_another_one_of_its_run() {
    let mut scene = Scene::new();
    let (_start, task) = scene.begun();
    let _completed = scene.send(&Server::sticky_completion("mine", &task, []));
    scene.commit();
    let run = task.workflow_execution.clone().unwrap();
    let mut tasks = scene.send(&Server::sticky_poll("mine"));
    let _lost = scene.send(&Server::signal_request(&run, "lost"));
    scene.handle();
    let withdrawn = tasks.take().unwrap().unwrap();
    scene.faults.fail(Step::Commit, 1, Fault::Io);
    scene.commit();
    let mut tasks = scene.send(&Server::workflow_poll());
    let _signal = scene.send(&Server::signal_request(&run, "kept"));
    scene.commit();
    let task = tasks.take().unwrap().unwrap();
    let mut confirmed = scene.confirm(&withdrawn, "instance");
    scene.commit();
    assert_eq!(confirmed.take().unwrap().unwrap_err().code, Code::NotFound, "the worker is at it");
    let mut completed = scene.send(&Server::completion(&withdrawn, []));
    let mut confirmed = scene.confirm(&task, "instance");
    scene.commit();
    assert_eq!(completed.take().unwrap().unwrap_err().code, Code::NotFound);
    confirmed.take().unwrap().unwrap();
}

#[test]
fn a_task_that_another_worker_did_not_take_is_confirmed_to_the_one_that_did() {
    let mut scene = Scene::new();
    let of = |worker: &str| PollWorkflowTaskQueueRequest {
        worker_instance_key: worker.to_owned(),
        ..Server::workflow_poll()
    };
    let untaken = scene.send(&of("first"));
    let mut start = scene.send(&Server::start_request("w"));
    scene.commit();
    start.take().unwrap().unwrap();
    drop(untaken);
    let mut second = scene.send(&of("second"));
    scene.commit();
    let task = second.take().unwrap().unwrap();
    let (mut first, mut second) = (scene.confirm(&task, "first"), scene.confirm(&task, "second"));
    scene.commit();
    assert_eq!(first.take().unwrap().unwrap_err().code, Code::NotFound);
    second.take().unwrap().unwrap();
}
