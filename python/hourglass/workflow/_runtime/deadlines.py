"""`asyncio.wait_for` for workflow code, the same on every Python.

Since Python 3.12 `wait_for` is a timeout around the awaitable, in the task that waits. Before, it
ran the awaitable in a task of its own: commands came in another order, and a result that came in
the activation of the deadline won over it. A history is replayed on whatever Python a worker has,
so the newer rules hold on all of them: a deadline that fired first wins, also over a result that
comes with it or later, and a result that came first wins over the deadline.

`install` leads `asyncio.wait_for` here inside workflows; elsewhere it stays what it was.
"""

from __future__ import annotations

import asyncio
import sys
from types import CodeType, FunctionType
from typing import Any


class Timeout:
    """`asyncio.Timeout`, for Python 3.10, as far as `wait_for` needs it."""

    def __init__(self, when: float) -> None:
        self._when = when
        self._fired = False

    async def __aenter__(self) -> None:
        loop = asyncio.get_running_loop()
        task: Any = asyncio.current_task()
        self._task, self._cancelling = task, task.cancelling()
        self._handle = (
            loop.call_soon(self._on_timeout)
            if self._when <= loop.time()
            else loop.call_at(self._when, self._on_timeout)
        )

    async def __aexit__(self, exc_type: object, error: BaseException | None, _: object) -> None:
        self._handle.cancel()
        if self._fired:
            left = self._task.uncancel()
            if left <= self._cancelling and exc_type is asyncio.CancelledError:
                raise asyncio.TimeoutError from error

    def _on_timeout(self) -> None:
        self._task.cancel()
        self._fired = True


_scope: Any = getattr(asyncio, "Timeout", Timeout)
ON_TIMEOUT: CodeType = _scope._on_timeout.__code__
"""The code that cancels a task because its time is up."""


async def wait_for(awaitable: Any, timeout: float | None) -> Any:
    """`asyncio.wait_for` as it is from Python 3.12 on."""
    if timeout is None:
        return await awaitable
    if timeout > 0:
        async with _scope(asyncio.get_running_loop().time() + timeout):
            return await awaitable
    future = asyncio.ensure_future(awaitable)
    if not future.done():
        future.cancel()
        await asyncio.wait([future])
    try:
        return future.result()
    except asyncio.CancelledError as error:
        raise asyncio.TimeoutError from error


def install() -> None:
    """Have `asyncio.wait_for` ask the running loop whose rules hold. Before Python 3.12 only.

    The code of the function is replaced, not the name: programs may have imported it already.
    """
    found: Any = asyncio.wait_for
    names = found.__globals__
    if sys.version_info >= (3, 12) or "_hourglass_elsewhere" in names:
        return
    names["_hourglass_elsewhere"] = FunctionType(
        found.__code__, names, "wait_for", found.__defaults__, found.__closure__
    )
    names["_hourglass_get_loop"] = asyncio._get_running_loop
    found.__code__ = _led.__code__


async def _led(fut, timeout):  # type: ignore[no-untyped-def]  # runs with asyncio's globals
    own = getattr(_hourglass_get_loop(), "wait_for", None)  # type: ignore[name-defined]  # noqa: F821
    return await (own or _hourglass_elsewhere)(fut, timeout)  # type: ignore[name-defined]  # noqa: F821
