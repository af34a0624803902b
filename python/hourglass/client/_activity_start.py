"""Starting standalone activities.

Each way to name an activity has a face of its own. The overloads tell apart async from sync and
none from one from many arguments, so that types are checked through the call; options are those
of `StartActivityOptions`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from typing_extensions import Unpack

from hourglass._activity_typing import (
    AsyncClass,
    AsyncClass0,
    AsyncClass1,
    SyncClass,
    SyncClass0,
    SyncClass1,
)
from hourglass.activity._definition import ActivityDefinition
from hourglass.client._activity_handle import ActivityHandle
from hourglass.client._requests._parts import UNSET, arguments
from hourglass.client._requests.start_activity_execution import StartActivityOptions
from hourglass.exceptions import InvalidArgumentError

if TYPE_CHECKING:
    from hourglass.client._calls import Calls

SelfT = TypeVar("SelfT")
P = TypeVar("P")
R = TypeVar("R")


class StartingActivities:
    """What a client can do to start standalone activities."""

    if TYPE_CHECKING:

        @property
        def calls(self) -> Calls: ...

    @overload
    async def start_activity(
        self, activity: Callable[[], Awaitable[R]], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self, activity: Callable[[], R], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self, activity: Callable[[P], Awaitable[R]], arg: P, **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self, activity: Callable[[P], R], arg: P, **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self,
        activity: Callable[..., Awaitable[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self,
        activity: Callable[..., R],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self,
        activity: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: type[R],
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self,
        activity: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: None = None,
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[Any]: ...
    async def start_activity(
        self,
        activity: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        result_type: Any = None,
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[Any]:
        """Start an activity that belongs to no workflow; its handle as soon as it is recorded.

        Args:
            activity: Its function, or a name.
            arg: The argument, if there is one.
            args: The arguments, if there are several.
            result_type: What to decode the result as, where a name can't tell.
            options: See `StartActivityOptions`; `id`, `task_queue`, and one of
                `start_to_close_timeout` and `schedule_to_close_timeout` are required.

        Raises:
            ActivityAlreadyStartedError: The id is taken, and the id policies don't help.
            EncodingError: An argument can't be encoded; nothing was started.
            RPCError: The service refused; UNIMPLEMENTED if it has no standalone activities.
        """
        name, declared = _type_of(activity)
        return await self.calls.start_activity(
            activity_type=name,
            args=arguments(arg, args),
            result_type=declared if result_type is None else result_type,
            **options,
        )

    def handle_of_started_activity(
        self, activity_id: str, run_id: str, result_type: Any
    ) -> ActivityHandle[Any]:
        """The handle of a standalone activity that this client has just started."""
        client: Any = self
        return ActivityHandle(client, activity_id, run_id=run_id, result_type=result_type)

    @overload
    async def start_activity_method(
        self, activity: Callable[[SelfT], Awaitable[R]], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_method(
        self, activity: Callable[[SelfT], R], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_method(
        self,
        activity: Callable[[SelfT, P], Awaitable[R]],
        arg: P,
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_method(
        self, activity: Callable[[SelfT, P], R], arg: P, **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_method(
        self,
        activity: Callable[..., Awaitable[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_method(
        self,
        activity: Callable[..., R],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    async def start_activity_method(
        self,
        activity: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[Any]:
        """Start an activity that is a method, given by its class: ``Activities.charge``."""
        return await self.start_activity(activity, arg, args=args, **options)

    @overload
    async def start_activity_class(
        self, activity: type[AsyncClass0[R]], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_class(
        self, activity: type[SyncClass0[R]], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_class(
        self, activity: type[AsyncClass1[P, R]], arg: P, **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_class(
        self, activity: type[SyncClass1[P, R]], arg: P, **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_class(
        self,
        activity: type[AsyncClass[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_class(
        self,
        activity: type[SyncClass[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    async def start_activity_class(
        self,
        activity: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[Any]:
        """Start an activity that is a class with ``__call__``."""
        return await self.start_activity(activity, arg, args=args, **options)

    def get_activity_handle(
        self, activity_id: str, *, run_id: str | None = None, result_type: type | None = None
    ) -> ActivityHandle[Any]:
        """The handle of a standalone activity that exists, or not: nothing is asked here.

        It is the caller's; `get_async_activity_handle` is for whoever completes one.

        Args:
            activity_id: Its id.
            run_id: One run of it; the latest by default.
            result_type: What to decode the result as.
        """
        client: Any = self
        return ActivityHandle(client, activity_id, run_id=run_id, result_type=result_type)


def _type_of(activity: Any) -> tuple[str, Any]:
    """The name and the declared result of an activity. `DefinitionError` if it isn't one."""
    if isinstance(activity, str):
        if not activity:
            raise InvalidArgumentError("the activity's name is empty")
        return activity, None
    definition = ActivityDefinition.of(activity)
    if definition.name is None:
        raise InvalidArgumentError(
            f"{activity.__qualname__} is a dynamic activity: say which name to start"
        )
    return definition.name, definition.ret_type
