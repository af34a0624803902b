# Written by tools/generate_overloads.py from local_activities.py.
"""Calls of local activities, typed for every way to call them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from hourglass.workflow._api import local_activities
from hourglass.workflow._runtime.arguments import UNSET
from hourglass.workflow._runtime.arguments import arguments_of as arguments

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from hourglass._activity_typing import (
        AsyncClass,
        AsyncClass0,
        AsyncClass1,
        SyncClass,
        SyncClass0,
        SyncClass1,
    )
    from hourglass.workflow._runtime.local_activities import (
        LocalActivityConfig,
        LocalActivityHandle,
    )

SelfT = TypeVar("SelfT")
ParamT = TypeVar("ParamT")
R = TypeVar("R")


@overload
def start_local_activity(
    activity: Callable[[], Awaitable[R]], **options: Unpack[LocalActivityConfig]
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: Callable[[], R], **options: Unpack[LocalActivityConfig]
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: Callable[[ParamT], Awaitable[R]], arg: ParamT, **options: Unpack[LocalActivityConfig]
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: Callable[[ParamT], R], arg: ParamT, **options: Unpack[LocalActivityConfig]
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: Callable[..., Awaitable[R]],
    *,
    args: Sequence[Any],
    **options: Unpack[LocalActivityConfig],
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: type[R],
    **options: Unpack[LocalActivityConfig],
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: None = None,
    **options: Unpack[LocalActivityConfig],
) -> LocalActivityHandle[Any]: ...
def start_local_activity(
    activity: Any,
    arg: Any = UNSET,
    *,
    args: Sequence[Any] = (),
    result_type: Any = None,
    **options: Any,
) -> Any:
    """Schedule a local activity, given by its function or its name; the handle to wait with.

    Args:
        arg: its one argument.
        args: all its arguments, when it takes more than one.
        result_type: what to decode the result as, for an activity that is given by name.
    """
    return local_activities.start_local_activity(
        activity, arguments(arg, args), result_type=result_type, **options
    )


@overload
def start_local_activity_method(
    activity: Callable[[SelfT], Awaitable[R]], **options: Unpack[LocalActivityConfig]
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity_method(
    activity: Callable[[SelfT], R], **options: Unpack[LocalActivityConfig]
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity_method(
    activity: Callable[[SelfT, ParamT], Awaitable[R]],
    arg: ParamT,
    **options: Unpack[LocalActivityConfig],
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity_method(
    activity: Callable[[SelfT, ParamT], R], arg: ParamT, **options: Unpack[LocalActivityConfig]
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity_method(
    activity: Callable[..., Awaitable[R]],
    *,
    args: Sequence[Any],
    **options: Unpack[LocalActivityConfig],
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity_method(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> LocalActivityHandle[R]: ...
def start_local_activity_method(
    activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Any
) -> Any:
    """Schedule a local activity that is a method, by its class: ``Activities.charge``."""
    return local_activities.start_local_activity(activity, arguments(arg, args), **options)


@overload
def start_local_activity_class(
    activity: type[AsyncClass0[R]], **options: Unpack[LocalActivityConfig]
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity_class(
    activity: type[SyncClass0[R]], **options: Unpack[LocalActivityConfig]
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity_class(
    activity: type[AsyncClass1[ParamT, R]], arg: ParamT, **options: Unpack[LocalActivityConfig]
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity_class(
    activity: type[SyncClass1[ParamT, R]], arg: ParamT, **options: Unpack[LocalActivityConfig]
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity_class(
    activity: type[AsyncClass[R]], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity_class(
    activity: type[SyncClass[R]], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> LocalActivityHandle[R]: ...
def start_local_activity_class(
    activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Any
) -> Any:
    """Schedule a local activity that is a class with ``__call__``."""
    return local_activities.start_local_activity(activity, arguments(arg, args), **options)


@overload
async def execute_local_activity(
    activity: Callable[[], Awaitable[R]], **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity(
    activity: Callable[[], R], **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity(
    activity: Callable[[ParamT], Awaitable[R]], arg: ParamT, **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity(
    activity: Callable[[ParamT], R], arg: ParamT, **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity(
    activity: Callable[..., Awaitable[R]],
    *,
    args: Sequence[Any],
    **options: Unpack[LocalActivityConfig],
) -> R: ...
@overload
async def execute_local_activity(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity(
    activity: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: type[R],
    **options: Unpack[LocalActivityConfig],
) -> R: ...
@overload
async def execute_local_activity(
    activity: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: None = None,
    **options: Unpack[LocalActivityConfig],
) -> Any: ...
async def execute_local_activity(
    activity: Any,
    arg: Any = UNSET,
    *,
    args: Sequence[Any] = (),
    result_type: Any = None,
    **options: Any,
) -> Any:
    """Schedule a local activity, given by its function or its name, and wait for its result."""
    return await local_activities.start_local_activity(
        activity, arguments(arg, args), result_type=result_type, **options
    )


@overload
async def execute_local_activity_method(
    activity: Callable[[SelfT], Awaitable[R]], **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity_method(
    activity: Callable[[SelfT], R], **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity_method(
    activity: Callable[[SelfT, ParamT], Awaitable[R]],
    arg: ParamT,
    **options: Unpack[LocalActivityConfig],
) -> R: ...
@overload
async def execute_local_activity_method(
    activity: Callable[[SelfT, ParamT], R], arg: ParamT, **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity_method(
    activity: Callable[..., Awaitable[R]],
    *,
    args: Sequence[Any],
    **options: Unpack[LocalActivityConfig],
) -> R: ...
@overload
async def execute_local_activity_method(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> R: ...
async def execute_local_activity_method(
    activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Any
) -> Any:
    """Schedule a local activity that is a method, and wait for its result."""
    return await local_activities.start_local_activity(activity, arguments(arg, args), **options)


@overload
async def execute_local_activity_class(
    activity: type[AsyncClass0[R]], **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity_class(
    activity: type[SyncClass0[R]], **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity_class(
    activity: type[AsyncClass1[ParamT, R]], arg: ParamT, **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity_class(
    activity: type[SyncClass1[ParamT, R]], arg: ParamT, **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity_class(
    activity: type[AsyncClass[R]], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity_class(
    activity: type[SyncClass[R]], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> R: ...
async def execute_local_activity_class(
    activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Any
) -> Any:
    """Schedule a local activity that is a class with ``__call__``, and wait for its result."""
    return await local_activities.start_local_activity(activity, arguments(arg, args), **options)
