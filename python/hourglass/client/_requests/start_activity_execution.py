"""StartActivityExecution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from typing_extensions import Required, TypedDict

from hourglass._search_attributes import AnySearchAttributes, search_attributes_to_wire
from hourglass.activity._definition import ActivityDefinition
from hourglass.client._requests import _parts
from hourglass.client._requests._parts import (
    compact,
    duration,
    encode,
    header,
    member,
    payloads,
    priority,
    retry_policy,
    text,
)
from hourglass.common import (
    ActivityIDConflictPolicy,
    ActivityIDReusePolicy,
    Priority,
    RetryPolicy,
)
from hourglass.exceptions import (
    ActivityAlreadyStartedError,
    ArgumentTypeError,
    InvalidArgumentError,
    RPCError,
)

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.client._inputs import StartActivityInput
    from hourglass.converter import DataConverter


class StartActivityOptions(TypedDict, total=False):
    """The keywords of `Client.start_activity` and its siblings.

    `start_to_close_timeout` or `schedule_to_close_timeout` has to be given.
    """

    id: Required[str]
    task_queue: Required[str]
    schedule_to_close_timeout: timedelta | None
    """The limit from its start to its end, through all attempts."""
    schedule_to_start_timeout: timedelta | None
    """The limit for an attempt to wait for a worker."""
    start_to_close_timeout: timedelta | None
    """The limit of one attempt."""
    heartbeat_timeout: timedelta | None
    """The limit between two heartbeats of an attempt."""
    id_reuse_policy: ActivityIDReusePolicy
    id_conflict_policy: ActivityIDConflictPolicy
    retry_policy: RetryPolicy | None
    """The policy for further attempts; without one the service retries for ever."""
    search_attributes: AnySearchAttributes | None
    summary: str | None
    """A line about the activity, for user interfaces."""
    priority: Priority
    start_delay: timedelta | None
    """The delay of its first attempt."""
    rpc_metadata: Mapping[str, str] | None
    rpc_timeout: timedelta | None


_KNOWN = frozenset(StartActivityOptions.__annotations__)
_REQUIRED = ("id", "task_queue")
_TIMES = (
    "schedule_to_close_timeout",
    "schedule_to_start_timeout",
    "start_to_close_timeout",
    "heartbeat_timeout",
    "start_delay",
)


def type_of(activity: Any) -> tuple[str, Any]:
    """The name and the declared result of an activity. `DefinitionError` if it isn't one."""
    if isinstance(activity, str):
        if not activity:
            raise InvalidArgumentError("the activity's name is empty")
        return activity, None
    if not callable(activity):
        raise ArgumentTypeError(f"the activity is {activity!r}: give its function, or its name")
    definition = ActivityDefinition.of(activity)
    if definition.name is None:
        raise InvalidArgumentError(
            f"{activity.__qualname__} is a dynamic activity: say which name to start"
        )
    return definition.name, definition.ret_type


def check_arguments(activity: Any, args: Sequence[Any], converter: DataConverter) -> None:
    """Refuse arguments that an activity's types would read as others; of a name none are known."""
    if args and not isinstance(activity, str):
        _parts.check_arguments(ActivityDefinition.of(activity), args, converter)


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse an unknown keyword (TypeError, as any call does) or an empty one."""
    _parts.check_options("start_activity", options, _KNOWN, _REQUIRED)


async def request(given: StartActivityInput, converter: DataConverter) -> Wire:
    """StartActivityExecutionRequest."""
    wire: Wire = {name: duration(name, getattr(given, name)) for name in _TIMES}
    if not wire["schedule_to_close_timeout"] and not wire["start_to_close_timeout"]:
        raise InvalidArgumentError(
            f"activity {given.activity_type!r} needs start_to_close_timeout or "
            "schedule_to_close_timeout: without a limit a lost activity would never be tried again"
        )
    summary, attributes = text("summary", given.summary), given.search_attributes
    return compact(
        {
            **wire,
            "activity_id": given.id,
            "activity_type": {"name": given.activity_type},
            "task_queue": {"name": given.task_queue},
            "input": await payloads(converter, given.args),
            "id_reuse_policy": member(
                "id_reuse_policy", ActivityIDReusePolicy, given.id_reuse_policy
            ),
            "id_conflict_policy": member(
                "id_conflict_policy", ActivityIDConflictPolicy, given.id_conflict_policy
            ),
            "retry_policy": retry_policy(given.retry_policy),
            "search_attributes": search_attributes_to_wire(attributes) if attributes else None,
            "header": header(given.headers),
            "user_metadata": (
                {"summary": (await encode(converter, [summary]))[0]} if summary else None
            ),
            "priority": priority(given.priority),
        }
    )


def already_started(
    refused: RPCError, activity_id: str, activity_type: str
) -> ActivityAlreadyStartedError:
    """Read a refusal that says that the id is taken."""
    detail = refused.detail("ActivityExecutionAlreadyStartedFailure") or {}
    run_id = detail.get("run_id") or None
    return ActivityAlreadyStartedError(activity_id, activity_type, run_id=run_id)
