"""The typed faces of `Calls.start_local_activity`, as those of ordinary activities."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from hourglass._activity_typing import (
    AsyncClass,
    AsyncClass0,
    AsyncClass1,
    SyncClass,
    SyncClass0,
    SyncClass1,
)
from hourglass.workflow._api.current import current
from hourglass.workflow._runtime.arguments import UNSET, arguments_of
from hourglass.workflow._runtime.local_activities import (
    LocalActivityConfig,
    LocalActivityHandle,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

SelfT = TypeVar("SelfT")
P = TypeVar("P")
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
    activity: Callable[[P], Awaitable[R]], arg: P, **options: Unpack[LocalActivityConfig]
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: Callable[[P], R], arg: P, **options: Unpack[LocalActivityConfig]
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
    **options: Unpack[LocalActivityConfig],
) -> LocalActivityHandle[Any]:
    """Schedule a local activity, given by its function or its name; the handle to wait with.

    Args:
        arg: its one argument.
        args: all its arguments, when it takes more than one.
        result_type: what to decode the result as, for an activity that is given by name.
    """
    running = current()
    return running.calls.start_local_activity(
        running, activity, arguments_of(arg, args), result_type, options
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
    activity: Callable[[SelfT, P], Awaitable[R]], arg: P, **options: Unpack[LocalActivityConfig]
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity_method(
    activity: Callable[[SelfT, P], R], arg: P, **options: Unpack[LocalActivityConfig]
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
    activity: Any,
    arg: Any = UNSET,
    *,
    args: Sequence[Any] = (),
    **options: Unpack[LocalActivityConfig],
) -> LocalActivityHandle[Any]:
    """Schedule a local activity that is a method, given by its class: ``Activities.charge``."""
    running = current()
    return running.calls.start_local_activity(
        running, activity, arguments_of(arg, args), None, options
    )


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
    activity: type[AsyncClass1[P, R]], arg: P, **options: Unpack[LocalActivityConfig]
) -> LocalActivityHandle[R]: ...
@overload
def start_local_activity_class(
    activity: type[SyncClass1[P, R]], arg: P, **options: Unpack[LocalActivityConfig]
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
    activity: Any,
    arg: Any = UNSET,
    *,
    args: Sequence[Any] = (),
    **options: Unpack[LocalActivityConfig],
) -> LocalActivityHandle[Any]:
    """Schedule a local activity that is a class with ``__call__``."""
    running = current()
    return running.calls.start_local_activity(
        running, activity, arguments_of(arg, args), None, options
    )


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
    activity: Callable[[P], Awaitable[R]], arg: P, **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity(
    activity: Callable[[P], R], arg: P, **options: Unpack[LocalActivityConfig]
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
    **options: Unpack[LocalActivityConfig],
) -> Any:
    """Schedule a local activity and wait for its result. See `start_local_activity`."""
    running = current()
    return await running.calls.start_local_activity(
        running, activity, arguments_of(arg, args), result_type, options
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
    activity: Callable[[SelfT, P], Awaitable[R]], arg: P, **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity_method(
    activity: Callable[[SelfT, P], R], arg: P, **options: Unpack[LocalActivityConfig]
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
    activity: Any,
    arg: Any = UNSET,
    *,
    args: Sequence[Any] = (),
    **options: Unpack[LocalActivityConfig],
) -> Any:
    """Schedule a local activity that is a method, and wait for its result."""
    running = current()
    return await running.calls.start_local_activity(
        running, activity, arguments_of(arg, args), None, options
    )


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
    activity: type[AsyncClass1[P, R]], arg: P, **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity_class(
    activity: type[SyncClass1[P, R]], arg: P, **options: Unpack[LocalActivityConfig]
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
    activity: Any,
    arg: Any = UNSET,
    *,
    args: Sequence[Any] = (),
    **options: Unpack[LocalActivityConfig],
) -> Any:
    """Schedule a local activity that is a class with ``__call__``, and wait for its result."""
    running = current()
    return await running.calls.start_local_activity(
        running, activity, arguments_of(arg, args), None, options
    )
