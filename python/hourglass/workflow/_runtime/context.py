"""The running workflow: the owner of the running event loop, if that is one of ours."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from hourglass.workflow._runtime.loop import WorkflowLoop, running_host

if TYPE_CHECKING:
    from hourglass.workflow._runtime.state import RunState


def current() -> RunState:
    """Find the run whose code is running; `NotInWorkflowError` when there is none."""
    return cast("RunState", running_host())


def current_or_none() -> RunState | None:
    """Find the run whose code is running, if there is one."""
    loop = asyncio._get_running_loop()
    return cast("RunState", loop.host) if isinstance(loop, WorkflowLoop) else None
