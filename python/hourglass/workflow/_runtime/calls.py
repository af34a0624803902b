"""The calls of workflow code, done at once. With interceptors `InterceptedCalls` is in their place,
and these are the end of the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourglass.workflow._runtime.activities import schedule_activity
from hourglass.workflow._runtime.children import start_child
from hourglass.workflow._runtime.continue_as_new import continue_as_new
from hourglass.workflow._runtime.external import send_signal
from hourglass.workflow._runtime.local_activities import schedule_local_activity

if TYPE_CHECKING:
    from hourglass.workflow._runtime.info import Info
    from hourglass.workflow._runtime.state import RunState


def _info(state: RunState) -> Info:
    return state.info


class Calls:
    """The calls that interceptors may see; `RunState.calls` is this class itself."""

    continue_as_new = staticmethod(continue_as_new)
    info = staticmethod(_info)
    send_signal = staticmethod(send_signal)
    start_activity = staticmethod(schedule_activity)
    start_child_workflow = staticmethod(start_child)
    start_local_activity = staticmethod(schedule_local_activity)
