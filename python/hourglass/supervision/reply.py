"""An answer that is on its way: one type for programs with and without an event loop.

`Reply` is what a caller gets: `await reply` in any event loop, `reply.result(timeout)` in any
thread. `Promise` is its other end, which the supervision loop keeps. Giving up the wait (a
timeout, a cancelled task) never cancels what was asked for.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Generator
from concurrent import futures
from typing import Any, Final, Generic, TypeVar

from .errors import CallTimeout, LoopGone, WouldDeadlock

T = TypeVar("T")

_marks = threading.local()


def mark_supervision_thread() -> None:
    """Tell `Reply.result` that this thread must never block."""
    _marks.os_pid = os.getpid()  # a fork of this thread may block: its loop is gone


class Reply(Generic[T]):
    """An answer that is on its way."""

    def __init__(self, future: futures.Future[T]) -> None:
        self._future = future
        self._os_pid: Final = os.getpid()

    def done(self) -> bool:
        """Say whether waiting would end at once."""
        return self._os_pid != os.getpid() or self._future.done()

    def result(self, timeout: float | None = None) -> T:
        """Block for at most `timeout` seconds (None: as long as it takes) and return the answer.

        Raises what the operation failed with; `CallTimeout`; `WouldDeadlock` on the supervision
        loop's own thread; `LoopGone` in a forked child.
        """
        self._check_owner()
        if getattr(_marks, "os_pid", None) == self._os_pid and not self._future.done():
            raise WouldDeadlock("result() would block the supervision loop: await the reply there")
        try:
            return self._future.result(timeout)
        except futures.TimeoutError:
            if self._future.done():  # at the last moment, or this is the operation's own failure
                return self._future.result()
            raise CallTimeout(f"no answer within {timeout} s") from None

    def __await__(self) -> Generator[Any, None, T]:
        self._check_owner()
        return asyncio.wrap_future(self._future).__await__()

    def on_done(self, callback: Callable[[], None]) -> None:
        """Call `callback` once: on the supervision loop's thread, or at once when it is done."""
        self._check_owner()
        self._future.add_done_callback(lambda _: callback())

    def _check_owner(self) -> None:
        # Asked first, before any lock of the future: another thread may have held it while forking.
        if self._os_pid != os.getpid():
            raise LoopGone("the supervision tree lives in the process this one was forked from")


class Promise(Generic[T]):
    """The end of a `Reply` that answers. The first answer counts."""

    def __init__(self) -> None:
        future: futures.Future[T] = futures.Future()
        future.set_running_or_notify_cancel()  # from here on no waiter can cancel it
        self._future = future
        self.answer: Final = Reply(future)

    def resolve(self, value: T) -> bool:
        """Answer; False when it was answered before."""
        try:
            self._future.set_result(value)
        except futures.InvalidStateError:
            return False
        return True

    def reject(self, error: BaseException) -> bool:
        """Answer with a failure; False when it was answered before."""
        try:
            self._future.set_exception(error)
        except futures.InvalidStateError:
            return False
        return True
