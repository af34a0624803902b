"""Calls of local activities; `_generated_local_activities` has them typed for every way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from hourglass.workflow._api.current import current

if TYPE_CHECKING:
    from hourglass.workflow._runtime.local_activities import (
        LocalActivityConfig,
        LocalActivityHandle,
    )


def start_local_activity(
    activity: Any, arguments: Sequence[Any], *, result_type: Any = None, **options: Any
) -> LocalActivityHandle[Any]:
    """Schedule a local activity, given by its function or its name; the handle to wait with.

    Args:
        arg: its one argument.
        args: all its arguments, when it takes more than one.
        result_type: what to decode the result as, for an activity that is given by name.
    """
    running, config = current(), cast("LocalActivityConfig", options)
    return running.calls.start_local_activity(running, activity, arguments, result_type, config)
