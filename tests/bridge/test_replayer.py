"""The replayer: histories through core, without a service."""

from collections.abc import Iterator

import pytest

from hourglass._bridge import (
    BridgeError,
    CompleteWorkflowExecution,
    FireTimer,
    History,
    InitializeWorkflow,
    RemoveFromCache,
    Replayer,
    Runtime,
    ScheduleActivity,
    StartTimer,
    WorkflowCompletion,
)

NONDETERMINISM = 3

TIMER = """{"events": [
{"eventId": "1", "eventTime": "2026-01-01T00:00:00Z", "eventType": "WorkflowExecutionStarted",
 "workflowExecutionStartedEventAttributes": {"workflowType": {"name": "T"},
  "taskQueue": {"name": "q"}, "originalExecutionRunId": "run",
  "firstExecutionRunId": "run", "attempt": 1}},
{"eventId": "2", "eventTime": "2026-01-01T00:00:00Z", "eventType": "WorkflowTaskScheduled",
 "workflowTaskScheduledEventAttributes": {"taskQueue": {"name": "q"}, "attempt": 1}},
{"eventId": "3", "eventTime": "2026-01-01T00:00:00Z", "eventType": "WorkflowTaskStarted",
 "workflowTaskStartedEventAttributes": {"scheduledEventId": "2"}},
{"eventId": "4", "eventTime": "2026-01-01T00:00:00Z", "eventType": "WorkflowTaskCompleted",
 "workflowTaskCompletedEventAttributes": {"scheduledEventId": "2", "startedEventId": "3"}},
{"eventId": "5", "eventTime": "2026-01-01T00:00:00Z", "eventType": "TimerStarted",
 "timerStartedEventAttributes": {"timerId": "1", "startToFireTimeout": "1s",
  "workflowTaskCompletedEventId": "4"}},
{"eventId": "6", "eventTime": "2026-01-01T00:00:01Z", "eventType": "TimerFired",
 "timerFiredEventAttributes": {"timerId": "1", "startedEventId": "5"}},
{"eventId": "7", "eventTime": "2026-01-01T00:00:01Z", "eventType": "WorkflowTaskScheduled",
 "workflowTaskScheduledEventAttributes": {"taskQueue": {"name": "q"}, "attempt": 1}},
{"eventId": "8", "eventTime": "2026-01-01T00:00:01Z", "eventType": "WorkflowTaskStarted",
 "workflowTaskStartedEventAttributes": {"scheduledEventId": "7"}},
{"eventId": "9", "eventTime": "2026-01-01T00:00:01Z", "eventType": "WorkflowTaskCompleted",
 "workflowTaskCompletedEventAttributes": {"scheduledEventId": "7", "startedEventId": "8"}},
{"eventId": "10", "eventTime": "2026-01-01T00:00:01Z", "eventType": "WorkflowExecutionCompleted",
 "workflowExecutionCompletedEventAttributes": {"workflowTaskCompletedEventId": "9"}}
]}"""


@pytest.fixture
def replayer(runtime: Runtime) -> Iterator[Replayer]:
    replayer = Replayer(runtime, tag=5)
    yield replayer
    replayer.close_feeder()


def replay(replayer: Replayer, *, as_recorded: bool) -> RemoveFromCache:
    """Push the history, play a workflow with one timer against it, and give the eviction."""
    replayer.push_history(History.from_json("w", TIMER)).wait(30)
    while True:
        activation = replayer.poll_workflow_activation(30)
        assert activation is not None
        assert activation.tag == 5
        commands: list[StartTimer | ScheduleActivity | CompleteWorkflowExecution] = []
        for job in activation.jobs:
            if isinstance(job, RemoveFromCache):
                replayer.complete_workflow_activation(WorkflowCompletion(activation.run_id))
                return job
            if isinstance(job, InitializeWorkflow) and as_recorded:
                commands.append(StartTimer(1, 1))
            elif isinstance(job, InitializeWorkflow):
                commands.append(ScheduleActivity(1, "a", "t", "q", start_to_close_timeout=1))
            elif isinstance(job, FireTimer):
                commands.append(CompleteWorkflowExecution())
        replayer.complete_workflow_activation(WorkflowCompletion(activation.run_id, commands))


def test_a_history_replays_and_a_different_workflow_does_not(replayer: Replayer) -> None:
    assert replay(replayer, as_recorded=True).reason != NONDETERMINISM
    eviction = replay(replayer, as_recorded=False)
    assert eviction.reason == NONDETERMINISM
    assert "TMPRL1100" in eviction.message
    assert replay(replayer, as_recorded=True).reason != NONDETERMINISM


def test_b10_after_the_feeder_is_closed_a_push_fails_and_a_poll_means_success(
    replayer: Replayer,
) -> None:
    """B-10: both answer shutdown; for the poll it is the good end."""
    replay(replayer, as_recorded=True)
    replayer.close_feeder()
    with pytest.raises(BridgeError) as pushed:
        replayer.push_history(History.from_json("w", TIMER)).wait(30)
    assert pushed.value.kind == "shutdown"
    with pytest.raises(BridgeError) as polled:
        replayer.poll_workflow_activation(30)
    assert polled.value.kind == "shutdown"
    replayer.close().wait(30)
    replayer.close().wait(30)
