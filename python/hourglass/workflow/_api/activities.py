"""Calls of activities; `_generated_activities` has them typed for every way to call them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from hourglass.workflow._api.current import current
from hourglass.workflow._runtime.activities import ActivityCancellationType

if TYPE_CHECKING:
    from hourglass.common import Priority, RetryPolicy
    from hourglass.workflow._runtime.activities import ActivityHandle


class ActivityConfig(TypedDict, total=False):
    """The options of an activity call.

    ``start_to_close_timeout`` or ``schedule_to_close_timeout`` has to be given; ``task_queue`` is
    the workflow's when left out; without ``retry_policy`` the service retries for ever.
    """

    task_queue: str | None
    schedule_to_close_timeout: timedelta | None
    schedule_to_start_timeout: timedelta | None
    start_to_close_timeout: timedelta | None
    heartbeat_timeout: timedelta | None
    retry_policy: RetryPolicy | None
    cancellation_type: ActivityCancellationType
    activity_id: str | None
    summary: str | None
    priority: Priority


def start_activity(
    activity: Any, arguments: Sequence[Any], *, result_type: Any = None, **options: Any
) -> ActivityHandle[Any]:
    """Schedule an activity, given by its function or its name, at once; the handle to wait with.

    Args:
        arg: its one argument.
        args: all its arguments, when it takes more than one.
        result_type: what to decode the result as, for an activity that is given by name.
    """
    running = current()
    return running.calls.start_activity(
        running, activity, arguments, result_type=result_type, **options
    )
