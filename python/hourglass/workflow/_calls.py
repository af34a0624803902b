"""What workflow code asks for, done at once. With interceptors `_chain.InterceptedCalls` is in its
place, and this at the end of the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourglass.workflow._activities import schedule_activity
from hourglass.workflow._children import start_child
from hourglass.workflow._continue_as_new import continue_as_new
from hourglass.workflow._external import send_signal
from hourglass.workflow._local_activities import schedule_local_activity

if TYPE_CHECKING:
    from hourglass.workflow._info import Info
    from hourglass.workflow._instance import WorkflowInstance


def _info(instance: WorkflowInstance) -> Info:
    return instance.info


class Calls:
    """The calls that interceptors may see; `WorkflowInstance.calls` is this class itself."""

    continue_as_new = staticmethod(continue_as_new)
    info = staticmethod(_info)
    send_signal = staticmethod(send_signal)
    start_activity = staticmethod(schedule_activity)
    start_child_workflow = staticmethod(start_child)
    start_local_activity = staticmethod(schedule_local_activity)
