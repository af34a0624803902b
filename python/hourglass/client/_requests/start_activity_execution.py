"""StartActivityExecution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from typing_extensions import Required, TypedDict

from hourglass.client._requests._parts import (
    check_options,
    compact,
    duration,
    encode,
    header,
    payloads,
)
from hourglass.common import (
    ActivityIDConflictPolicy,
    ActivityIDReusePolicy,
    Priority,
    RetryPolicy,
    TypedSearchAttributes,
)
from hourglass.exceptions import ActivityAlreadyStartedError, InvalidArgumentError, RPCError

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire
    from hourglass.converter import DataConverter


class StartActivityOptions(TypedDict, total=False):
    """The keywords of `Client.start_activity` and its siblings.

    `start_to_close_timeout` or `schedule_to_close_timeout` has to be given.
    """

    id: Required[str]
    task_queue: Required[str]
    schedule_to_close_timeout: timedelta | None
    """From its start to its end, through all attempts."""
    schedule_to_start_timeout: timedelta | None
    """How long an attempt may wait for a worker."""
    start_to_close_timeout: timedelta | None
    """Of one attempt."""
    heartbeat_timeout: timedelta | None
    """How long an attempt may be silent."""
    id_reuse_policy: ActivityIDReusePolicy
    id_conflict_policy: ActivityIDConflictPolicy
    retry_policy: RetryPolicy | None
    """Without one the service retries for ever."""
    search_attributes: TypedSearchAttributes | None
    summary: str | None
    """One line about it, for user interfaces."""
    priority: Priority
    start_delay: timedelta | None
    """How long its first attempt is held back."""
    rpc_metadata: Mapping[str, str] | None
    rpc_timeout: timedelta | None


_KNOWN = frozenset(StartActivityOptions.__annotations__)
_REQUIRED = ("id", "task_queue")
_TIMEOUTS = (
    "schedule_to_close_timeout",
    "schedule_to_start_timeout",
    "start_to_close_timeout",
    "heartbeat_timeout",
    "start_delay",
)


async def request(
    activity_type: str,
    args: Sequence[Any],
    options: StartActivityOptions,
    converter: DataConverter,
    *,
    headers: Mapping[str, Payload] | None = None,
) -> Wire:
    """StartActivityExecutionRequest."""
    check_options("start_activity", options, _KNOWN, _REQUIRED)
    given: Mapping[str, Any] = options
    wire: Wire = {name: duration(name, given.get(name)) for name in _TIMEOUTS}
    if not wire["schedule_to_close_timeout"] and not wire["start_to_close_timeout"]:
        raise InvalidArgumentError(
            f"activity {activity_type!r} needs start_to_close_timeout or schedule_to_close_timeout:"
            " without a limit a lost activity would never be tried again"
        )
    retry_policy, search_attributes = options.get("retry_policy"), options.get("search_attributes")
    summary = options.get("summary")
    metadata = {"summary": (await encode(converter, [summary]))[0]} if summary else None
    return compact(
        {
            **wire,
            "activity_id": options["id"],
            "activity_type": {"name": activity_type},
            "task_queue": {"name": options["task_queue"]},
            "input": await payloads(converter, args),
            "id_reuse_policy": int(options.get("id_reuse_policy", 1)),
            "id_conflict_policy": int(options.get("id_conflict_policy", 1)),
            "retry_policy": None if retry_policy is None else retry_policy.to_wire(),
            "search_attributes": None if not search_attributes else search_attributes.to_wire(),
            "header": header(headers),
            "user_metadata": metadata,
            "priority": options.get("priority", Priority.default).to_wire(),
        }
    )


def already_started(
    refused: RPCError, activity_id: str, activity_type: str
) -> ActivityAlreadyStartedError:
    """What a refusal means that says that the id is taken."""
    detail = refused.detail("ActivityExecutionAlreadyStartedFailure") or {}
    run_id = detail.get("run_id") or None
    return ActivityAlreadyStartedError(activity_id, activity_type, run_id=run_id)
