"""The typed faces of `Calls.start_activity`.

Each way to name an activity has a `start_` face, which gives a handle, and an `execute_` face,
which waits for the result. The overloads tell apart async from sync and none from one from many
arguments, so that types are checked through the call; options are those of `ActivityConfig`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, overload

from hourglass._activity_typing import (
    AsyncClass,
    AsyncClass0,
    AsyncClass1,
    SyncClass,
    SyncClass0,
    SyncClass1,
)
from hourglass.workflow._api.current import current
from hourglass.workflow._runtime.activities import (
    ActivityCancellationType,
    ActivityHandle,
)
from hourglass.workflow._runtime.arguments import UNSET, arguments_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from hourglass.common import Priority, RetryPolicy

SelfT = TypeVar("SelfT")
P = TypeVar("P")
R = TypeVar("R")


class ActivityConfig(TypedDict, total=False):
    """The options of an activity call.

    ``start_to_close_timeout`` or ``schedule_to_close_timeout`` has to be given; ``task_queue`` is
    the workflow's when left out; without ``retry_policy`` the service retries for ever.
    """

    task_queue: str | None
    schedule_to_close_timeout: timedelta | None
    schedule_to_start_timeout: timedelta | None
    start_to_close_timeout: timedelta | None
    heartbeat_timeout: timedelta | None
    retry_policy: RetryPolicy | None
    cancellation_type: ActivityCancellationType
    activity_id: str | None
    summary: str | None
    priority: Priority


@overload
def start_activity(
    activity: Callable[[], Awaitable[R]], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: Callable[[], R], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: Callable[[P], Awaitable[R]], arg: P, **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: Callable[[P], R], arg: P, **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: type[R],
    **options: Unpack[ActivityConfig],
) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: None = None,
    **options: Unpack[ActivityConfig],
) -> ActivityHandle[Any]: ...
def start_activity(
    activity: Any,
    arg: Any = UNSET,
    *,
    args: Sequence[Any] = (),
    result_type: Any = None,
    **options: Unpack[ActivityConfig],
) -> ActivityHandle[Any]:
    """Schedule an activity, given by its function or its name, at once; the handle to wait with.

    Args:
        arg: its one argument.
        args: all its arguments, when it takes more than one.
        result_type: what to decode the result as, for an activity that is given by name.
    """
    running = current()
    return running.calls.start_activity(
        running, activity, arguments_of(arg, args), result_type=result_type, **options
    )


@overload
def start_activity_method(
    activity: Callable[[SelfT], Awaitable[R]], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_method(
    activity: Callable[[SelfT], R], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_method(
    activity: Callable[[SelfT, P], Awaitable[R]], arg: P, **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_method(
    activity: Callable[[SelfT, P], R], arg: P, **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_method(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_method(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
def start_activity_method(
    activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[ActivityConfig]
) -> ActivityHandle[Any]:
    """Schedule an activity that is a method, given by its class: ``Activities.charge``."""
    running = current()
    return running.calls.start_activity(running, activity, arguments_of(arg, args), **options)


@overload
def start_activity_class(
    activity: type[AsyncClass0[R]], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_class(
    activity: type[SyncClass0[R]], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_class(
    activity: type[AsyncClass1[P, R]], arg: P, **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_class(
    activity: type[SyncClass1[P, R]], arg: P, **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_class(
    activity: type[AsyncClass[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_class(
    activity: type[SyncClass[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
def start_activity_class(
    activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[ActivityConfig]
) -> ActivityHandle[Any]:
    """Schedule an activity that is a class with ``__call__``."""
    running = current()
    return running.calls.start_activity(running, activity, arguments_of(arg, args), **options)


@overload
async def execute_activity(
    activity: Callable[[], Awaitable[R]], **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity(activity: Callable[[], R], **options: Unpack[ActivityConfig]) -> R: ...
@overload
async def execute_activity(
    activity: Callable[[P], Awaitable[R]], arg: P, **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity(
    activity: Callable[[P], R], arg: P, **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity(
    activity: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: type[R],
    **options: Unpack[ActivityConfig],
) -> R: ...
@overload
async def execute_activity(
    activity: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: None = None,
    **options: Unpack[ActivityConfig],
) -> Any: ...
async def execute_activity(
    activity: Any,
    arg: Any = UNSET,
    *,
    args: Sequence[Any] = (),
    result_type: Any = None,
    **options: Unpack[ActivityConfig],
) -> Any:
    """Schedule an activity and wait for its result. See `start_activity`."""
    running = current()
    return await running.calls.start_activity(
        running, activity, arguments_of(arg, args), result_type=result_type, **options
    )


@overload
async def execute_activity_method(
    activity: Callable[[SelfT], Awaitable[R]], **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity_method(
    activity: Callable[[SelfT], R], **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity_method(
    activity: Callable[[SelfT, P], Awaitable[R]], arg: P, **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity_method(
    activity: Callable[[SelfT, P], R], arg: P, **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity_method(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity_method(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> R: ...
async def execute_activity_method(
    activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[ActivityConfig]
) -> Any:
    """Schedule an activity that is a method, and wait for its result."""
    running = current()
    return await running.calls.start_activity(running, activity, arguments_of(arg, args), **options)


@overload
async def execute_activity_class(
    activity: type[AsyncClass0[R]], **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity_class(
    activity: type[SyncClass0[R]], **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity_class(
    activity: type[AsyncClass1[P, R]], arg: P, **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity_class(
    activity: type[SyncClass1[P, R]], arg: P, **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity_class(
    activity: type[AsyncClass[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity_class(
    activity: type[SyncClass[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> R: ...
async def execute_activity_class(
    activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[ActivityConfig]
) -> Any:
    """Schedule an activity that is a class with ``__call__``, and wait for its result."""
    running = current()
    return await running.calls.start_activity(running, activity, arguments_of(arg, args), **options)
