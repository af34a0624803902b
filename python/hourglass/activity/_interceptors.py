"""Interceptors of activities, and what they are given. Public in `hourglass.worker`.

One chain for each attempt: what comes in runs on the worker's event loop, what goes out
wherever the activity runs. An activity in a process of its own sends its heartbeats through the
chain, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from hourglass._bridge import Payload
    from hourglass.activity._context import Info


def _none() -> Mapping[str, Payload]:
    return {}


@dataclass
class ExecuteActivityInput:
    """For `ActivityInboundInterceptor.execute_activity`."""

    fn: Callable[..., Any]
    args: Sequence[Any]
    executor: Executor | None
    """Where a synchronous one runs; None for an asynchronous one."""
    headers: Mapping[str, Payload] = field(default_factory=_none)


class ActivityInboundInterceptor:
    """Sees an attempt of an activity. Each method passes on to the next."""

    def __init__(self, next: ActivityInboundInterceptor) -> None:
        self.next = next

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        """Begin an attempt. To see what goes out, pass `outbound` on, wrapped."""
        self.next.init(outbound)

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        """Call the function. `activity.info` and its kin may be asked here."""
        return await self.next.execute_activity(input)


class ActivityOutboundInterceptor:
    """Sees what an activity asks for. Each method passes on to the next."""

    def __init__(self, next: ActivityOutboundInterceptor) -> None:
        self.next = next

    def info(self) -> Info:
        """`activity.info`"""
        return self.next.info()

    def heartbeat(self, *details: Any) -> None:
        """`activity.heartbeat`"""
        self.next.heartbeat(*details)
