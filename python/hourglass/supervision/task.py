"""Processes that are tasks on the supervision loop."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from .events import ProcessAbandoned, emit
from .exits import KILLED, ExitReason
from .process import Process, enter_process

T = TypeVar("T")

KILL_TURNS: Final = 64
"""A killed task is cancelled at every turn of the loop; after that many it is abandoned.

Turns, not seconds: a task that does not resist is gone after two or three of them (plus two for
every task it waits for), and no clock is needed to say when one resists.
"""


class TaskProcess(Process):
    """A process whose life is the coroutine `main`. Being asked to stop cancels it."""

    def __init__(self) -> None:
        super().__init__()
        self._task: asyncio.Task[BaseException | None] | None = None
        self._killed = False

    @abstractmethod
    async def main(self) -> None:
        """Live. Call `ready` once up; return or raise to end."""

    def _launch(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._live(), name=repr(self))
        self._task.add_done_callback(self._task_done)

    async def _live(self) -> BaseException | None:
        # Returns what was raised: a task that raises SystemExit would take the loop with it.
        enter_process(self)
        try:
            await self.main()
        except BaseException as error:
            return error
        return None

    def _task_done(self, task: asyncio.Task[BaseException | None]) -> None:
        # Cancelled here means: before its first step, so `_live` never ran.
        error = asyncio.CancelledError() if task.cancelled() else task.result()
        self._end(KILLED if self._killed else self._judge(error), error)

    def _end(self, reason: ExitReason, error: BaseException | None) -> None:
        """The task is over; a subclass may have more to clear away before `_finish`."""
        self._finish(reason, error)

    def _runs_here(self) -> bool:
        # The mark of `enter_process` is inherited by tasks and threads that it begins.
        return self.place.loop.is_current() and asyncio.current_task() is self._task

    def lose(self, reason: ExitReason) -> None:
        """Leave its coroutine no time, as after a kill."""
        self._killed = True
        super().lose(reason)

    def _ask(self, reason: ExitReason) -> None:
        assert self._task is not None
        self._task.cancel()

    def _slay(self) -> None:
        if not self._killed:
            self._killed = True
            self._cancel_again(KILL_TURNS)

    def _cancel_again(self, turns: int) -> None:
        assert self._task is not None
        if self._task.done():
            return
        if turns == 0:
            emit(ProcessAbandoned(self))
            self._end(KILLED, None)
            return
        self._task.cancel()
        asyncio.get_running_loop().call_soon(self._cancel_again, turns - 1)


class Task(TaskProcess):
    """A coroutine function as a process; it is given the process.

    It is up at once; with `handshake` only when it calls `process.ready()`.
    """

    def __init__(
        self, function: Callable[[Task], Awaitable[object]], *, handshake: bool = False
    ) -> None:
        super().__init__()
        self._function = function
        self._handshake = handshake

    async def main(self) -> None:
        """Run the function."""
        if not self._handshake:
            self.ready()
        await self._function(self)


class AsyncResource(TaskProcess, Generic[T]):
    """Something to start and to stop, by coroutine functions, as a process.

    It is up when `start` has returned. `stop` gets the `value` it returned;
    a kill leaves it no time.
    """

    def __init__(
        self,
        start: Callable[[], Awaitable[T]],
        stop: Callable[[T], Awaitable[object]],
    ) -> None:
        super().__init__()
        self._start_it = start
        self._stop_it = stop
        self.value: T

    async def main(self) -> None:
        """Start it, wait until asked to stop, stop it."""
        self.value = await self._start_it()
        try:
            self.ready()
            await asyncio.Event().wait()  # until cancelled
        finally:
            if not self._killed:
                await self._stop_it(self.value)
