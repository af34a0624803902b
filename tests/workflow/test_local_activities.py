"""Local activities: what is asked of core, and the retries that core hands back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass._bridge import OtherCommand, ResolveActivity, StartTimer
from hourglass.common import RetryPolicy
from hourglass.exceptions import ActivityError
from hourglass.workflow import ActivityCancellationType
from tests.workflow.harness import (
    Run,
    cancel,
    cancelled,
    completed,
    failed,
    fire,
    names,
    payload,
    result_of,
    value,
)

TEN = timedelta(seconds=10)
LATER = datetime(2030, 1, 1, tzinfo=timezone.utc)


@activity.defn
async def price(item: str) -> float:
    return len(item)


class Shop:
    @activity.defn
    def charge(self, amount: int) -> bool:
        return amount > 0


@activity.defn
class Pack:
    async def __call__(self, item: str) -> str:
        return item


def variants(completion: Any) -> list[str]:
    assert completion.failure is None, completion.failure
    return [
        command.variant if isinstance(command, OtherCommand) else type(command).__name__
        for command in completion.commands
    ]


def fields_of(command: Any) -> dict[str, Any]:
    assert isinstance(command, OtherCommand)
    return dict(command.fields)


def backoff(seq: int, attempt: int = 6, seconds: float = 90) -> ResolveActivity:
    return ResolveActivity(
        seq=seq,
        status="backoff",
        is_local=True,
        backoff={
            "attempt": attempt,
            "backoff_duration": timedelta(seconds=seconds),
            "original_schedule_time": LATER,
        },
    )


@workflow.defn
class Calls:
    @workflow.run
    async def run(self) -> list[Any]:
        found: list[Any] = [
            await workflow.execute_local_activity(price, "lamp", start_to_close_timeout=TEN)
        ]
        found.append(
            await workflow.execute_local_activity_method(
                Shop.charge, 3, schedule_to_close_timeout=TEN
            )
        )
        found.append(
            await workflow.execute_local_activity_class(Pack, "x", start_to_close_timeout=TEN)
        )
        found.append(
            await workflow.execute_local_activity(
                "name", args=[1, 2], result_type=int, start_to_close_timeout=TEN
            )
        )
        return found


def test_functions_methods_classes_and_names_are_called() -> None:
    run = Run(Calls)
    [first] = run.start().commands
    assert fields_of(first) == {
        "seq": 1,
        "activity_id": "1",
        "activity_type": "price",
        "arguments": [payload("lamp")],
        "start_to_close_timeout": TEN,
    }
    assert fields_of(run.send(completed(1, 4.5)).commands[0])["activity_type"] == "charge"
    assert fields_of(run.send(completed(2, True)).commands[0])["activity_type"] == "Pack"
    last = fields_of(run.send(completed(3, "y")).commands[0])
    assert last["arguments"] == [payload(1), payload(2)]
    assert result_of(run.send(completed(4, 9))) == [4.5, True, "y", 9]


@workflow.defn
class AllOptions:
    @workflow.run
    async def run(self) -> None:
        second = timedelta(seconds=1)
        workflow.start_local_activity(
            "a",
            schedule_to_close_timeout=4 * second,
            schedule_to_start_timeout=3 * second,
            start_to_close_timeout=2 * second,
            local_retry_threshold=second,
            retry_policy=RetryPolicy(maximum_attempts=3),
            cancellation_type=ActivityCancellationType.ABANDON,
            activity_id="mine",
            summary="short",
        )


def test_every_option_arrives() -> None:
    [command, *_] = Run(AllOptions).start().commands
    fields = fields_of(command)
    assert [fields[name].total_seconds() for name in fields if name.endswith("timeout")] == [
        4,
        3,
        2,
    ]
    assert fields["local_retry_threshold"] == timedelta(seconds=1)
    assert fields["retry_policy"]["maximum_attempts"] == 3
    assert (fields["cancellation_type"], fields["activity_id"]) == (2, "mine")
    assert isinstance(command, OtherCommand)
    assert value(command.summary) == "short"


@workflow.defn
class One:
    @workflow.run
    async def run(self) -> list[Any]:
        try:
            return [
                await workflow.execute_local_activity(
                    "a", 1, result_type=str, start_to_close_timeout=TEN
                )
            ]
        except ActivityError as error:
            return [error.activity_id, type(error.cause).__name__]


def test_s16_a_backoff_becomes_a_durable_timer_and_a_retry() -> None:
    run = Run(One)
    [first] = run.start().commands
    [timer] = run.send(backoff(1)).commands
    assert isinstance(timer, StartTimer)
    assert timer.start_to_fire_timeout == timedelta(seconds=90)
    [again] = run.send(fire(1)).commands
    assert fields_of(again) == {
        **fields_of(first),
        "seq": 2,
        "attempt": 6,
        "original_schedule_time": LATER,
    }
    [timer] = run.send(backoff(2, 7, 180)).commands
    assert isinstance(timer, StartTimer)
    [third] = run.send(fire(2)).commands
    assert (fields_of(third)["seq"], fields_of(third)["attempt"]) == (3, 7)
    assert result_of(run.send(completed(3, "at last"))) == ["at last"]


def test_s16_two_replays_of_a_backoff_are_the_same_to_the_byte() -> None:
    def story() -> list[bytes]:
        run = Run(One)
        steps = [run.start(), run.send(backoff(1)), run.send(fire(1)), run.send(completed(2, "x"))]
        return [step.SerializeToString() for step in steps]

    assert story() == story()


def test_a_failure_is_an_activity_error_with_its_cause() -> None:
    run = Run(One)
    run.start()
    assert result_of(run.send(failed(1))) == ["1", "ApplicationError"]


def test_cancelling_asks_for_the_local_activity() -> None:
    run = Run(One)
    run.start()
    asked = run.send(cancel())
    assert variants(asked) == ["request_cancel_local_activity"]
    assert result_of(run.send(cancelled(1))) == ["1", "CancelledError"]


def test_cancelling_between_two_attempts_ends_it_at_once() -> None:
    run = Run(One)
    run.start()
    run.send(backoff(1))
    ended = run.send(cancel())
    assert variants(ended) == ["CancelTimer", "CompleteWorkflowExecution"]
    assert result_of(ended) == ["1", "CancelledError"]


def test_cancelling_as_the_wait_for_an_attempt_is_over_ends_it_at_once() -> None:
    @workflow.defn
    class Limited:
        @workflow.run
        async def run(self) -> str:
            handle = workflow.start_local_activity("a", start_to_close_timeout=TEN)
            await workflow.sleep(TEN)
            handle.cancel()
            try:
                await handle
            except ActivityError as error:
                return type(error.cause).__name__
            return ""

    run = Run(Limited)
    run.start()
    run.send(backoff(1))
    ended = run.send(fire(1), fire(2))
    assert variants(ended) == ["CompleteWorkflowExecution"]
    assert result_of(ended) == "CancelledError"


def test_what_was_cancelled_is_not_tried_again() -> None:
    run = Run(One)
    run.start()
    run.send(cancel())
    assert result_of(run.send(backoff(1))) == ["1", "CancelledError"]


def test_local_and_other_activities_do_not_share_numbers() -> None:
    @workflow.defn
    class Both:
        @workflow.run
        async def run(self) -> list[Any]:
            handles: list[Any] = [
                workflow.start_local_activity("a", start_to_close_timeout=TEN),
                workflow.start_activity("b", start_to_close_timeout=TEN),
                workflow.start_local_activity("c", start_to_close_timeout=TEN),
            ]
            assert set(handles) == {*handles}
            return [await handle for handle in handles]

    run = Run(Both)
    run.start()
    assert result_of(run.send(completed(3, "c"), completed(2, "b"), completed(1, "a"))) == [
        "a",
        "b",
        "c",
    ]


@workflow.defn
class Wrong:
    @workflow.run
    async def run(self, what: str) -> str:
        start: Any = workflow.start_local_activity
        calls: dict[str, Any] = {
            "option": lambda: start("a", start_to_close_timeout=TEN, task_queue="x"),
            "no limit": lambda: start("a"),
            "negative": lambda: start("a", start_to_close_timeout=-TEN),
            "unencodable": lambda: start("a", object(), start_to_close_timeout=TEN),
            "undecorated": lambda: start(print, start_to_close_timeout=TEN),
        }
        try:
            calls[what]()
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return ""


@pytest.mark.parametrize(
    ("what", "culprit"),
    [
        ("option", "TypeError: .*'task_queue'"),
        ("no limit", "ValueError: local activity 'a' needs start_to_close_timeout"),
        ("negative", "ValueError: start_to_close_timeout"),
        ("unencodable", "EncodingError"),
        ("undecorated", "DefinitionError"),
    ],
)
def test_a_bad_call_is_named_before_anything_is_recorded(what: str, culprit: str) -> None:
    completion = Run(Wrong, what).start()
    assert names(completion) == ["CompleteWorkflowExecution"]
    with pytest.raises(AssertionError, match=culprit):
        raise AssertionError(result_of(completion))


@workflow.defn
class LeavesOne:
    """Ends while a local activity runs."""

    @workflow.run
    async def run(self, kind: int) -> str:
        workflow.start_local_activity(
            "a", start_to_close_timeout=TEN, cancellation_type=ActivityCancellationType(kind)
        )
        await workflow.sleep(1)
        return "ended"


@pytest.mark.parametrize(
    "kind", [ActivityCancellationType.TRY_CANCEL, ActivityCancellationType.ABANDON]
)
def test_a_local_activity_that_runs_when_its_workflow_ends_is_cancelled_before(kind: int) -> None:
    run = Run(LeavesOne, int(kind))
    run.start()
    ending = run.send(fire(1))
    assert variants(ending) == ["request_cancel_local_activity", "CompleteWorkflowExecution"]
    assert result_of(ending) == "ended"
    assert variants(run.send(cancelled(1))) == []


@pytest.mark.parametrize("outcome", [cancelled(1), completed(1)])
def test_a_workflow_ends_after_the_local_activity_that_wants_to_be_waited_for(
    outcome: ResolveActivity,
) -> None:
    run = Run(LeavesOne, int(ActivityCancellationType.WAIT_CANCELLATION_COMPLETED))
    run.start()
    assert variants(run.send(fire(1))) == ["request_cancel_local_activity"]
    assert result_of(run.send(outcome)) == "ended"
