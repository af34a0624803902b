"""What can be an activity, and what is known about it."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from hourglass import activity
from hourglass.activity._definition import ActivityDefinition
from hourglass.common import RawValue
from hourglass.exceptions import DefinitionError


@dataclass
class Order:
    id: int


@activity.defn
async def charge(order: Order, retries: int = 3) -> str:
    return f"{order.id}:{retries}"


@activity.defn(name="refund-it", no_thread_cancel_exception=True)
def refund(order: "Order", reason) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001, RUF100
    ...


class Shop:
    @activity.defn
    def stock(self, item: str) -> int:
        return len(item)


@activity.defn
class Greeter:
    def __init__(self, greeting: str) -> None:
        self.greeting = greeting

    async def __call__(self, name: str) -> str:
        return f"{self.greeting} {name}"


def test_a_function_is_known_by_its_name_and_types() -> None:
    definition = ActivityDefinition.of(charge)
    assert (definition.name, definition.is_async) == ("charge", True)
    assert definition.arg_types == [Order, int]
    assert definition.ret_type is str


def test_a_name_and_missing_hints_are_taken_as_they_are() -> None:
    definition = ActivityDefinition.of(refund)
    assert (definition.name, definition.is_async) == ("refund-it", False)
    assert definition.arg_types == [Order, Any]
    assert definition.no_thread_cancel_exception


@pytest.mark.parametrize("method", [Shop().stock, Shop.stock])
def test_a_method_does_not_count_self(method: Any) -> None:
    assert ActivityDefinition.of(method).arg_types == [str]


def test_an_instance_of_a_callable_class_is_an_activity() -> None:
    definition = ActivityDefinition.of(Greeter("hi"))
    assert (definition.name, definition.is_async) == ("Greeter", True)
    assert definition.arg_types == [str]


def undecorated() -> None: ...


@pytest.mark.parametrize("culprit", [undecorated, "just a name", 3])
def test_what_was_not_decorated_is_named(culprit: Any) -> None:
    name = getattr(culprit, "__qualname__", repr(culprit))
    with pytest.raises(TypeError, match=name):
        ActivityDefinition.of(culprit)


def test_a_keyword_only_argument_is_refused() -> None:
    with pytest.raises(TypeError, match="keyword_only"):

        @activity.defn
        async def keyword_only(*, x: int) -> None: ...


def test_a_class_without_call_and_a_non_function_are_refused() -> None:
    with pytest.raises(DefinitionError, match="__call__"):

        @activity.defn
        class Nothing: ...

    with pytest.raises(DefinitionError, match="no function"):
        activity.defn(functools.partial(undecorated))


def test_a_hint_that_does_not_exist_at_run_time_is_named() -> None:
    @activity.defn
    async def broken(x: "Missing") -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(DefinitionError, match="Missing"):
        _ = ActivityDefinition.of(broken).arg_types


@pytest.mark.parametrize(
    "ask", [activity.info, activity.is_cancelled, activity.heartbeat, activity.payload_converter]
)
def test_outside_of_an_activity_every_question_is_refused(ask: Any) -> None:
    assert not activity.in_activity()
    with pytest.raises(RuntimeError, match="not in an activity"):
        ask()


def test_the_logger_works_outside_of_an_activity(caplog: pytest.LogCaptureFixture) -> None:
    activity.logger.warning("plain")
    assert caplog.messages == ["plain"]


def test_a_dynamic_activity_has_no_name_and_takes_raw_arguments() -> None:
    @activity.defn(dynamic=True)
    async def anything(args: Sequence[RawValue]) -> None: ...

    assert ActivityDefinition.of(anything).name is None
    with pytest.raises(DefinitionError, match=r"takes \(args: Sequence\[RawValue\]\)"):

        @activity.defn(dynamic=True)
        async def several(a: int, b: int) -> None: ...

    with pytest.raises(DefinitionError, match="a name or is dynamic"):

        @activity.defn(name="x", dynamic=True)
        async def both(args: Sequence[RawValue]) -> None: ...
