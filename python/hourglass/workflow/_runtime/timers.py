"""Timers that workflow code holds: started, reset and cancelled, by a name if they have one."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hourglass.exceptions import CancelledError
from hourglass.workflow._runtime.durations import seconds_of

if TYPE_CHECKING:
    from hourglass.workflow._runtime.state import RunState
    from hourglass.workflow._runtime.tasks import TimerHandle

RESERVED = ("deadline:", "schedule:", "timer:")
"""Beginnings of names that are none of the program's."""


class Timer:
    """A durable timer. Made by `start_timer`.

    ::

        running --fires--> fired            awaiting it returns
                --cancel--> cancelled       awaiting it raises `CancelledError`
        running, fired, cancelled --reset--> running, from now

    Any number of tasks may await it; cancelling one of them leaves the timer alone. A timer fires
    once, is cancelled, or is reset: where these meet in one workflow task, what comes first wins,
    the same in every replay.
    """

    __slots__ = ("_cancelled", "_fired", "_handle", "_id", "_state", "_summary", "_waiters")

    def __init__(self, state: RunState, id: str | None, summary: str | None) -> None:  # noqa: A002
        self._state = state
        self._id = id
        self._summary = id if summary is None else summary
        self._fired = self._cancelled = False
        self._handle: TimerHandle | None = None
        self._waiters: list[asyncio.Future[bool]] = []

    @property
    def id(self) -> str | None:
        """The name it was given."""
        return self._id

    @property
    def fired(self) -> bool:
        """True from its firing on, until it is reset."""
        return self._fired

    @property
    def cancelled(self) -> bool:
        """True from its cancellation on, until it is reset."""
        return self._cancelled

    def cancel(self) -> bool:
        """Keep it from firing; False if it has fired or was cancelled already."""
        self._state.loop.check_writable("cancel a timer")
        if self._handle is None:
            return False
        self._handle.cancel()
        self._handle, self._cancelled = None, True
        self._wake()
        return True

    def reset(self, delay: float | timedelta) -> bool:
        """Let it fire `delay` from now and not before, whether it is running or not.

        Returns:
            Whether it was running, so that its earlier firing will not happen.
        """
        handle = self._state.loop.start_timer(
            seconds_of(delay, "timer"), self._summary, _fire, (self,), at_once=True
        )
        was_running = self._handle is not None
        if self._handle is not None:
            self._handle.cancel()
        self._handle, self._fired, self._cancelled = handle, False, False
        return was_running

    def __await__(self) -> Generator[Any, None, None]:
        return self._wait().__await__()

    async def _wait(self) -> None:
        if self._handle is None:
            fired = self._fired
        else:
            waiter: asyncio.Future[bool] = self._state.loop.create_future()
            self._waiters.append(waiter)
            # By its result: when the waiter's turn comes, the timer may have been reset already.
            fired = await waiter
        if not fired:
            name = "" if self._id is None else f" {self._id!r}"
            raise CancelledError(f"the timer{name} was cancelled")

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(self._fired)

    def __repr__(self) -> str:
        name = "" if self._id is None else f" {self._id!r}"
        state = "fired" if self._fired else "cancelled" if self._cancelled else "running"
        return f"<Timer{name} {state}>"


def _fire(timer: Timer) -> None:
    timer._handle, timer._fired = None, True  # pyright: ignore[reportPrivateUsage]
    timer._wake()  # pyright: ignore[reportPrivateUsage]


def start_timer(
    state: RunState,
    named: dict[str, Timer],
    delay: float | timedelta,
    id: str | None,  # noqa: A002 - the parameter's public name
    summary: str | None,
) -> Timer:
    """Start a timer, to be found in `named`. What is wrong is found before anything is recorded."""
    state.loop.check_writable("start a timer")
    if id is not None:
        _check_name(id)
        if (earlier := named.get(id)) is not None and not (earlier.fired or earlier.cancelled):
            raise RuntimeError(
                f"the timer {id!r} is running: reset it or cancel it, or give this one another id"
            )
    timer = Timer(state, id, summary)
    timer.reset(delay)
    if id is not None:
        named[id] = timer
    return timer


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"a timer's id is a string, not {name!r}")
    if not name:
        raise ValueError("a timer's id can't be empty; leave it out for a timer without a name")
    if name.startswith(RESERVED):
        raise ValueError(
            f"a timer's id can't begin with {', '.join(RESERVED)}, as {name!r} does: these are"
            " reserved"
        )
