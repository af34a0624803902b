"""Workers, driven by hand: what core delivers, and what becomes of the answers."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hourglass._bridge import (
    ActivityCompletion,
    ActivityTask,
    BridgeError,
    CancelWorkflow,
    Client,
    CompleteWorkflowExecution,
    CompletionRejected,
    FireTimer,
    Inbox,
    InitializeWorkflow,
    Payload,
    PollingEnded,
    ResolveActivity,
    Runtime,
    ScheduleActivity,
    SignalWorkflow,
    StartTimer,
    Worker,
    WorkflowActivation,
    WorkflowCompletion,
)
from tests.bridge.conftest import connect
from tests.support import unique

ONE = Payload(metadata={"encoding": b"json/plain"}, data=b"1")
NewWorker = Callable[..., Worker]


@pytest.fixture
def new_worker(runtime: Runtime, native: Client) -> Iterator[NewWorker]:
    """Make workers on a queue of their own; they are shut down in the end."""
    made: list[Worker] = []

    def new_worker(**options: Any) -> Worker:
        worker = Worker(runtime, native, **({"task_queue": unique("queue")} | options))
        made.append(worker)
        return worker

    yield new_worker
    for worker in made:
        worker.initiate_shutdown()


def start(client: Client, worker: Worker, **more: Any) -> str:
    workflow_id = unique("run")
    request = {
        "workflow_id": workflow_id,
        "workflow_type": {"name": "T"},
        "task_queue": {"name": worker.task_queue},
        "input": {"payloads": [ONE]},
    }
    client.start_workflow(request | more).wait(30)
    return workflow_id


def activation(worker: Worker) -> WorkflowActivation:
    """Give the next activation that is not an eviction; evictions are answered."""
    while True:
        found = worker.poll_workflow_activation(30)
        assert found is not None
        if not found.only_eviction():
            return found
        worker.complete_workflow_activation(WorkflowCompletion(found.run_id))


def evict_and_finalize(worker: Worker) -> None:
    worker.finalize_shutdown().wait(30)


def test_a_run_goes_from_start_to_end(native: Client, new_worker: NewWorker) -> None:
    worker = new_worker(tag=7)
    workflow_id = start(native, worker)
    first = activation(worker)
    assert first.tag == 7
    assert not first.is_replaying
    (job,) = first.jobs
    assert isinstance(job, InitializeWorkflow)
    assert (job.workflow_id, job.workflow_type, job.arguments) == (workflow_id, "T", [ONE])
    assert job.attempt == 1
    assert worker.slots() == {
        "workflow_tasks_in_use": 1,
        "activities_in_use": 0,
        "cached_workflows": 1,
    }
    schedule = ScheduleActivity(
        1, "a1", "act", worker.task_queue, [ONE], start_to_close_timeout=30, heartbeat_timeout=20
    )
    worker.complete_workflow_activation(
        WorkflowCompletion(first.run_id, [StartTimer(1, 0.05), schedule])
    )
    task = worker.poll_activity_task(30)
    assert isinstance(task, ActivityTask)
    assert (task.variant, task.activity_type, task.input, task.tag) == ("start", "act", [ONE], 7)
    assert (task.workflow_id, task.workflow_run_id) == (workflow_id, first.run_id)
    worker.record_activity_heartbeat(task.task_token, [ONE])
    done = ActivityCompletion.completed(task.task_token, ONE)
    worker.complete_activity_task_confirmed(done).wait(30)
    jobs: list[Any] = []
    while len(jobs) < 2:
        following = activation(worker)
        assert following.run_id == first.run_id
        jobs += following.jobs
        commands = [CompleteWorkflowExecution(ONE)] if len(jobs) == 2 else []
        completion = WorkflowCompletion(first.run_id, commands)
        worker.complete_workflow_activation_confirmed(completion).wait(30)
    assert {type(job) for job in jobs} == {FireTimer, ResolveActivity}
    end = native.await_workflow(workflow_id).wait(30)["event"]
    assert end["workflow_execution_completed_event_attributes"]["result"] == {"payloads": [ONE]}
    evict_and_finalize(worker)
    assert worker.drained()


def test_signals_and_cancels_arrive_as_jobs(native: Client, new_worker: NewWorker) -> None:
    worker = new_worker(activities=False)
    workflow_id = start(native, worker)
    first = activation(worker)
    worker.complete_workflow_activation(WorkflowCompletion(first.run_id))
    execution = {"workflow_id": workflow_id}
    signal = {"workflow_execution": execution, "signal_name": "s", "input": {"payloads": [ONE]}}
    native.signal_workflow(signal).wait(30)
    (job,) = activation(worker).jobs
    assert isinstance(job, SignalWorkflow)
    assert (job.signal_name, job.input) == ("s", [ONE])
    worker.complete_workflow_activation(WorkflowCompletion(first.run_id))
    native.cancel_workflow({"workflow_execution": execution, "reason": "enough"}).wait(30)
    (cancel,) = activation(worker).jobs
    assert isinstance(cancel, CancelWorkflow)
    completion = WorkflowCompletion(first.run_id, [CompleteWorkflowExecution()])
    worker.complete_workflow_activation(completion)
    native.await_workflow(workflow_id).wait(30)
    evict_and_finalize(worker)


def test_b24_a_shutdown_ends_both_polls_and_says_so(new_worker: NewWorker) -> None:
    """B-24: parked polls return by the shutdown error, each once."""
    inbox = Inbox()
    worker = new_worker(workflow_inbox=inbox, activity_inbox=inbox, tag=3)
    worker.validate().wait(30)
    worker.initiate_shutdown()
    ended: list[PollingEnded] = []
    while len(ended) < 2:
        ended += inbox.take(timeout=30)
    assert sorted((end.tag, end.poll, end.error) for end in ended) == [
        (3, "activity", None),
        (3, "workflow", None),
    ]
    worker.finalize_shutdown().wait(30)
    worker.finalize_shutdown().wait(30)
    assert inbox.take(timeout=0) == []


def test_a_finalized_worker_refuses_politely(new_worker: NewWorker) -> None:
    worker = new_worker()
    worker.finalize_shutdown().wait(30)
    uses: list[Callable[[], object]] = [
        lambda: worker.poll_workflow_activation(10),
        lambda: worker.poll_activity_task(10),
        lambda: worker.complete_workflow_activation(WorkflowCompletion("run")),
        lambda: worker.record_activity_heartbeat(b"token", []),
    ]
    for use in uses:
        with pytest.raises(BridgeError) as raised:
            use()
        assert raised.value.kind == "shutdown"
    worker.initiate_shutdown()


def test_finalizing_waits_for_what_was_delivered(native: Client, new_worker: NewWorker) -> None:
    worker = new_worker(activities=False)
    start(native, worker)
    first = activation(worker)
    worker.initiate_shutdown()
    finalizing = worker.finalize_shutdown()
    with pytest.raises(BridgeError) as raised:
        finalizing.wait(0.2)
    assert raised.value.kind == "timeout"
    assert not worker.drained()
    worker.complete_workflow_activation(
        WorkflowCompletion(first.run_id, [CompleteWorkflowExecution()])
    )
    finalizing.wait(30)
    assert worker.drained()


def test_an_unknown_namespace_fails_validation_and_ends_the_polls(
    runtime: Runtime, target: str
) -> None:
    name = unique("nowhere")
    worker = Worker(runtime, connect(runtime, target, name), task_queue="q")
    with pytest.raises(BridgeError, match=name) as raised:
        worker.validate().wait(30)
    assert raised.value.kind == "validation"
    (ended,) = worker.workflow_inbox.take(timeout=30)
    assert ended.error.kind == "validation"
    worker.finalize_shutdown().wait(30)


def test_a_dropped_worker_ends_by_itself(runtime: Runtime, embedded_native: Client) -> None:
    inbox = Inbox()
    worker = Worker(
        runtime, embedded_native, task_queue="q", workflow_inbox=inbox, activity_inbox=inbox
    )
    del worker
    ended = inbox.take(timeout=30)
    while len(ended) < 2:
        ended += inbox.take(timeout=30)
    assert {end.poll for end in ended} == {"workflow", "activity"}


@pytest.mark.parametrize(
    ("options", "culprit"),
    [
        ({"task_queue": ""}, "task_queue"),
        ({"task_queue": "q", "workflows": False, "activities": False}, "workflows, activities"),
        (
            {"task_queue": "q", "max_outstanding_workflow_tasks": 1},
            "max_outstanding_workflow_tasks",
        ),
        ({"task_queue": "q", "max_outstanding_activities": 0}, "max_outstanding_activities"),
        ({"task_queue": "q", "graceful_shutdown_timeout": -1.0}, "graceful_shutdown_timeout"),
        ({"task_queue": "q", "max_activities_per_second": 0.0}, "activities_per_second"),
    ],
)
def test_options_that_cannot_be_meant_are_refused_by_name(
    runtime: Runtime, embedded_native: Client, options: dict[str, Any], culprit: str
) -> None:
    with pytest.raises(BridgeError, match=culprit) as raised:
        Worker(runtime, embedded_native, **options)
    assert raised.value.kind == "bad_argument"


def test_b31a_an_unknown_option_is_refused_by_name(
    runtime: Runtime, embedded_native: Client
) -> None:
    """B-31a: a typo is never dropped."""
    with pytest.raises(TypeError, match="max_cashed_workflows"):
        Worker(runtime, embedded_native, task_queue="q", max_cashed_workflows=1)  # type: ignore[call-arg]


def test_a_malformed_completion_comes_back(native: Client, new_worker: NewWorker) -> None:
    """Two ends in one completion: core refuses, the inbox says so, or the run is evicted."""
    inbox = Inbox()
    worker = new_worker(workflow_inbox=inbox, activities=False)
    worker.complete_activity_task(ActivityCompletion.will_complete_async(b"no-such-token"))
    (rejected,) = worker.activity_inbox.take(timeout=30)
    assert isinstance(rejected, CompletionRejected)
    assert rejected.task_token == b"no-such-token"
    assert rejected.error.kind == "completion"
