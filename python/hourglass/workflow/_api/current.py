"""The running workflow, with everything that workflow code may ask it for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from hourglass.workflow._runtime import context

if TYPE_CHECKING:
    from hourglass.workflow._runtime.instance import WorkflowInstance

current = cast("Callable[[], WorkflowInstance]", context.current)
"""Find the instance whose code is running; `NotInWorkflowError` when there is none."""

current_or_none = cast("Callable[[], WorkflowInstance | None]", context.current_or_none)
"""Find the instance whose code is running, if there is one."""
