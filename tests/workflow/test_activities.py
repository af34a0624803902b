"""Scheduling activities: what is sent, what is refused, what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass._bridge import ResolveActivity, ScheduleActivity
from hourglass.common import Priority, RetryPolicy
from hourglass.exceptions import ActivityError, ApplicationError
from tests.workflow.harness import (
    QUEUE,
    Run,
    cancelled,
    completed,
    failed,
    fire,
    names,
    result_of,
    value,
)

TEN = timedelta(seconds=10)


@dataclass
class Receipt:
    number: int


@activity.defn(name="pay")
async def pay(amount: int, currency: str = "EUR") -> Receipt:
    raise NotImplementedError


@activity.defn
class Packs:
    def __call__(self, number: int) -> Receipt:
        raise NotImplementedError


class Shop:
    @activity.defn
    async def refund(self, number: int) -> Receipt:
        raise NotImplementedError


async def undecorated() -> None: ...


CALLS: dict[str, Callable[[], Any]] = {
    "function": lambda: workflow.start_activity(pay, 5, start_to_close_timeout=TEN),
    "all options": lambda: workflow.start_activity(
        pay,
        args=[5, "USD"],
        task_queue="other",
        schedule_to_close_timeout=timedelta(seconds=1),
        schedule_to_start_timeout=timedelta(seconds=2),
        start_to_close_timeout=timedelta(seconds=3),
        heartbeat_timeout=timedelta(seconds=4),
        retry_policy=RetryPolicy(maximum_attempts=2),
        cancellation_type=workflow.ActivityCancellationType.ABANDON,
        activity_id="mine",
        summary="pays",
        priority=Priority(priority_key=3),
    ),
    "method": lambda: workflow.start_activity_method(Shop.refund, 1, start_to_close_timeout=TEN),
    "class": lambda: workflow.start_activity_class(Packs, 1, start_to_close_timeout=TEN),
    "name": lambda: workflow.start_activity(
        "pay", 5, result_type=Receipt, start_to_close_timeout=TEN
    ),
    "untyped name": lambda: workflow.start_activity("pay", None, schedule_to_close_timeout=TEN),
    "no timeout": lambda: workflow.start_activity(pay, 5),
    "undecorated": lambda: workflow.start_activity(undecorated, start_to_close_timeout=TEN),
    "negative": lambda: workflow.start_activity(pay, 5, start_to_close_timeout=-TEN),
    "both": lambda: workflow.start_activity(pay, 5, args=[5], start_to_close_timeout=TEN),  # type: ignore[call-overload]
    "typo": lambda: workflow.start_activity(pay, 5, start_to_close=TEN),  # type: ignore[call-overload]
    "text as args": lambda: workflow.start_activity("pay", args="ab", start_to_close_timeout=TEN),
    "unencodable": lambda: workflow.start_activity("pay", object(), start_to_close_timeout=TEN),
    "bad policy": lambda: workflow.start_activity(
        pay, 5, start_to_close_timeout=TEN, retry_policy=RetryPolicy(backoff_coefficient=0)
    ),
}


@workflow.defn
class Calls:
    @workflow.run
    async def run(self, name: str) -> Any:
        try:
            handle = CALLS[name]()
        except Exception as error:
            workflow.start_activity("after", start_to_close_timeout=TEN)
            return [type(error).__name__, str(error)]
        result = await handle
        return [type(result).__name__, result]


def scheduled(name: str) -> ScheduleActivity:
    [command] = Run(Calls, name).start().commands
    assert isinstance(command, ScheduleActivity)
    return command


def test_an_activity_is_scheduled_with_what_was_said_and_nothing_else() -> None:
    """Section 5: the retry policy counts from the very first schedule."""
    command = scheduled("all options")
    assert (command.seq, command.activity_id, command.activity_type) == (1, "mine", "pay")
    assert [value(argument) for argument in command.arguments] == [5, "USD"]
    assert command.task_queue == "other"
    assert [
        command.schedule_to_close_timeout,
        command.schedule_to_start_timeout,
        command.start_to_close_timeout,
        command.heartbeat_timeout,
    ] == [timedelta(seconds=n) for n in (1, 2, 3, 4)]
    assert command.retry_policy is not None
    assert command.retry_policy["maximum_attempts"] == 2
    assert command.cancellation_type == 2
    assert command.priority == {"priority_key": 3}
    assert value(command.summary) == "pays"


def test_what_was_not_said_is_left_to_the_service() -> None:
    command = scheduled("function")
    assert (command.activity_id, command.task_queue) == ("1", QUEUE)
    assert command.retry_policy is None
    assert command.schedule_to_close_timeout is None
    assert command.summary is None


@pytest.mark.parametrize(
    ("name", "kind", "arguments"),
    [
        ("function", "pay", [5]),
        ("method", "refund", [1]),
        ("class", "Packs", [1]),
        ("name", "pay", [5]),
        ("untyped name", "pay", [None]),
    ],
)
def test_activities_are_named_in_every_way(name: str, kind: str, arguments: list[Any]) -> None:
    command = scheduled(name)
    assert command.activity_type == kind
    assert [value(argument) for argument in command.arguments] == arguments


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("function", "Receipt"),
        ("method", "Receipt"),
        ("class", "Receipt"),
        ("name", "Receipt"),
        ("untyped name", "dict"),
    ],
)
def test_a_result_is_decoded_as_the_declared_type(name: str, kind: str) -> None:
    run = Run(Calls, name)
    run.start()
    assert result_of(run.send(completed(1, {"number": 7}))) == [kind, {"number": 7}]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("no timeout", "ValueError", "needs start_to_close_timeout or schedule_to_close_timeout"),
        ("undecorated", "DefinitionError", "undecorated is not an activity"),
        ("negative", "ValueError", "start_to_close_timeout: "),
        ("both", "TypeError", "not both"),
        ("typo", "TypeError", "'start_to_close'"),
        ("text as args", "TypeError", "args: a sequence"),
        ("unencodable", "EncodingError", "object"),
        ("bad policy", "InvalidArgumentError", "backoff"),
    ],
)
def test_b79_b31a_a_bad_call_raises_and_uses_up_no_number(
    name: str, error: str, message: str
) -> None:
    """B-79, B-31a, B-51 (an activity without any limit is refused)."""
    completion = Run(Calls, name).start()
    kind, text = result_of(completion)
    assert kind == error
    assert message in text
    [after, _] = completion.commands
    assert isinstance(after, ScheduleActivity)
    assert (after.seq, after.activity_id) == (1, "1")


def test_a_result_that_can_not_be_decoded_fails_the_task() -> None:
    run = Run(Calls, "function")
    run.start()
    completion = run.send(completed(1, {"wrong": 7}))
    assert completion.failure is not None
    assert completion.commands == []


def test_an_activity_without_a_result_gives_none() -> None:
    run = Run(Calls, "untyped name")
    run.start()
    assert result_of(run.send(ResolveActivity(seq=1, status="completed"))) == ["NoneType", None]


def test_a_resolution_nobody_waits_for_is_ignored() -> None:
    run = Run(Calls, "function")
    run.start()
    assert names(run.send(completed(9), fire(9))) == []


@workflow.defn
class Catches:
    @workflow.run
    async def run(self) -> list[str]:
        try:
            await workflow.execute_activity("a", start_to_close_timeout=TEN)
        except ActivityError as error:
            cause = error.cause
            assert isinstance(cause, ApplicationError)
            return [str(cause.type), cause.message]
        return []


def test_a_failed_activity_raises_an_activity_error_with_its_cause() -> None:
    run = Run(Catches)
    run.start()
    assert result_of(run.send(failed(1, "no money", "Poor"))) == ["Poor", "no money"]


@workflow.defn
class Passes:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity("a", start_to_close_timeout=TEN)


def test_an_activity_error_that_is_not_caught_fails_the_workflow() -> None:
    run = Run(Passes)
    run.start()
    assert names(run.send(failed(1))) == ["FailWorkflowExecution"]


@workflow.defn
class Shares:
    """Two waiters for one activity; the handle is also a future like any other."""

    @workflow.run
    async def run(self) -> list[Any]:
        handle = workflow.start_activity("a", result_type=int, start_to_close_timeout=TEN)
        seen: list[Any] = []
        handle.add_done_callback(lambda done: seen.append(done.result()))

        async def wait() -> int:
            return await handle

        seen += await asyncio.gather(wait(), wait())
        assert handle in {handle}
        assert handle.result() == 4
        return seen


def test_a_handle_can_be_awaited_more_than_once() -> None:
    run = Run(Shares)
    run.start()
    assert result_of(run.send(completed(1, 4))) == [4, 4, 4]


@workflow.defn
class Patient:
    @workflow.query
    def ask(self) -> str:
        return "waiting"

    @workflow.run
    async def run(self) -> str:
        await workflow.sleep(60)
        return "slept"


def test_b55_b56_a_parked_sleep_is_not_touched_by_anything_but_its_timer() -> None:
    """B-55, B-56."""
    run = Run(Patient)
    assert names(run.start()) == ["StartTimer"]
    for number in range(100):
        assert names(run.send(fire(number + 2))) == []
        assert run.ask("ask") == "waiting"
    assert result_of(run.send(fire(1))) == "slept"


@workflow.defn
class Abandons:
    @workflow.run
    async def run(self, at_once: bool) -> list[str]:
        handle = workflow.start_activity(
            "a",
            start_to_close_timeout=TEN,
            activity_id="mine",
            cancellation_type=workflow.ActivityCancellationType.ABANDON,
        )
        if not at_once:
            await workflow.sleep(1)
        handle.cancel()
        try:
            await handle
        except asyncio.CancelledError:
            return ["cancelled"]
        except ActivityError as error:
            await workflow.sleep(1)
            return [type(error.cause).__name__, error.activity_type, error.activity_id]
        return []


@pytest.mark.parametrize("outcome", [completed(1, 1), failed(1), cancelled(1)])
def test_an_activity_that_is_abandoned_ends_at_once_however_it_ends_later(outcome: Any) -> None:
    run = Run(Abandons, False)
    run.start()
    assert names(run.send(fire(1))) == ["StartTimer"]
    assert names(run.send(outcome)) == []
    assert result_of(run.send(fire(2))) == ["CancelledError", "a", "mine"]


def test_an_activity_that_is_abandoned_before_it_is_sent_is_never_scheduled() -> None:
    run = Run(Abandons, True)
    completion = run.start()
    assert names(completion)[:2] == ["ScheduleActivity", "RequestCancelActivity"]
    assert result_of(completion) == ["cancelled"]
