"""Time, injected: everything that waits for seconds asks a `Clock`."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A callback that is due some time."""

    def cancel(self) -> None:
        """Never call it; nothing happens when it was called already."""


class Clock(Protocol):
    """Seconds that only grow, and callbacks after some of them."""

    def now(self) -> float:
        """Seconds since some fixed moment."""
        ...

    def call_later(
        self, loop: asyncio.AbstractEventLoop, seconds: float, callback: Callable[[], None]
    ) -> Timer:
        """Call `callback` on `loop` in `seconds`."""
        ...


class WallClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Seconds of `time.monotonic`."""
        return time.monotonic()

    def call_later(
        self, loop: asyncio.AbstractEventLoop, seconds: float, callback: Callable[[], None]
    ) -> Timer:
        """Call `callback` on `loop` in `seconds`. Call it on that loop's thread."""
        return loop.call_later(seconds, callback)


class VirtualClock:
    """A clock for tests: it stands still until it is moved."""

    def __init__(self) -> None:
        self._now = 0.0
        self._lock = threading.Lock()
        self._serial = itertools.count()
        self._timers: list[tuple[float, int, _VirtualTimer]] = []

    def now(self) -> float:
        """Seconds this clock was moved so far."""
        return self._now

    def call_later(
        self, loop: asyncio.AbstractEventLoop, seconds: float, callback: Callable[[], None]
    ) -> Timer:
        """Call `callback` on `loop` when the clock was moved by `seconds`."""
        timer = _VirtualTimer(loop, callback)
        if seconds <= 0:
            timer.fire()
            return timer
        with self._lock:
            heapq.heappush(self._timers, (self._now + seconds, next(self._serial), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Move on by `seconds` and send off what became due, in order. Any thread may call it."""
        with self._lock:
            self._now += seconds
            while self._timers and self._timers[0][0] <= self._now:
                heapq.heappop(self._timers)[2].fire()


class _VirtualTimer:
    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self._callback = None

    def fire(self) -> None:
        if self._callback is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._run)

    def _run(self) -> None:
        callback, self._callback = self._callback, None
        if callback is not None:  # not cancelled on the way
            callback()
