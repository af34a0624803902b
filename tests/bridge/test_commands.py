"""Commands, jobs and the values inside them."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from hourglass import _bridge
from hourglass._bridge import (
    ActivityTask,
    BridgeError,
    CancelTimer,
    CompleteWorkflowExecution,
    ContinueAsNewWorkflowExecution,
    DoUpdate,
    FailWorkflowExecution,
    FireTimer,
    InitializeWorkflow,
    OtherCommand,
    OtherJob,
    Payload,
    RemoveFromCache,
    ResolveActivity,
    RespondToQuery,
    ScheduleActivity,
    StartTimer,
    WorkflowActivation,
    WorkflowCompletion,
)

ONE = Payload(metadata={"encoding": b"json/plain"}, data=b"1")


@pytest.mark.parametrize(
    "command",
    [
        StartTimer(1, 2.5),
        CancelTimer(1),
        ScheduleActivity(1, "a", "t", "q", [ONE], start_to_close_timeout=3, heartbeat_timeout=1.5),
        RespondToQuery("q", response=ONE),
        RespondToQuery("q", failure={"message": "no"}),
        CompleteWorkflowExecution(ONE),
        FailWorkflowExecution({"message": "no", "application_failure_info": {"type": "X"}}),
        ContinueAsNewWorkflowExecution({"workflow_type": "T", "arguments": [ONE]}),
        OtherCommand("cancel_child_workflow_execution", {"child_workflow_seq": 3}),
    ],
)
def test_every_command_travels_in_a_completion(command: Any) -> None:
    completion = WorkflowCompletion("run", [command])
    assert completion.commands == [command]
    assert completion.failure is None
    assert len(completion.SerializeToString()) > len(WorkflowCompletion("run").SerializeToString())
    assert repr(command).startswith(type(command).__name__ + "(")


def test_commands_are_equal_by_value() -> None:
    assert StartTimer(1, 2.5) == StartTimer(1, timedelta(milliseconds=2500))
    assert StartTimer(1, 2.5) != StartTimer(2, 2.5)
    other: object = CancelTimer(1)
    assert StartTimer(1, 2.5) != other


def test_evaluating_twice_gives_the_same_bytes() -> None:
    command = ScheduleActivity(1, "a", "t", "q", [ONE], retry_policy={"maximum_attempts": 3})
    first, second = (WorkflowCompletion("run", [command, StartTimer(1, 1)]) for _ in range(2))
    assert first.SerializeToString() == second.SerializeToString()


def test_what_is_no_command_is_refused_by_its_place() -> None:
    with pytest.raises(BridgeError, match=r"commands\.1: int is not a command"):
        WorkflowCompletion("run", [StartTimer(1, 1), 2])  # type: ignore[list-item]


def test_a_failed_task_says_why() -> None:
    completion = WorkflowCompletion.failed("run", {"message": "broken"}, cause=1)
    assert completion.failure == {"message": "broken"}
    assert completion.commands == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"mesage": "x"}, r"Failure\.mesage: unknown field"),
        ({"message": 3}, r"Failure\.message: expected a str, got int"),
        ({"cause": {"message": 3}}, r"Failure\.cause\.message: expected a str"),
        ({"encoded_attributes": b"x"}, r"Failure\.encoded_attributes: expected Payload"),
        (
            {"application_failure_info": {"details": {"payloads": [ONE, 1]}}},
            r"Failure\.application_failure_info\.details\.payloads\.1: expected Payload",
        ),
        (
            {"timeout_failure_info": {}, "server_failure_info": {}},
            r"Failure\.server_failure_info: can't be set together with timeout_failure_info",
        ),
        ({"timeout_failure_info": {"timeout_type": "SOON"}}, "SOON is not a"),
    ],
)
def test_a_message_that_does_not_fit_is_refused_by_its_path(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(BridgeError, match=message) as raised:
        FailWorkflowExecution(fields)
    assert raised.value.kind == "bad_argument"


def test_an_enum_is_taken_by_number_and_by_name() -> None:
    def timeout(value: object) -> Any:
        return FailWorkflowExecution({"timeout_failure_info": {"timeout_type": value}})

    assert timeout(1) == timeout("TIMEOUT_TYPE_START_TO_CLOSE") == timeout("StartToClose")


def test_numbers_out_of_range_and_bools_for_numbers_are_refused() -> None:
    for bad in (1 << 40, -(1 << 40), True, 1.5):
        with pytest.raises(BridgeError, match=r"RetryPolicy\.maximum_attempts"):
            ScheduleActivity(1, "a", "t", "q", retry_policy={"maximum_attempts": bad})


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), 1e300, "1s", True])
def test_a_duration_that_is_none_is_refused(seconds: Any) -> None:
    with pytest.raises(BridgeError, match="start_to_fire_timeout"):
        StartTimer(1, seconds)


def test_durations_keep_their_microseconds() -> None:
    for delta in (timedelta(microseconds=1), timedelta(days=400, microseconds=3), timedelta(0)):
        assert StartTimer(1, delta).start_to_fire_timeout == delta


def test_instants_are_aware_and_keep_their_microseconds() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
    assert ActivityTask(scheduled_time=at).scheduled_time == at
    early = datetime(1960, 1, 1, 0, 0, 0, 1, tzinfo=timezone.utc)
    assert ActivityTask(scheduled_time=early).scheduled_time == early
    with pytest.raises(BridgeError, match="aware"):
        ActivityTask(scheduled_time=at.replace(tzinfo=None))


def test_jobs_are_made_from_keywords_and_equal_by_value() -> None:
    job = InitializeWorkflow(workflow_type="T", arguments=[ONE], info={"cron_schedule": "@daily"})
    assert job.workflow_type == "T"
    assert job.arguments == [ONE]
    assert job.info == {"cron_schedule": "@daily"}
    assert FireTimer(seq=1) == FireTimer(seq=1) != FireTimer(seq=2)
    assert DoUpdate(identity="me").identity == "me"
    with pytest.raises(BridgeError, match=r"FireTimer\.sek: unknown field"):
        FireTimer(sek=1)


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "backoff"])
def test_an_activity_resolves_in_four_ways(status: Any) -> None:
    job = ResolveActivity(seq=4, status=status, result=ONE, failure={"message": "m"}, backoff={})
    assert job.status == status
    assert job.result == (ONE if status == "completed" else None)
    assert job.failure == ({"message": "m"} if status in {"failed", "cancelled"} else None)
    assert job.backoff == ({} if status == "backoff" else None)


def test_other_jobs_and_commands_go_by_the_name_of_their_field() -> None:
    job = OtherJob(variant="resolve_signal_external_workflow", fields={"seq": 2})
    assert (job.variant, job.fields) == ("resolve_signal_external_workflow", {"seq": 2})
    with pytest.raises(BridgeError, match="variant"):
        OtherJob(variant="surprise")
    for name in ("surprise", "user_metadata"):
        with pytest.raises(BridgeError, match="variant"):
            OtherCommand(name, {})


def test_an_activation_knows_its_time_and_whether_it_is_an_eviction() -> None:
    activation = WorkflowActivation(run_id="r", timestamp=1.5, jobs=[FireTimer(seq=1)])
    assert activation.timestamp_ns == 1_500_000_000
    assert WorkflowActivation(timestamp_ns=2_000_000_001).timestamp == pytest.approx(2.000000001)
    assert not activation.only_eviction()
    assert WorkflowActivation(jobs=[RemoveFromCache()]).only_eviction()
    with pytest.raises(BridgeError, match="surprise"):
        WorkflowActivation(surprise=1)


def test_an_activity_task_starts_or_cancels() -> None:
    task = ActivityTask(task_token=b"t", activity_type="T", workflow_id="w", headers={"h": ONE})
    assert (task.variant, task.workflow_id, task.headers) == ("start", "w", {"h": ONE})
    assert task.heartbeat_timeout is None
    cancel = ActivityTask(
        variant="cancel", cancel_reason="TIMED_OUT", cancel_details={"is_timed_out": True}
    )
    assert (cancel.variant, cancel.cancel_reason) == ("cancel", "TIMED_OUT")
    assert cancel.cancel_details == {"is_timed_out": True}


def test_classes_cannot_be_changed() -> None:
    timer = StartTimer(1, 1)
    with pytest.raises(AttributeError):
        timer.seq = 2  # type: ignore[misc]
    assert _bridge.StartTimer.__module__ == "hourglass._bridge"
