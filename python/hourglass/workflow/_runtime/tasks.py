"""The tasks and handles of a workflow's loop: asyncio's, with an order that a replay repeats."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from hourglass._bridge import WorkflowActivation
    from hourglass.workflow._runtime.guard import Guard

T = TypeVar("T")
Context = contextvars.Context


class LoopHost(Protocol):
    """The run of a loop: it records timers and logs."""

    activation: WorkflowActivation

    @property
    def log_details(self) -> dict[str, object]:
        """The names of the run, for messages."""
        ...

    def start_timer(self, timer: TimerHandle, seconds: float, summary: str | None) -> None:
        """Have `timer` fire after `seconds`; raises if that is not a possible duration."""

    def cancel_timer(self, timer: TimerHandle) -> None:
        """Forget a timer that has not fired."""

    def report(self, message: str, error: BaseException | None) -> None:
        """Log what asyncio complains about, with whose code it is."""


class Handle(asyncio.Handle):
    """`asyncio.Handle` without the debugging state."""

    __slots__ = ()

    def __init__(
        self, callback: Callable[..., object], args: tuple[Any, ...], context: Context
    ) -> None:
        self._callback = callback
        self._args = args
        self._context = context
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True

    def cancelled(self) -> bool:
        return self._cancelled

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._callback!r}{' cancelled' * self._cancelled}>"


class TimerHandle(asyncio.TimerHandle):
    """A durable timer. `seq` is its number in the run."""

    __slots__ = ("_host", "seq")

    def __init__(
        self,
        host: LoopHost,
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: Context,
    ) -> None:
        self._host = host
        self._when = when
        self._callback = callback
        self._args = args
        self._context = context
        self._cancelled = False
        self._scheduled = False
        self.seq = 0

    def cancel(self) -> None:
        if not self._cancelled:
            self._cancelled = True
            self._host.cancel_timer(self)

    def cancelled(self) -> bool:
        return self._cancelled

    def __hash__(self) -> int:
        return self.seq

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.seq}{' cancelled' * self._cancelled}>"


class Task(asyncio.Task[T]):
    """A task that hashes by its order of creation; equality stays identity."""

    __slots__ = ("_hash", "own_context")

    own_context: Context
    """The context that its code runs in."""

    def __init__(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        loop: Guard,
        order: int,
        name: str | None,
        context: Context | None,
    ) -> None:
        self._hash = loop.hash_base + order
        event_loop = cast("asyncio.AbstractEventLoop", loop)
        name = f"Task-{order}" if name is None else name
        if context is None:
            super().__init__(coro, loop=event_loop, name=name)
        else:
            options: dict[str, Any] = {"context": context}  # from Python 3.11 on
            super().__init__(coro, loop=event_loop, name=name, **options)

        # The loop keeps unfinished tasks: one goes away with its run, or when the program ends.
        self._log_destroy_pending = False

    def __hash__(self) -> int:
        return self._hash
