"""The chains of interceptors of one attempt of an activity."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hourglass.activity import _context
from hourglass.activity._interceptors import (
    ActivityInboundInterceptor,
    ActivityOutboundInterceptor,
    ExecuteActivityInput,
)

if TYPE_CHECKING:
    from hourglass.activity._context import Context, Info
    from hourglass.activity._definition import ActivityDefinition
    from hourglass.worker._interceptor import Interceptor
    from hourglass.worker._running_activity import RunningActivity


async def execute(
    running: RunningActivity,
    context: Context,
    definition: ActivityDefinition,
    function: Callable[..., Any],
    args: Sequence[Any],
) -> Any:
    """Run an attempt through the interceptors of its worker; the first is the outermost."""
    _context.enter(context)
    activities = running.activities
    interceptors: Sequence[Interceptor] = activities.interceptors
    first: ActivityInboundInterceptor = _InboundEnd(running, context, definition, function)
    for interceptor in reversed(interceptors):
        first = interceptor.intercept_activity(first)
    first.init(_OutboundEnd(context))
    executor = None if definition.is_async else activities.executor()
    given = ExecuteActivityInput(function, args, executor, running.task.headers)
    return await first.execute_activity(given)


class _InboundEnd(ActivityInboundInterceptor):
    def __init__(
        self,
        running: RunningActivity,
        context: Context,
        definition: ActivityDefinition,
        function: Callable[..., Any],
    ) -> None:
        self._running = running
        self._context = context
        self._definition = definition
        self._function = function

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        self._context.ask_info = outbound.info
        self._context.send_heartbeat = lambda details: outbound.heartbeat(*details)

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        definition, fn = self._definition, input.fn
        if fn is not self._function:
            definition = dataclasses.replace(definition, is_async=inspect.iscoroutinefunction(fn))
        return await self._running.call(definition, fn, input.args, input.executor)


class _OutboundEnd(ActivityOutboundInterceptor):
    def __init__(self, context: Context) -> None:
        self._info = context.info
        self._heartbeat = context.send_heartbeat

    def info(self) -> Info:
        return self._info

    def heartbeat(self, *details: Any) -> None:
        self._heartbeat(details)
