//! Runs to do wrong to, and one that has to go well.

use std::time::Duration;

use temporalio_protos::temporal::api::command::v1::Command;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::enums::v1::UpdateWorkflowExecutionLifecycleStage as Stage;
use temporalio_protos::temporal::api::query::v1::WorkflowQuery;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use super::play::Play;
use super::support::Server;
use super::support::command::{
    activity, child, complete, continue_as_new, schedule, start_child, start_timer,
};
use super::support::update::{accept, completion, request};
use super::support::values::{NAMESPACE, payloads, queue, secs};

/// Start a workflow on the tests' queue and take its first task.
fn start(play: &mut Play, id: &str) -> (WorkflowExecution, PollWorkflowTaskQueueResponse) {
    let response = play.ask(&Server::start_request(id)).unwrap();
    let task = play.ask(&Server::workflow_poll()).unwrap();
    (WorkflowExecution { workflow_id: id.to_owned(), run_id: response.run_id }, task)
}

fn step(play: &mut Play, task: &PollWorkflowTaskQueueResponse, commands: Vec<Command>) {
    play.ask(&Server::completion(task, commands)).unwrap();
}

/// Open runs with everything that can be pending, closed ones, and tasks that are out.
pub(crate) fn set_up(play: &mut Play) {
    let (_, task) = start(play, "ends");
    step(play, &task, vec![complete("done")]);
    let (_, task) = start(play, "goes on");
    step(play, &task, vec![continue_as_new()]);
    let next = play.ask(&Server::workflow_poll()).unwrap();
    step(play, &next, vec![start_timer("0", 60)]);

    let (waits, task) = start(play, "waits");
    let mut beating = activity("2");
    beating.heartbeat_timeout = secs(30);
    let commands = vec![
        start_timer("1", 3600),
        schedule(activity("1")),
        schedule(beating),
        schedule(activity("3")),
        start_child(child("child 1")),
        start_child(child("child 2")),
    ];
    step(play, &task, commands);
    let failing = play.ask(&Server::activity_poll()).unwrap();
    play.ask(&Server::activity_failure(&failing, "Broken")).unwrap();
    play.ask(&Server::activity_poll()).unwrap();
    let child = play.ask(&Server::child_poll()).unwrap();
    step(play, &child, vec![start_timer("1", 60)]);
    let told = play.ask(&Server::workflow_poll()).unwrap();
    play.park(&super::requests::sticky());
    play.ask(&Server::sticky_completion("sticky", &told, [])).unwrap();
    play.park(&request(&waits, "update 0", Stage::Completed));
    let asked = play.live.tasks.pop().unwrap();
    let accepted: Vec<_> = asked.messages.iter().map(accept).collect();
    let mut answer = completion(&asked, accepted, []);
    answer.sticky_attributes = Server::sticky_completion("sticky", &asked, []).sticky_attributes;
    play.ask(&answer).unwrap();
    play.park(&QueryWorkflowRequest {
        namespace: NAMESPACE.to_owned(),
        execution: Some(waits.clone()),
        query: Some(WorkflowQuery { query_type: "progress".to_owned(), ..Default::default() }),
        ..Default::default()
    });
    play.park(&super::requests::sticky());
    assert!(play.live.tasks.last().unwrap().query.is_some());
    let (taken, _) = start(play, "taken");
    play.park(&request(&taken, "update 1", Stage::Accepted));
    play.live.runs.extend([waits, taken]);
    play.advance(Duration::from_millis(10));
    for run in play.live.runs.clone() {
        play.live.remember(run.workflow_id.into_bytes());
    }
}

/// An ordinary workflow with an activity, on a queue of its own, from start to end.
pub(crate) fn serve(play: &mut Play, id: &str) {
    let mut start = Server::start_request(id);
    start.task_queue = queue(id);
    let run_id = play.ask(&start).unwrap().run_id;
    let poll = PollWorkflowTaskQueueRequest {
        task_queue: queue(id),
        worker_instance_key: id.to_owned(), // the other worker may have been shut down
        ..Server::workflow_poll()
    };
    let task = play.ask(&poll).unwrap();
    let mut scheduled = activity("hash");
    scheduled.task_queue = queue(id);
    step(play, &task, vec![schedule(scheduled)]);
    let work = PollActivityTaskQueueRequest {
        task_queue: queue(id),
        worker_instance_key: id.to_owned(),
        ..Server::activity_poll()
    };
    let work = play.ask(&work).unwrap();
    let done = RespondActivityTaskCompletedRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: work.task_token,
        result: payloads("done"),
        ..Default::default()
    };
    play.ask(&done).unwrap();
    let task = play.ask(&poll).unwrap();
    step(play, &task, vec![complete("done")]);
    let run = WorkflowExecution { workflow_id: id.to_owned(), run_id };
    let page = play.ask(&Server::history_request(&run)).unwrap();
    let types: Vec<_> =
        page.history.unwrap().events.iter().map(|event| event.event_type()).collect();
    let expected = [
        WorkflowExecutionStarted,
        WorkflowTaskScheduled,
        WorkflowTaskStarted,
        WorkflowTaskCompleted,
        ActivityTaskScheduled,
        ActivityTaskStarted,
        ActivityTaskCompleted,
        WorkflowTaskScheduled,
        WorkflowTaskStarted,
        WorkflowTaskCompleted,
        WorkflowExecutionCompleted,
    ];
    assert_eq!(types, expected);
}
