# Written by tools/generate_overloads.py from children.py.
"""Calls of child workflows, typed for every way to call them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from hourglass.workflow._api import children
from hourglass.workflow._runtime.arguments import UNSET
from hourglass.workflow._runtime.arguments import arguments_of as arguments

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from hourglass._typing import RunAnyParams, RunNoParam, RunOneParam
    from hourglass.workflow._runtime.children import ChildWorkflowConfig, ChildWorkflowHandle

SelfT = TypeVar("SelfT")
ParamT = TypeVar("ParamT")
R = TypeVar("R")


@overload
async def start_child_workflow(
    workflow: RunNoParam[SelfT, R], **options: Unpack[ChildWorkflowConfig]
) -> ChildWorkflowHandle[SelfT, R]: ...
@overload
async def start_child_workflow(
    workflow: RunOneParam[SelfT, ParamT, R], arg: ParamT, **options: Unpack[ChildWorkflowConfig]
) -> ChildWorkflowHandle[SelfT, R]: ...
@overload
async def start_child_workflow(
    workflow: RunAnyParams[SelfT, R], *, args: Sequence[Any], **options: Unpack[ChildWorkflowConfig]
) -> ChildWorkflowHandle[SelfT, R]: ...
@overload
async def start_child_workflow(
    workflow: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: type[R],
    **options: Unpack[ChildWorkflowConfig],
) -> ChildWorkflowHandle[Any, R]: ...
@overload
async def start_child_workflow(
    workflow: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: None = None,
    **options: Unpack[ChildWorkflowConfig],
) -> ChildWorkflowHandle[Any, Any]: ...
async def start_child_workflow(
    workflow: Any,
    arg: Any = UNSET,
    *,
    args: Sequence[Any] = (),
    result_type: Any = None,
    **options: Any,
) -> Any:
    """Start a child workflow, given by its run method or its name; returns once it has started.

    Args:
        arg: its one argument.
        args: all its arguments, when it takes more than one.
        result_type: what to decode the result as, for a workflow that is given by name.

    Raises:
        WorkflowAlreadyStartedError: The id is taken, and `id_reuse_policy` does not help.
        ChildWorkflowError: It was cancelled before it had started.
    """
    return await children.start_child_workflow(
        workflow, arguments(arg, args), result_type=result_type, **options
    )


@overload
async def execute_child_workflow(
    workflow: RunNoParam[SelfT, R], **options: Unpack[ChildWorkflowConfig]
) -> R: ...
@overload
async def execute_child_workflow(
    workflow: RunOneParam[SelfT, ParamT, R], arg: ParamT, **options: Unpack[ChildWorkflowConfig]
) -> R: ...
@overload
async def execute_child_workflow(
    workflow: RunAnyParams[SelfT, R], *, args: Sequence[Any], **options: Unpack[ChildWorkflowConfig]
) -> R: ...
@overload
async def execute_child_workflow(
    workflow: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: type[R],
    **options: Unpack[ChildWorkflowConfig],
) -> R: ...
@overload
async def execute_child_workflow(
    workflow: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: None = None,
    **options: Unpack[ChildWorkflowConfig],
) -> Any: ...
async def execute_child_workflow(
    workflow: Any,
    arg: Any = UNSET,
    *,
    args: Sequence[Any] = (),
    result_type: Any = None,
    **options: Any,
) -> Any:
    """Start a child workflow and wait for its result. See `start_child_workflow`.

    Raises:
        ChildWorkflowError: It failed, timed out, was cancelled or terminated: see `cause`.
    """
    return await children.execute_child_workflow(
        workflow, arguments(arg, args), result_type=result_type, **options
    )
