"""`wait` and `as_completed` with an order: asyncio's own go through sets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator
from typing import Any, TypeVar, overload

T = TypeVar("T")
FutureT = TypeVar("FutureT", bound="asyncio.Future[Any]")


@overload
async def wait(
    fs: Iterable[FutureT],
    *,
    timeout: float | None = None,
    return_when: str = asyncio.ALL_COMPLETED,
) -> tuple[list[FutureT], list[FutureT]]: ...
@overload
async def wait(
    fs: Iterable[asyncio.Task[T]],
    *,
    timeout: float | None = None,
    return_when: str = asyncio.ALL_COMPLETED,
) -> tuple[list[asyncio.Task[T]], list[asyncio.Task[T]]]: ...
async def wait(
    fs: Iterable[Any], *, timeout: float | None = None, return_when: str = asyncio.ALL_COMPLETED
) -> Any:
    """`asyncio.wait`, with (done, pending) as lists in the order of `fs`."""
    futures = _futures(fs)
    if not futures:
        raise ValueError("wait: nothing to wait for")
    done, _ = await asyncio.wait(futures, timeout=timeout, return_when=return_when)
    return [item for item in futures if item in done], [
        item for item in futures if item not in done
    ]


def as_completed(
    fs: Iterable[Awaitable[T]], *, timeout: float | None = None
) -> Iterator[Awaitable[T]]:
    """`asyncio.as_completed`: awaitables for the results, first done first.

    What is already done comes in the order of `fs`. With a `timeout`, awaiting what is not done in
    time raises `asyncio.TimeoutError`.
    """
    loop = asyncio.get_running_loop()
    futures = _futures(fs)
    done: asyncio.Queue[asyncio.Future[T] | None] = asyncio.Queue()
    todo = dict.fromkeys(futures)

    def complete(future: asyncio.Future[T]) -> None:
        if future in todo:
            del todo[future]
            done.put_nowait(future)
        if not todo and timer is not None:
            timer.cancel()

    def expire() -> None:
        for future in todo:
            future.remove_done_callback(complete)
            done.put_nowait(None)
        todo.clear()

    timer = loop.call_later(timeout, expire) if timeout is not None and futures else None
    for future in futures:
        future.add_done_callback(complete)
    return (_next_done(done) for _ in futures)


async def _next_done(done: asyncio.Queue[asyncio.Future[T] | None]) -> T:
    future = await done.get()
    if future is None:
        raise asyncio.TimeoutError
    return future.result()


def _futures(fs: Iterable[Any]) -> list[asyncio.Future[Any]]:
    """Make futures of awaitables, in order, each once."""
    given: object = fs
    if asyncio.isfuture(given) or asyncio.iscoroutine(given):
        raise TypeError("a list of things to wait for, not a single one")
    return [asyncio.ensure_future(item) for item in dict.fromkeys(fs)]
