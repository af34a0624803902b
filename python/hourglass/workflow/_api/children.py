"""Calls of child workflows; `_generated_children` has them typed for every way to call them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from hourglass.workflow._api.current import current

if TYPE_CHECKING:
    from hourglass.workflow._runtime.children import ChildWorkflowConfig, ChildWorkflowHandle


async def start_child_workflow(
    workflow: Any, arguments: Sequence[Any], *, result_type: Any = None, **options: Any
) -> ChildWorkflowHandle[Any, Any]:
    """Start a child workflow, given by its run method or its name; returns once it has started.

    Args:
        arg: its one argument.
        args: all its arguments, when it takes more than one.
        result_type: what to decode the result as, for a workflow that is given by name.

    Raises:
        WorkflowAlreadyStartedError: The id is taken, and `id_reuse_policy` does not help.
        ChildWorkflowError: It was cancelled before it had started.
    """
    running, config = current(), cast("ChildWorkflowConfig", options)
    return await running.calls.start_child_workflow(
        running, workflow, arguments, result_type, config
    )


async def execute_child_workflow(
    workflow: Any, arguments: Sequence[Any], *, result_type: Any = None, **options: Any
) -> Any:
    """Start a child workflow and wait for its result. See `start_child_workflow`.

    Raises:
        ChildWorkflowError: It failed, timed out, was cancelled or terminated: see `cause`.
    """
    return await (
        await start_child_workflow(workflow, arguments, result_type=result_type, **options)
    )
