"""Starting standalone activities and waiting for them: as `_activity_start`, then `result`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, overload

from typing_extensions import Unpack

from hourglass._activity_typing import (
    AsyncClass,
    AsyncClass0,
    AsyncClass1,
    SyncClass,
    SyncClass0,
    SyncClass1,
)
from hourglass.client._activity_start import StartingActivities
from hourglass.client._requests._parts import UNSET
from hourglass.client._requests.start_activity_execution import StartActivityOptions

SelfT = TypeVar("SelfT")
P = TypeVar("P")
R = TypeVar("R")


class ActivityCalls(StartingActivities):
    """What a client can do with standalone activities as their caller."""

    @overload
    async def execute_activity(
        self, activity: Callable[[], Awaitable[R]], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity(
        self, activity: Callable[[], R], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity(
        self, activity: Callable[[P], Awaitable[R]], arg: P, **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity(
        self, activity: Callable[[P], R], arg: P, **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity(
        self,
        activity: Callable[..., Awaitable[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    @overload
    async def execute_activity(
        self,
        activity: Callable[..., R],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    @overload
    async def execute_activity(
        self,
        activity: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: type[R],
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    @overload
    async def execute_activity(
        self,
        activity: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: None = None,
        **options: Unpack[StartActivityOptions],
    ) -> Any: ...
    async def execute_activity(
        self,
        activity: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        result_type: Any = None,
        **options: Unpack[StartActivityOptions],
    ) -> Any:
        """Start an activity and wait for its result: `start_activity`, then `handle.result`."""
        handle = await self.start_activity(
            activity, arg, args=args, result_type=result_type, **options
        )
        return await handle.result()

    @overload
    async def execute_activity_method(
        self, activity: Callable[[SelfT], Awaitable[R]], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_method(
        self, activity: Callable[[SelfT], R], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_method(
        self,
        activity: Callable[[SelfT, P], Awaitable[R]],
        arg: P,
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    @overload
    async def execute_activity_method(
        self, activity: Callable[[SelfT, P], R], arg: P, **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_method(
        self,
        activity: Callable[..., Awaitable[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    @overload
    async def execute_activity_method(
        self,
        activity: Callable[..., R],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    async def execute_activity_method(
        self,
        activity: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        **options: Unpack[StartActivityOptions],
    ) -> Any:
        """Start an activity that is a method, and wait for its result."""
        handle = await self.start_activity(activity, arg, args=args, **options)
        return await handle.result()

    @overload
    async def execute_activity_class(
        self, activity: type[AsyncClass0[R]], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_class(
        self, activity: type[SyncClass0[R]], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_class(
        self, activity: type[AsyncClass1[P, R]], arg: P, **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_class(
        self, activity: type[SyncClass1[P, R]], arg: P, **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_class(
        self,
        activity: type[AsyncClass[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    @overload
    async def execute_activity_class(
        self,
        activity: type[SyncClass[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    async def execute_activity_class(
        self,
        activity: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        **options: Unpack[StartActivityOptions],
    ) -> Any:
        """Start an activity that is a class with ``__call__``, and wait for its result."""
        handle = await self.start_activity(activity, arg, args=args, **options)
        return await handle.result()
