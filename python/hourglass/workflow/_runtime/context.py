"""Which workflow is running: the owner of the running event loop, if that is one of ours."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from hourglass.workflow._runtime.errors import NotInWorkflowError
from hourglass.workflow._runtime.loop import WorkflowLoop

if TYPE_CHECKING:
    from hourglass.workflow._runtime.instance import WorkflowInstance


def current() -> WorkflowInstance:
    """The instance whose code is running; `NotInWorkflowError` when there is none."""
    loop = asyncio._get_running_loop()
    if isinstance(loop, WorkflowLoop):
        return cast("WorkflowInstance", loop.host)
    raise NotInWorkflowError("not in a workflow: this call only works in workflow code")


def current_or_none() -> WorkflowInstance | None:
    """The same, None when there is none."""
    loop = asyncio._get_running_loop()
    return cast("WorkflowInstance", loop.host) if isinstance(loop, WorkflowLoop) else None
