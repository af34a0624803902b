"""The tasks and handles of a workflow's loop: asyncio's, with an order that a replay repeats."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from hourglass.workflow._runtime.deadlines import ON_TIMEOUT
from hourglass.workflow._runtime.errors import ReadOnlyContextError

if TYPE_CHECKING:
    from hourglass._bridge import WorkflowActivation
    from hourglass.workflow._runtime.guard import Guard

_Timeout: Any = getattr(asyncio, "Timeout", None)  # Python 3.11
_frame = sys._getframe  # pyright: ignore[reportPrivateUsage]
T = TypeVar("T")
Context = contextvars.Context


Chain = tuple[tuple["Task[Any]", int], ...]
"""Tasks that wait for one another, the innermost last, each with its count of cancellations."""


def deliver(chain: Chain) -> None:
    """Cancel a task once more whose cancellation history has swallowed; if it has ended, the task
    that waits for it. Called when the innermost has had its turn."""
    task, count = chain[-1]
    if not task.done():
        if task.cancelling() >= count:  # not taken back meanwhile, by a timeout or a task group
            task.uncancel()
            task.cancel()
    elif len(chain) > 1 and not task.cancelled():
        task.get_loop().call_soon(deliver, chain[:-1])


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


def _nothing() -> None:
    """Stand where a callback was."""


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
        loop: Any = asyncio._get_running_loop()
        if getattr(loop, "read_only", ""):
            loop.check_writable("cancel a callback")
        self._cancelled = True

    def cancelled(self) -> bool:
        return self._cancelled

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._callback!r}{' cancelled' * self._cancelled}>"


class TimerHandle(asyncio.TimerHandle):
    """A durable timer. `seq` is its number in the run."""

    __slots__ = ("_host", "at_once", "seq")

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
        self.at_once = False
        """See `WorkflowLoop.start_timer`."""

    def cancel(self) -> None:
        if not self._cancelled:
            try:
                self._host.cancel_timer(self)
            except ReadOnlyContextError:
                scope: Any = _frame(1).f_locals.get("self")
                if type(scope) is _Timeout:
                    scope._when = self._when  # it has noted the new time already
                raise
            self._cancelled = True

    def cancelled(self) -> bool:
        return self._cancelled

    def forget(self) -> None:
        """Let go of the callback, which may hold this."""
        self._callback, self._args = _nothing, ()

    def __hash__(self) -> int:
        return self.seq

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.seq}{' cancelled' * self._cancelled}>"


class Task(asyncio.Task[T]):
    """A task that hashes by its order of creation; equality stays identity."""

    __slots__ = ("_cancels", "_guard", "_hash", "own_context")

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
        self._guard = loop
        self._cancels = 0
        event_loop = cast("asyncio.AbstractEventLoop", loop)
        name = f"Task-{order}" if name is None else name
        if context is None:
            super().__init__(coro, loop=event_loop, name=name)
        else:
            options: dict[str, Any] = {"context": context}  # from Python 3.11 on
            super().__init__(coro, loop=event_loop, name=name, **options)

        # The loop keeps unfinished tasks: one goes away with its run, or when the program ends.
        self._log_destroy_pending = False

    def cancel(self, msg: Any | None = None) -> bool:
        """Cancel, as asyncio does. What waits for history is asked to cancel and ends as history
        says; if that is a value, the task hears of its own at its next wait (`deliver`).
        """
        guard = self._guard
        if guard.evicted or self.done():
            return super().cancel(msg)
        guard.check_writable("cancel a task")
        waiter: Any = getattr(self, "_fut_waiter", None)
        outer, outer_deadline = guard.cancelling, guard.by_deadline
        # gather, for one, raises its own CancelledError once its members have ended.
        direct = isinstance(waiter, Task) or getattr(waiter, "left_to_history", False)
        guard.cancelling = (*outer, (self, self.cancelling() + 1)) if direct else ()
        guard.by_deadline = outer_deadline or _frame(1).f_code is ON_TIMEOUT
        try:
            asked = super().cancel(msg)
        finally:
            guard.cancelling, guard.by_deadline = outer, outer_deadline
        self._cancels += asked
        return asked

    def interrupt(self) -> None:
        """Throw the CancelledError that was asked for, in place of the value that has come."""
        super().cancel()
        self.uncancel()

    if sys.version_info >= (3, 11):

        def uncancel(self) -> int:
            """Take back a request to cancel."""
            if self._guard.read_only:
                self._guard.check_writable("take back a cancellation")
            return super().uncancel()

    else:

        def cancelling(self) -> int:
            """Count the requests to cancel that were not taken back, as later Pythons do."""
            return self._cancels

        def uncancel(self) -> int:
            """Take back a request to cancel, as in later Pythons."""
            if self._guard.read_only:
                self._guard.check_writable("take back a cancellation")
            self._cancels = max(0, self._cancels - 1)
            return self._cancels

    def __hash__(self) -> int:
        return self._hash
