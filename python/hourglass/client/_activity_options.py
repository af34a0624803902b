"""Changing the options of a standalone activity while it is not closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from hourglass.client._requests._parts import duration
from hourglass.common import Priority, RetryPolicy
from hourglass.exceptions import InvalidArgumentError

if TYPE_CHECKING:
    from hourglass._bridge import Wire

ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class ActivityOptionsKey(Generic[ValueT]):
    """An option that can be changed. They are all in `ActivityOptionsKeys`."""

    name: str
    """The path in `temporal.api.activity.v1.ActivityOptions`."""

    def value_set(self, value: ValueT) -> ActivityOptionsUpdate[ValueT]:
        """The change that gives it this value."""
        return ActivityOptionsUpdate(self, value)

    def value_unset(self) -> ActivityOptionsUpdate[ValueT]:
        """The change that takes its value away."""
        return ActivityOptionsUpdate(self, None)


@dataclass(frozen=True)
class ActivityOptionsUpdate(Generic[ValueT]):
    """A change of an option; make it with `ActivityOptionsKey.value_set` or `value_unset`."""

    key: ActivityOptionsKey[ValueT]
    value: ValueT | None


class ActivityOptionsKeys:
    """The options that `ActivityHandle.update_options` can change."""

    task_queue: ClassVar[ActivityOptionsKey[str]] = ActivityOptionsKey("task_queue.name")
    schedule_to_close_timeout: ClassVar[ActivityOptionsKey[timedelta]] = ActivityOptionsKey(
        "schedule_to_close_timeout"
    )
    schedule_to_start_timeout: ClassVar[ActivityOptionsKey[timedelta]] = ActivityOptionsKey(
        "schedule_to_start_timeout"
    )
    start_to_close_timeout: ClassVar[ActivityOptionsKey[timedelta]] = ActivityOptionsKey(
        "start_to_close_timeout"
    )
    heartbeat_timeout: ClassVar[ActivityOptionsKey[timedelta]] = ActivityOptionsKey(
        "heartbeat_timeout"
    )
    start_delay: ClassVar[ActivityOptionsKey[timedelta]] = ActivityOptionsKey("start_delay")
    """The delay from the start of the activity, not from now."""
    retry_policy: ClassVar[ActivityOptionsKey[RetryPolicy]] = ActivityOptionsKey("retry_policy")
    priority: ClassVar[ActivityOptionsKey[Priority]] = ActivityOptionsKey("priority")


@dataclass(frozen=True)
class ActivityExecutionOptions:
    """The options of a standalone activity, as the service has them now."""

    task_queue: str | None
    schedule_to_close_timeout: timedelta | None
    schedule_to_start_timeout: timedelta | None
    start_to_close_timeout: timedelta | None
    heartbeat_timeout: timedelta | None
    start_delay: timedelta | None
    retry_policy: RetryPolicy | None
    priority: Priority | None


def changes(updates: Sequence[ActivityOptionsUpdate[Any]]) -> Wire:
    """The changes, as a part of UpdateActivityExecutionOptionsRequest."""
    names = [update.key.name for update in updates]
    if not names:
        raise InvalidArgumentError("updates is empty: there is nothing to change")
    if twice := {name for name in names if names.count(name) > 1}:
        raise InvalidArgumentError(f"updates has {min(twice)} twice")
    options: Wire = {}
    for update in updates:
        if update.value is not None:
            field, _, inner = update.key.name.partition(".")
            value = _wire(field, update.value)
            options[field] = {inner: value} if inner else value
    return {"activity_options": options, "update_mask": {"paths": names}}


def _wire(field: str, value: Any) -> Any:
    if isinstance(value, RetryPolicy):
        return value.to_wire()
    if isinstance(value, Priority):
        return value.to_wire() or {}
    return value if isinstance(value, str) else duration(field, value)


def options_of(response: Wire) -> ActivityExecutionOptions:
    """Read the answer of UpdateActivityExecutionOptions."""
    options: Wire = response.get("activity_options", {})
    retry_policy, priority = options.get("retry_policy"), options.get("priority")
    return ActivityExecutionOptions(
        task_queue=options.get("task_queue", {}).get("name") or None,
        schedule_to_close_timeout=options.get("schedule_to_close_timeout") or None,
        schedule_to_start_timeout=options.get("schedule_to_start_timeout") or None,
        start_to_close_timeout=options.get("start_to_close_timeout") or None,
        heartbeat_timeout=options.get("heartbeat_timeout") or None,
        start_delay=options.get("start_delay") or None,
        retry_policy=None if retry_policy is None else RetryPolicy.from_wire(retry_policy),
        priority=None if priority is None else Priority.from_wire(priority),
    )
